"""Hostile input by the hundred thousand: ``.venv/app/bin/python -m bench.attacks``.

Everything that reads what people we do not know have written gets texts that were made to break it:
control characters, markup, YAML, SQL, payloads, one thing a thousand times over. Nothing may fail
in a way that is not its own, and nothing may take longer than a second of the processor. Then every
regular expression of ours gets 100,000 characters that almost fit it. `tests/test_hostile.py` does
the same with fewer cases and without a clock.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import pkgutil
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import spinebot
from bench.processes import say
from spinebot import conversations, db, handoffs, intake, reviews, safety
from spinebot.articles import cautions, files, reading, report_words
from spinebot.clinic import read_clinic
from spinebot.db import reading as reading_session
from spinebot.errors import SpinebotError
from spinebot.intake.contacts import contacts
from spinebot.language import followups, messages, spine_terms
from spinebot.language.redaction import redact
from spinebot.reviews import Filters
from spinebot.safety import decisions
from spinebot.settings import ROOT
from spinebot.training import examples, exchange
from spinebot.web import buttons, pages

LONGEST = 50_000  # characters that the web process takes of a message
MOST_SEARCHED = 100_000  # characters that a regular expression gets
# They read no message that is too long to be a question.
SHORT = ("spinebot.intake.", "spinebot.language.followups.")
SLOWEST = 1.0  # seconds
FRAGMENTS = (
    *("\x00", "\x1b[31m", "\u202e", "\ufeff", "\u200d", "😀", "\n", "\r\n", "\t", " "),
    *(
        "---\n",
        "- intent: x\n",
        "  examples: |\n",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a ",
        "!!python",
    ),
    *("<script>", "<img src=x onerror=", "javascript:", "](", "**", "* ", "`", "&lt;", "&#x"),
    *("' OR 1=1 --", '"', "\\", "%", "_", "NEAR(", "AND ", "NOT ", "(", ")", "../", "/restart"),
    *("/SetSlots(", "{{", "}}", "{0}", "%s", "$(", "=cmd|", "+1", "202-555-0143", "a@b.example"),
    *(
        "my ",
        "not ",
        "back ",
        "hurts ",
        "numb ",
        "i want to die ",
        "mg ",
        "L4-L5 ",
        "C5/6 ",
        "1",
        "0",
    ),
    *(
        "born ",
        "on ",
        "is ",
        "1/2 ",
        "may ",
        "my name is ",
        "Ann ",
        "call me ",
        "for 3 weeks ",
        "since ",
        "years ",
        "a",
        "é",
        "漢",
        "ا",
        "'",
        "’",
        ",",
        ".",
        "?",
        "!",
        "-",
        "or ",
    ),
)

fragment = st.sampled_from(FRAGMENTS)
hostile = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(fragment, st.text(max_size=5)), max_size=60).map("".join),
    st.builds(lambda what, count: (what * count)[:LONGEST], fragment, st.integers(1, 2000)),
    st.builds(
        lambda one, other, count: ((one + other) * count)[:LONGEST],
        *(fragment, fragment, st.integers(1, 2000)),
    ),
)


@dataclass(frozen=True)
class Target:
    """Something that reads text. own: the errors that are its answer to what it cannot read."""

    name: str
    call: Callable[[str], Any]
    own: tuple[type[Exception], ...] = (SpinebotError,)


def _find_conversation(text: str) -> None:
    with reading_session() as session:
        conversations.find(session, text)


def _search_conversations(text: str) -> None:
    with reading_session() as session:
        reviews.find_conversations(session, Filters(q=text), account_id=1)


def _read_clinic(text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", suffix=".yml", encoding="utf-8", errors="replace"
    ) as file:
        file.write(text)
        file.flush()
        read_clinic(Path(file.name))


def _fill_in(text: str) -> None:
    for slot in intake.SLOTS:
        intake.read(slot, text, "inform", "US")


def _article(text: str) -> str:
    whole = (ROOT / "knowledge/discs/herniated-disc-muscle-spasms.md").read_text("utf-8")
    middle = len(text) % len(whole)
    return whole[:middle] + text + whole[middle:]


def cleaned(call: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a message of any length, as the web process hands it on."""
    return lambda text: call(messages.clean(text))


def asked(call: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a message that is not too long to be a question."""
    return lambda text: call(messages.clean(text)[: messages.MAX_CHARACTERS])


TARGETS = (
    Target("a message is cleaned", messages.clean),
    Target("a message is screened", messages.screen),
    Target("personal data are masked", cleaned(redact)),
    Target("red flags are looked for", cleaned(safety.check)),
    Target("red flags, after other messages", cleaned(lambda t: safety.check(t, ["x", t[:200]]))),
    # What is longer is asked to be said shorter, and read no further.
    Target("an emergency is asked about", asked(decisions.information_line)),
    Target("what a message says of the case", asked(spine_terms.said)),
    Target("a message leans on another one", asked(followups.is_follow_up)),
    Target("two questions in one message", asked(followups.cuts)),
    Target("words of a report", asked(report_words.find)),
    Target("the form's answers", asked(_fill_in)),
    Target("numbers and addresses", asked(lambda t: list(contacts(t, "US")))),
    Target("the key of a person", asked(lambda t: handoffs.keys_of(t, "US"))),
    Target("a button", lambda t: buttons.verify(1, t)),
    Target("a conversation's token", _find_conversation),
    Target("a search over conversations", _search_conversations),
    Target("Markdown becomes a page", pages._html),
    Target("how hard a text reads", cleaned(reading.grade)),
    Target("what must never be said", lambda t: list(cautions.found_in(t))),
    Target("an article", lambda t: files.parse_article(Path("a/b.md"), _article(t))),
    Target("an import of Rasa's YAML", lambda t: exchange.read("x.yml", "nlu:\n" + t)),
    Target("an import of CSV", lambda t: exchange.read("x.csv", "intent,text\n" + t)),
    Target("training data by lines", examples.parse),
    Target("an example", lambda t: examples.fault(t, [], [])),
    # Nobody but the clinic writes it: it must be read or refused, and may take its time.
    Target("clinic.yml", lambda t: _read_clinic(t[:300])),
)


def attack(target: Target, cases: int) -> tuple[int, float, str]:
    """Put hostile texts to a target; return how many, the longest seconds, and for which text.

    Raises:
        Exception: whatever it raised that is not its own.
    """
    count, longest, worst = 0, 0.0, ""
    with contextlib.suppress(*target.own):
        target.call("What it needs is loaded before the clock runs.")

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(hostile)
    def put(text: str) -> None:
        nonlocal count, longest, worst
        began = time.process_time()
        with contextlib.suppress(*target.own):
            target.call(text)
        took, count = time.process_time() - began, count + 1
        if took > longest:
            longest, worst = took, text

    put()
    return count, longest, worst


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every regular expression that a module of ours keeps, with where it stands."""
    for module in pkgutil.walk_packages(spinebot.__path__, "spinebot."):
        if module.name.startswith("spinebot.bot") or module.name.endswith("__main__"):
            continue
        try:
            found = importlib.import_module(module.name)
        except ModuleNotFoundError:  # of Rasa's environment
            continue
        for name, value in vars(found).items():
            for number, pattern in enumerate(_patterns_in(value)):
                yield f"{module.name}.{name}[{number}]", pattern


def _patterns_in(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _patterns_in(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _patterns_in(each)


def pieces_of(pattern: re.Pattern[str]) -> Iterator[str]:
    """What a pattern is made of, and what most begin with: said over and over, it nearly fits."""
    yield from dict.fromkeys(re.findall(r"[A-Za-z0-9' ]{1,12}", pattern.pattern)[:6])
    yield from (" ", "a", "1", "a ", "1 ", "- ", "\n", ".", ",", "x@", "+1", "not ")


def slowest(pattern: re.Pattern[str], piece: str, most: int) -> tuple[float, int]:
    """Return how long a search takes, and in how many characters: it ends when one takes long."""
    length, took = 500, 0.0
    while took < SLOWEST / 4 and length < most:
        length = min(most, length * 2)
        text = (piece * (length // len(piece) + 1))[:length] + "\x00"
        began = time.process_time()
        sum(1 for _ in pattern.finditer(text))
        took = time.process_time() - began
    return took, length


def main() -> int:
    """Attack, print a table, and exit with 1 if anything failed or took too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.attacks", description=__doc__)
    parser.add_argument("--cases", type=int, default=4500, help="for each of the targets")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # A database of its own, with all tables: some of the readers search it.
        os.environ["SPINEBOT_DATA_DIR"] = folder
        db.upgrade()
        return _attack_all(options.cases)


def _attack_all(cases: int) -> int:
    bad = total = 0
    print("| what reads | cases | longest |\n| --- | ---: | ---: |", flush=True)
    for target in TARGETS:
        try:
            count, longest, worst = attack(target, cases)
        except Exception as error:
            bad += 1
            print(
                f"| {target.name} | **{type(error).__name__}: {str(error)[:200]}** | |", flush=True
            )
            continue
        total += count
        is_slow = longest > SLOWEST
        bad += is_slow
        what = f" for {worst[:40]!r}... of {len(worst)}" if is_slow else ""
        print(f"| {target.name} | {count:,} | {longest * 1000:.0f} ms{what} |", flush=True)
    slow, count = 0, 0
    for place, pattern in patterns():
        for piece in pieces_of(pattern):
            most = messages.MAX_CHARACTERS if place.startswith(SHORT) else MOST_SEARCHED
            took, length = slowest(pattern, piece, most)
            count += 1
            if length < most or took > SLOWEST:
                slow += 1
                say(f"{place}: {took:.1f} s for {length:,} of {piece!r}: {pattern.pattern[:80]}")
                break
    print(f"{total:,} cases; {count:,} searches of patterns, {slow} patterns too slow")
    return min(1, bad + slow)


if __name__ == "__main__":
    sys.exit(main())
