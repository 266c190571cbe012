"""The words of a message: cleaned, contractions opened, slips of spelling mended, stems taken.

Nothing that a visitor wrote is kept here: only the words of the rules file are.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spinebot.safety.numbers import Span, numbers

LONGEST_TEXT = 100_000  # characters; only the end of a longer text is read
# A word (also "l5", "don't"), a number, or one other character.
TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:'[^\W\d_]+)?|\d+(?:\.\d+)?|\S")
OPENED = {
    "cannot": "can not", "cant": "can not", "couldnt": "could not", "wont": "will not",
    "won't": "will not", "can't": "can not", "dont": "do not", "doesnt": "does not",
    "didnt": "did not", "isnt": "is not", "arent": "are not", "wasnt": "was not",
    "werent": "were not", "havent": "have not", "hasnt": "has not", "hadnt": "had not",
    "wouldnt": "would not", "shouldnt": "should not", "aint": "is not", "ain't": "is not",
    "cnt": "can not", "dnt": "do not", "nothin": "nothing", "cudnt": "could not",
    "im": "i am", "ive": "i have", "id": "i would", "youre": "you are", "theyre": "they are",
    "hes": "he is", "shes": "she is", "thats": "that is", "whats": "what is",
    "theres": "there is", "its": "its", "it's": "it is", "he's": "he is", "she's": "she is",
    "that's": "that is", "there's": "there is", "lets": "let us", "itll": "it will",
    "gonna": "going to", "gotta": "got to", "wanna": "want to", "dunno": "do not know",
    "gimme": "give me", "lemme": "let me", "kinda": "kind of", "sorta": "sort of",
    "cuz": "because", "coz": "because", "cos": "because", "bc": "because", "tho": "though",
    "nite": "night", "tonite": "tonight", "2day": "today", "2nite": "tonight", "thru": "through",
    "u": "you", "ur": "your", "r": "are", "n": "and", "w": "with", "pls": "please",
    "yr": "years", "yrs": "years", "hrs": "hours", "hr": "hour", "mins": "minutes",
    "wks": "weeks", "wk": "week", "mths": "months", "cud": "could", "ya": "you", "mi": "my",
    "everytime": "every time", "atall": "at all", "alot": "a lot", "wen": "when", "wat": "what",
    "bathrm": "bathroom", "sumthing": "something", "dr": "doctor", "doc": "doctor",
    "outta": "out of",
}  # fmt: skip
ENDINGS = {"n't": "not", "'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
BASES = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
# Stems that no rule of the ending gives.
IRREGULAR = {
    word: stem
    for stem, words in {
        "fall": "fell fallen", "feel": "felt feelin", "go": "went gone goes goin",
        "give": "gave given givin",
        "lose": "lost loosing loose loss", "break": "broke broken", "wake": "woke woken waken",
        "throw": "threw thrown", "come": "came", "take": "took taken", "hold": "held",
        "stand": "stood", "lie": "lay lain laid lying layin laying lyin", "run": "ran running",
        "sleep": "slept", "sit": "sat", "get": "got gotten", "have": "had has havin",
        "be": "is are am was were been being", "bend": "bent", "shrink": "shrunk shrank shrunken",
        "slide": "slid", "dive": "dove dived diving", "drive": "drove driven", "catch": "caught",
        "freeze": "froze frozen", "strike": "struck stricken", "hang": "hung hangin",
        "tear": "tore torn", "shake": "shook shaken shaky", "write": "wrote written",
        "keep": "kept",
        "foot": "feet", "tooth": "teeth", "can": "could", "do": "did does done doin",
        "try": "tried tries", "pee": "peed pees peein peeing", "wee": "weed weeing", "poo": "pooed",
        "use": "used using uses", "pain": "painful pains", "ach": "achy achey achiness",
        "sweat": "sweaty sweatin", "control": "controlled controlling", "tingl": "tingly",
        "swell": "swollen", "drink": "drank", "hear": "heard", "buckl": "bucklin",
        "numb": "numbness nummy num",
        "weak": "weaker weakness weakest weakened weaken weakening",
        "clumsy": "clumsier clumsiness",
        "worse": "worsen worsening worsened worst", "hurt": "hurtin", "kill": "killin",
        "shiver": "shivery", "chill": "chilly", "fever": "feverish", "wobbl": "wobbly",
        "tie": "tied tying ties", "die": "died dies dying", "bled": "bleeding bleed",
        "vomit": "vomited", "wet": "wetted", "tight": "tightness tighten",
        "heavy": "heaviness heavier", "stiff": "stiffness stiffer", "short": "shorter",
        "blow": "blew blown", "fly": "flew flown", "spin": "spun", "stick": "stuck",
        "panic": "panicked",
        "paralyz": "paralysed paralysis paralyse paralyzed paralyze paralized paralised",
        "urinat": "urination urinate", "sens": "sense sensation sensing sensed",
        "mess": "messed messy",
        "rubber": "rubbery", "noodl": "noodley", "breath": "breathe breathing",
        "hunch": "hunched", "knock": "knocked", "sore": "soreness", "oozy": "oozing oozes",
    }.items()
    for word in words.split()
}  # fmt: skip


def normalise(text: str) -> str:
    """Lower case, plain quotes, no control characters, no accents, single spaces."""
    text = text[-LONGEST_TEXT:]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.upper())
        text = "".join(char for char in text if not unicodedata.combining(char))
        text = re.sub("[\u2018\u2019\u201b\u02bc\u00b4\u2032]", "'", text)
        text = re.sub("[\u201c\u201d\u00ab\u00bb]", " ", text).replace("\u2026", " . ")
        text = re.sub("[\u2028\u2029\u0085]", "\n", text)
        text = "".join(" " if _is_control(char) else char for char in text)
    text = re.sub(r"[\n\r]+", " . ", text.lower().replace("`", "'"))
    text = re.sub(r'[\x00-\x1f\x7f"*_~|<>#]', " ", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _is_control(char: str) -> bool:
    return char != "\n" and unicodedata.category(char)[0] == "C"


def tokens(text: str) -> Iterator[str]:
    """The words of a text, contractions opened: "can't" is "can", "not"."""
    for token in TOKEN.findall(normalise(text)):
        if len(token) > 40:
            yield token[:40]  # a keyboard mash
        elif token in OPENED:
            yield from OPENED[token].split()
        elif "'" in token[1:]:
            yield from _opened(token)
        else:
            yield token


def _opened(token: str) -> tuple[str, ...]:
    for ending, word in ENDINGS.items():
        if token.endswith(ending) and len(token) > len(ending):
            base = token[: -len(ending)]
            return BASES.get(base, base), word
    base, _, rest = token.partition("'")
    return (base, "'s") if rest == "s" else (base + rest,)


def stem(word: str) -> str:
    """The part that forms of a word share: "wiping", "wipes" and "wiped" are "wip"."""
    word = IRREGULAR.get(word, word)
    if len(word) > 3 and word.isalpha():
        word = _without_ending(word)
    if len(word) > 3 and word[-1] == "e":
        word = word[:-1]
    return word


def _without_ending(word: str) -> str:
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ness") and len(word) > 6:
        return re.sub("i$", "y", word[:-4])
    if word.endswith("ly") and len(word) > 5:
        return word[:-2]
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    if word[-1] == "s" and word[-2] not in "sui'":
        word = word[:-1]
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) > 2 and set(base) & set("aeiouy"):
            if word.endswith("eed"):
                return word
            double = base[-1] == base[-2] and base[-1] not in "lszfe"
            return base[:-1] if double else base
    return word


class Lexicon:
    """The words of the rules file: finds them in a message, also misspelt."""

    def __init__(
        self, terms: Mapping[str, Sequence[str]], old_age: int, ordinary: Iterable[str]
    ) -> None:
        """Make the tree of phrases and the table of near spellings."""
        self._tree: dict[str, Any] = {}
        self._old_age = old_age
        known: set[str] = set()
        for term, phrases in terms.items():
            for phrase in phrases:
                known.update(self._add(term, phrase))
        self._known = known | {stem(word) for word in known} | set(ordinary)
        self._near: dict[str, list[str]] = {}
        for word in sorted(word for word in known if len(word) >= 5 and word.isalpha()):
            for short in {word, *_shorter(word)}:
                self._near.setdefault(short, []).append(word)

    def _add(self, term: str, phrase: str) -> list[str]:
        words = []
        node = self._tree
        for part in phrase.split():
            # "=lost" is that very form only, "loses" any form of it.
            for word in tokens(part.lstrip("=")):
                words.append(word)
                node = node.setdefault("=" + word if part[0] == "=" else stem(word), {})
        node.setdefault("", []).append(term)
        return words

    def spelled(self, word: str) -> str:
        """The known word that this word is a slip of, or the word itself.

        One letter wrong in a word of six or more, or two neighbours swapped in one of five or
        more; the first letter must be right. Shorter slips stand in the rules file.
        """
        if len(word) < 5 or word in self._known or stem(word) in self._known:
            return word
        if len(word) > 20 or not word.isalpha():
            return word
        for short in (word, *_shorter(word)):
            for candidate in self._near.get(short, ()):
                if candidate[0] == word[0] and _is_slip(word, candidate):
                    return candidate
        return word

    def spans(self, words: Sequence[str]) -> dict[str, list[Span]]:
        """Where each term stands among the words, first place first."""
        found: dict[str, list[Span]] = {}
        stems = [stem(word) for word in words]
        for start in range(len(words)):
            nodes = [self._tree]
            for at in range(start, len(words)):
                exact = "=" + words[at]
                nodes = [node[key] for node in nodes for key in (stems[at], exact) if key in node]
                if not nodes:
                    break
                for node in nodes:
                    for term in node.get("", ()):
                        found.setdefault(term, []).append((start, at + 1))
        for term, span in numbers(words, self._old_age):
            insort(found.setdefault("{" + term + "}", []), span)
        idioms = found.pop("idiom", [])
        return _outside(found, idioms) if idioms else found


def _outside(found: Mapping[str, Sequence[Span]], idioms: Sequence[Span]) -> dict[str, list[Span]]:
    """The terms that share no word with an idiom, or say more than it.

    "Come back" is an idiom; "biopsy came back positive" is not.
    """
    taken = {at: idiom for idiom in idioms for at in range(*idiom)}

    def free(start: int, end: int) -> bool:
        over = {taken[at] for at in range(start, end) if at in taken}
        return all(start <= one[0] and one[1] <= end and one != (start, end) for one in over)

    kept = {}
    for term, spans in found.items():
        if left := [span for span in spans if free(*span)]:
            kept[term] = left
    return kept


def _shorter(word: str) -> list[str]:
    """The word with one letter left out, in each way."""
    return [word[:at] + word[at + 1 :] for at in range(1, len(word))]


def _is_slip(word: str, candidate: str) -> bool:
    if word[:-1] == candidate or candidate[:-1] == word:
        return False  # "leg" and "legs" are forms of a word
    if len(word) == len(candidate):
        wrong = [
            at for at, (one, other) in enumerate(zip(word, candidate, strict=True)) if one != other
        ]
        swapped = len(wrong) == 2 and wrong[1] - wrong[0] == 1 and sorted(word) == sorted(candidate)
        return swapped or (len(wrong) == 1 and len(word) >= 6)
    return abs(len(word) - len(candidate)) == 1 and min(len(word), len(candidate)) >= 6
