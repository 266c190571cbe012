"""Reading and reviewing conversations."""

from spinebot.reviews.filters import Filters, is_resolved
from spinebot.reviews.finding import (
    Listed,
    Row,
    find_conversations,
    get,
    messages_until,
    next_unreviewed,
    row_of,
)
from spinebot.reviews.marks import (
    FLAG_REASONS,
    ReviewError,
    as_test,
    correct,
    flag,
    mark,
    message,
    notes_of,
    see_mentions,
    tag,
    tag_names,
    unflag,
    unseen_mentions,
    untag,
    write_note,
)
from spinebot.reviews.search import FOUND, FOUND_END

__all__ = [
    "FLAG_REASONS",
    "FOUND",
    "FOUND_END",
    "Filters",
    "Listed",
    "ReviewError",
    "Row",
    "as_test",
    "correct",
    "find_conversations",
    "flag",
    "get",
    "is_resolved",
    "mark",
    "message",
    "messages_until",
    "next_unreviewed",
    "notes_of",
    "row_of",
    "see_mentions",
    "tag",
    "tag_names",
    "unflag",
    "unseen_mentions",
    "untag",
    "write_note",
]
