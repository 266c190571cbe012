"""Typing errors, as people make them, for measuring what they cost."""

from __future__ import annotations

import random
import re
import string


def misspelt(text: str, letters: int, chance: random.Random) -> str:
    """Return ``text`` with one wrong letter in every word of at least ``letters`` letters.

    It is swapped with the next, left out, put in, or another one, with equal chances.
    """
    return re.sub(
        rf"[A-Za-z]{{{letters},}}", lambda word: _with_one_wrong_letter(word[0], chance), text
    )


def _with_one_wrong_letter(word: str, chance: random.Random) -> str:
    kind, letter = chance.randrange(4), chance.choice(string.ascii_lowercase)
    if kind == 0:
        place = chance.randrange(len(word) - 1)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    place = chance.randrange(len(word))
    return word[:place] + ("", letter + word[place], letter)[kind - 1] + word[place + 1 :]
