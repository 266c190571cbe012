"""What a visitor typed, cleaned, and the messages that no classifier should guess at."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

MAX_CHARACTERS = 2000  # longer than any question; beyond it the bot asks for a shorter one

# Tab and line feed stay; other control and unassigned characters carry no words.
_UNWANTED = {"Cc", "Cs", "Co", "Cn"}
# A tag, or something in braces with a colon in it: no question looks like that.
_CODE = re.compile(r"</?[a-zA-Z][^<>]*>|\{[^{}]*:[^{}]*\}")
_LETTER_RUNS = re.compile(r"[^\W\d_]+")


class Screen(str, Enum):
    """Why a message is not put to the classifier. The values are intents of the domain."""

    NO_WORDS = "no_words"
    TOO_LONG = "too_long"
    OTHER_LANGUAGE = "other_language"
    CODE = "code"


def clean(text: str) -> str:
    """Return ``text`` in Unicode's NFC form without control characters and outer spaces."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNWANTED)
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def screen(text: str) -> Screen | None:
    """Return why ``text`` cannot be understood as a question, or None if it may be one."""
    if len(text) > MAX_CHARACTERS:
        return Screen.TOO_LONG
    if _CODE.search(text):
        return Screen.CODE
    letters = "".join(_LETTER_RUNS.findall(text))
    if not letters:
        # "L4-L5" has letters, a bare number or an emoji has none.
        return Screen.NO_WORDS
    foreign = sum(not unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return Screen.OTHER_LANGUAGE if foreign * 2 > len(letters) else None


def as_plain_text(text: str) -> str:
    """Return ``text`` so that Rasa cannot read it as a command: without leading slashes."""
    return text.lstrip("/ \t\n")
