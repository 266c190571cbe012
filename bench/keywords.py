"""Keywords for the floor: what Rasa's KeywordIntentClassifier needs, taken from the examples.

It reads every training example as a keyword (a regular expression, put to the message as it is)
and takes the first that matches. So a word is given to the intent that it speaks for most, and the
most telling words come first. Only letters are used: nothing in a keyword is a pattern.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML

from bench.data import Example

LEAST_LETTERS = 3
# A word must stand in so many examples of its intent, ...
LEAST_EXAMPLES = 3
# ... and so much of its use, each intent counted alike, must be there.
LEAST_SHARE = 0.35
_WORD = re.compile(rf"[a-z]{{{LEAST_LETTERS},}}")


def keywords(examples: Iterable[Example]) -> list[tuple[str, str]]:
    """Return (intent, word), the most telling first."""
    sizes: Counter[str] = Counter()
    uses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for intent, text in examples:
        sizes[intent] += 1
        for word in set(_WORD.findall(text.lower())):
            uses[word][intent] += 1
    found = []
    for word, counts in uses.items():
        rates = {intent: count / sizes[intent] for intent, count in counts.items()}
        best = max(sorted(rates), key=rates.__getitem__)
        share = rates[best] / sum(rates.values())
        if counts[best] >= LEAST_EXAMPLES and share >= LEAST_SHARE:
            found.append((share * rates[best], best, word))
    return [(intent, word) for _, intent, word in sorted(found, key=lambda f: (-f[0], f[1:]))]


def write_keywords(examples: Iterable[Example], path: Path) -> None:
    """Write the keywords as Rasa's training data, one block a keyword to keep their order."""
    blocks = [{"intent": intent, "examples": f"- {word}\n"} for intent, word in keywords(examples)]
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"version": "3.1", "nlu": blocks}, file)
