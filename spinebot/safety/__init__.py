"""Red flags: does a visitor's message name an emergency, and what must be said then?

The rules are data (spinebot/red_flags.yml, from the clinical facts sheet, sections 21 and 26).
`rules` reads and checks them, `words` reads a message, `signs` finds the signs in it,
`decisions` says which rules are met. Whether a sign is really there (not denied, past or only
asked about) is decided in spinebot/language/negation.py. `examples` holds what the detector that
stands behind the rules learns from (spinebot/language/detector.py).
"""

from spinebot.safety.decisions import (
    Finding,
    by_example,
    check,
    despair,
    information_line,
    name_of,
    warning,
)
from spinebot.safety.rules import RULES, Action, RedFlagsError, RuleBook, book, load

__all__ = [
    "RULES",
    "Action",
    "Finding",
    "RedFlagsError",
    "RuleBook",
    "book",
    "by_example",
    "check",
    "despair",
    "information_line",
    "load",
    "name_of",
    "warning",
]
