"""The bot's content agrees with itself: domain, examples, rules, articles, wordings, actions."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML

import actions
from spinebot import articles, intake
from spinebot.articles.files import ANSWER_WORDS, count_words
from spinebot.clinic import clinic
from spinebot.language.messages import Screen
from tests.conftest import ROOT

# What a question intent has at least when trainers make it; what the bot comes with has more.
FEWEST_EXAMPLES = 10
USUAL_EXAMPLES, USUAL_QUESTIONS = 30, 60
# Never learnt from examples: set by the screens, by a button, by the fallback. Other languages are
# set by the screen where the alphabet tells, and learnt where it does not.
NEVER_LEARNT = {
    *(screen.value for screen in Screen if screen is not Screen.OTHER_LANGUAGE),
    *("request_callback", "request_more", "nlu_fallback"),
}
# Ask about the bot and the clinic, and have a wording instead of an article.
NOT_FROM_ARTICLES = {"ask_bot_identity", "ask_clinic_hours", "ask_chat_privacy"}


def read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text(encoding="utf-8"))


def names(entries: list[Any]) -> list[str]:
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def examples(name: str) -> dict[str, list[str]]:
    return {
        block["intent"]: [line[2:].strip() for line in block["examples"].splitlines() if line]
        for block in read(name)["nlu"]
        if "intent" in block
    }


def plain(sentence: str) -> str:
    """Return a sentence without case and punctuation (or as it is, where nothing else is in it)."""
    return " ".join(re.findall(r"[^\W_]+", sentence.lower())) or sentence


DOMAIN = read("domain.yml")
INTENTS = names(DOMAIN["intents"])
TRAINING = examples("data/nlu.yml")
TEST = examples("tests/nlu/test_nlu.yml")
ARTICLES = articles.read_articles(ROOT / "knowledge")
SECTIONS = [(article, section) for article in ARTICLES for section in article.sections]
# By the section that answers in the plain case; others may answer `when` something was said.
ANSWERED = Counter(
    intent for _, section in SECTIONS if not section.front.when for intent in section.front.answers
)
QUESTIONS = [i for i in INTENTS if i.startswith("ask_") and i not in NOT_FROM_ARTICLES]
LEARNT = [intent for intent in INTENTS if intent not in NEVER_LEARNT]


def values(node: Any, key: str) -> Iterator[str]:
    """Yield every value of ``key`` anywhere in a read YAML file."""
    if isinstance(node, dict):
        if isinstance(node.get(key), str):
            yield node[key]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from values(each, key)


RULES = [read("data/rules.yml"), read("data/stories.yml")]


# Intents


@pytest.mark.parametrize("intent", QUESTIONS)
def test_a_question_has_enough_examples(intent: str) -> None:
    assert len(TRAINING.get(intent, [])) >= FEWEST_EXAMPLES


def test_the_bot_comes_with_many_questions_and_many_examples() -> None:
    rich = [name for name in QUESTIONS if len(TRAINING.get(name, [])) >= USUAL_EXAMPLES]
    assert len(rich) >= USUAL_QUESTIONS


@pytest.mark.parametrize("intent", LEARNT)
def test_an_intent_has_examples_and_test_sentences(intent: str) -> None:
    assert TRAINING.get(intent)
    assert TEST.get(intent)


@pytest.mark.parametrize("intent", sorted(NEVER_LEARNT))
def test_what_is_set_by_rule_is_not_learnt(intent: str) -> None:
    assert intent in INTENTS
    assert intent not in TRAINING


@pytest.mark.parametrize("intent", INTENTS)
def test_an_intent_is_in_a_rule(intent: str) -> None:
    assert intent in set(values(RULES, "intent"))


@pytest.mark.parametrize("key", ["intent", "action"])
def test_rules_name_only_what_the_domain_has(key: str) -> None:
    built_in = {"action_listen", "action_deactivate_loop"}
    known = {*INTENTS, *DOMAIN["actions"], *DOMAIN["forms"], *built_in}
    assert set(values(RULES, key)) - known == set()


@pytest.mark.parametrize("intent", sorted({*TRAINING, *TEST}))
def test_examples_are_of_an_intent_of_the_domain(intent: str) -> None:
    assert intent in INTENTS


def test_there_are_enough_questions() -> None:
    assert len(QUESTIONS) >= 60


def test_every_intent_has_a_rule_inside_the_form() -> None:
    in_form = {"active_loop": "mri_review_form"}
    inside = [rule for rule in RULES[0]["rules"] if in_form in rule.get("condition", [])]
    assert set(INTENTS) - set(values(inside, "intent")) == set()


# Sentences


def test_no_example_stands_twice() -> None:
    sentences = [plain(line) for lines in TRAINING.values() for line in lines]
    assert [line for line, count in Counter(sentences).items() if count > 1] == []


def test_no_test_sentence_stands_twice() -> None:
    sentences = [plain(line) for lines in TEST.values() for line in lines]
    assert [line for line, count in Counter(sentences).items() if count > 1] == []


def test_training_and_test_share_no_sentence() -> None:
    training = {plain(line) for lines in TRAINING.values() for line in lines}
    assert [x for lines in TEST.values() for x in lines if plain(x) in training] == []


def test_no_intent_has_two_blocks_of_examples() -> None:
    for name in ("data/nlu.yml", "tests/nlu/test_nlu.yml"):
        found = [block["intent"] for block in read(name)["nlu"] if "intent" in block]
        assert len(found) == len(set(found)), name


# Articles


def test_there_are_enough_articles() -> None:
    assert len(ARTICLES) >= 25


@pytest.mark.parametrize("intent", QUESTIONS)
def test_a_question_is_answered_by_exactly_one_plain_section(intent: str) -> None:
    assert ANSWERED[intent] == 1


def test_no_section_answers_what_the_domain_does_not_know() -> None:
    assert set(ANSWERED) - set(INTENTS) == set()


@pytest.mark.parametrize(
    ("article", "section"), SECTIONS, ids=[f"{a.slug}#{s.front.slug}" for a, s in SECTIONS]
)
class TestSection:
    def test_it_is_easy_to_read(self, article: Any, section: Any) -> None:
        assert articles.reading.grade(section.body) <= articles.HARDEST_GRADE

    def test_it_has_the_length_of_an_answer(self, article: Any, section: Any) -> None:
        assert count_words(section.body) in ANSWER_WORDS

    def test_what_one_may_ask_next_is_answered(self, article: Any, section: Any) -> None:
        assert set(section.front.next) <= set(ANSWERED)

    def test_a_claims_mark_has_its_footnote(self, article: Any, section: Any) -> None:
        plain_text = re.sub(r"\*\*|^- ", "", section.body, flags=re.MULTILINE)
        marks = {mark for mark in "^*" if mark in plain_text}
        assert {note[0] for note in clinic().footnotes_of(section.body)} == marks

    def test_it_fits_into_a_message(self, article: Any, section: Any) -> None:
        assert len(section.body) < 1500


def test_some_section_has_each_of_the_clinics_marks() -> None:
    found = {note[0] for _, section in SECTIONS for note in clinic().footnotes_of(section.body)}
    assert found == {"^", "*"}


def test_no_article_claims_a_review_that_did_not_happen() -> None:
    for article in ARTICLES:
        assert (article.front.reviewed_on is None) == ("pending" in article.front.reviewed_by)


# The clinic's wordings


def said() -> set[str]:
    """Return the wordings that the code names: ``.say("...")``, also behind an ``if``."""
    found: set[str] = set()
    for folder in ("actions", "spinebot"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "say":
                    found |= set(constants(node.args[0]))
    return found


def constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*constants(node.body), *constants(node.orelse))


def small_talk() -> set[str]:
    """Return the intents that ``action_reply_small_talk`` answers, by the rules."""
    rules = [
        rule for rule in RULES[0]["rules"] if {"action": "action_reply_small_talk"} in rule["steps"]
    ]
    return set(values(rules, "intent")) - {"request_mri_review", "request_callback", "request_more"}


def form_wordings() -> set[str]:
    by_slot = {f"{kind}_{slot}" for slot in intake.SLOTS for kind in ("ask", "bad", "example")}
    labels = {f"label_{slot}" for slot in intake.SLOTS if slot not in {"consent", "confirmed"}}
    # The summary has no bad answer of its own: `change_which` is said.
    by_slot -= {"bad_confirmed", "example_confirmed"}
    choices = {answer for ask in ask_actions() for answer in ask.answers}
    starts = {"form_start", "callback_start", "change_which"}
    return by_slot | labels | choices | starts


def ask_actions() -> list[Any]:
    from actions import handoffs

    return [c for c in handoffs._Ask.__subclasses__() if not inspect.isabstract(c)]


NEEDED = sorted(said() | small_talk() | form_wordings())


@pytest.mark.parametrize("name", NEEDED)
def test_a_wording_that_is_said_exists_and_fills(name: str) -> None:
    text = clinic().say(name, reference="SB-1", name="Ann")
    assert text.strip()
    assert "{" not in text


def test_no_wording_is_left_unsaid() -> None:
    kept = set(clinic().wording.model_dump())
    assert kept - set(NEEDED) == set()


def test_the_scan_finds_wordings() -> None:
    assert {"trouble", "handoff_stored", "greet", "ask_name", "skip"} <= set(NEEDED)


@pytest.mark.parametrize("reason", ["mri_review", "callback"])
def test_a_consent_fills(reason: str) -> None:
    text = clinic().fill(getattr(clinic().consent, reason))
    assert clinic().name in text
    assert "{" not in text


@pytest.mark.parametrize("field", ["title", "greeting", "notice", "placeholder", "unreachable"])
def test_a_widget_text_fills(field: str) -> None:
    assert "{" not in clinic().fill(getattr(clinic().widget, field))


def test_the_first_questions_are_answered() -> None:
    assert set(clinic().starters) <= set(ANSWERED)


# Actions


def registered() -> set[str]:
    executor = ActionExecutor()
    executor.register_package("actions")
    return set(executor.actions)


def test_the_domain_names_exactly_the_actions_that_exist() -> None:
    assert registered() == set(DOMAIN["actions"])


def test_two_actions_never_share_a_name() -> None:
    registered()
    classes = [c for c in _all_subclasses(Action) if c.__module__.startswith(actions.__name__)]
    found = Counter(c().name() for c in classes if not inspect.isabstract(c))
    assert [name for name, count in found.items() if count > 1] == []


def _all_subclasses(cls: type) -> list[type]:
    return [c for sub in cls.__subclasses__() for c in (sub, *_all_subclasses(sub))]


def test_the_form_asks_what_the_intake_knows() -> None:
    assert DOMAIN["forms"]["mri_review_form"]["required_slots"] == list(intake.SLOTS)


@pytest.mark.parametrize("slot", intake.SLOTS)
def test_a_slot_of_the_form_has_an_action_that_asks(slot: str) -> None:
    assert f"action_ask_mri_review_form_{slot}" in DOMAIN["actions"]


@pytest.mark.parametrize("slot", DOMAIN["slots"])
def test_no_slot_is_filled_by_what_somebody_types(slot: str) -> None:
    assert DOMAIN["slots"][slot]["mappings"] == [{"type": "custom"}]
