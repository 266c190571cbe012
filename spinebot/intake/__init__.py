"""The MRI-review form: what it asks, in which order, and how an answer is read.

It decides for each message whether it answers the form's question or is something else (a
question of the visitor's own, a wish to stop), which the dialogue then treats as what it is.
`questions` holds what is asked, `reading` how a message is taken, `answers` a reader for each
question, `summary` the last one; `corrections` and `wishes` are for what is to be put right,
`asides` for what is said beside answers, `contacts` and `names` for what stands in a message.
"""

from spinebot.intake.questions import (
    CALLBACK_SLOTS,
    FORM_SLOTS,
    NO,
    NOT_GIVEN,
    NOT_SURE,
    OPTIONAL,
    REFUSED,
    SLOTS,
    YES,
    Reading,
    next_slot,
    slots_of,
)
from spinebot.intake.reading import read

__all__ = [
    "CALLBACK_SLOTS",
    "FORM_SLOTS",
    "NO",
    "NOT_GIVEN",
    "NOT_SURE",
    "OPTIONAL",
    "REFUSED",
    "SLOTS",
    "YES",
    "Reading",
    "next_slot",
    "read",
    "slots_of",
]
