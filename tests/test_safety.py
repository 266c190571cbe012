"""Red flags: which sentences fire, which stay quiet, and what is said."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import emergencies, safety
from spinebot.safety import Action

try:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    HYPOTHESIS = True
except ImportError:  # the environment that Rasa runs in has none
    HYPOTHESIS = False

DATA: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "data" / "red_flags.yml").read_text(encoding="utf-8")
)
FIRES = [(rule, text) for rule, texts in DATA["fires"].items() for text in texts]
QUIET = [text for texts in DATA["quiet"].values() for text in texts]
RULES_TEXT = safety.RULES.read_text(encoding="utf-8")


def fired(text: str, *earlier: str) -> list[str]:
    return [finding.rule for finding in safety.check(text, earlier)]


def action(text: str) -> Action:
    return safety.check(text)[0].action


@pytest.mark.parametrize(("rule", "text"), FIRES)
def test_red_flag_fires(rule: str, text: str) -> None:
    assert rule in fired(text)


@pytest.mark.parametrize("text", QUIET)
def test_harmless_sentence_stays_quiet(text: str) -> None:
    assert fired(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can't pee", Action.ER_NOW),
        ("can't pee and can't walk", Action.CALL_911),
        ("my foot just drops", Action.ER_NOW),
        ("my leg feels weak", Action.DOCTOR_TODAY),
        ("my leg suddenly feels weak", Action.ER_NOW),
        ("can't button my shirt", Action.DOCTOR_TODAY),
        ("can't button my shirt since yesterday", Action.ER_NOW),
        ("fell off a ladder", Action.CALL_911),
        ("I'm shorter than I used to be", Action.DOCTOR_TODAY),
        ("fell on my butt and can't get up", Action.ER_NOW),
        ("bad back pain and fever", Action.ER_NOW),
        ("flu-like aches all over with fever, mild back ache", Action.DOCTOR_TODAY),
        ("prostate cancer and back pain", Action.DOCTOR_TODAY),
        ("prostate cancer, back pain and weak legs", Action.ER_NOW),
        ("elephant on my chest", Action.CALL_911),
    ],
)
def test_tier(text: str, expected: Action) -> None:
    assert action(text) == expected


def test_more_urgent_action_sorts_first() -> None:
    assert sorted(Action) == [
        Action.CALL_911,
        Action.CALL_988,
        Action.ER_NOW,
        Action.DOCTOR_TODAY,
    ]


def test_most_urgent_rule_wins() -> None:
    findings = safety.check("I can't pee and I have crushing chest pressure")
    assert [finding.rule for finding in findings][:2] == ["RF08", "RF01"]
    assert "911" in safety.warning(findings)


def test_sign_joins_with_an_earlier_message() -> None:
    assert "RF06" in fired("now I have a fever", "my back hurts")


def test_bladder_sign_fires_in_a_later_message() -> None:
    assert fired("now I can't pee", "my back hurts", "since monday") == ["RF01"]


@pytest.mark.parametrize("text", ["ok thanks", "my back hurts", "where are you?"])
def test_met_flag_does_not_fire_again(text: str) -> None:
    assert fired(text, "my back hurts", "I have a fever") == []


def test_denied_earlier_sign_does_not_join() -> None:
    assert fired("my back hurts", "I have no fever") == []


def test_later_sign_raises_the_action() -> None:
    findings = safety.check("and I can't walk", ["I can't pee"])
    assert findings[0].action == Action.CALL_911


def test_helper_is_told_what_to_do_for_the_other() -> None:
    findings = safety.check("my dad can't feel his legs")
    assert findings[0].helper
    assert "take them" in safety.warning(findings)


def test_visitor_is_no_helper() -> None:
    assert not safety.check("my dad says I should ask: I can't pee")[0].helper


@pytest.mark.parametrize("text", DATA["asks_about_an_emergency"])
def test_question_about_an_emergency_gets_the_action_line(text: str) -> None:
    assert fired(text) == []
    assert safety.information_line(text) == (
        "If you have these signs now, go to the emergency room."
    )


@pytest.mark.parametrize(
    "text",
    [
        "what is a disc?",
        "I can't pee",
        "my back hurts",
        "",
        "why do discs cause spasms?",
        "how long do spasms last?",
    ],
)
def test_other_text_gets_no_information_line(text: str) -> None:
    assert safety.information_line(text) is None


def test_no_finding_no_warning() -> None:
    assert safety.warning([]) == ""


def test_warning_asks_for_no_data_and_sentences_are_short() -> None:
    for rule in safety.book().rules:
        for helper in (False, True):
            for act in Action:
                text = safety.warning([safety.Finding(rule.id, rule.name, act, (), helper)])
                assert "?" not in text
                assert all(len(sentence.split()) <= 18 for sentence in text.split("."))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I want to die", Action.CALL_988),
        ("what if I just end it all", Action.CALL_988),
        ("I have a gun and I want to die", Action.CALL_911),
        ("I tried to kill myself an hour ago", Action.CALL_911),
    ],
)
def test_despair_always_shows_988(text: str, expected: Action) -> None:
    findings = safety.check(text)
    assert (findings[0].rule, findings[0].action) == ("RF18", expected)
    assert "988" in safety.warning(findings)
    calls = emergencies.reply(findings)["custom"]["calls"]
    assert "tel:988" in [call["url"] for call in calls]


def test_988_stands_beside_another_emergency() -> None:
    findings = safety.check("I want to die and I can't pee and I have crushing chest pressure")
    said = emergencies.reply(findings)
    assert findings[0].action is Action.CALL_911
    assert said["text"].index("911") < said["text"].index("988")
    assert [call["url"] for call in said["custom"]["calls"]] == ["tel:911", "tel:988"]


def test_despair_leads_where_both_are_as_urgent() -> None:
    findings = safety.check("I took 40 tylenol, I want to die")
    assert findings[0].rule == "RF18"
    assert {finding.action for finding in findings[:2]} == {Action.CALL_911}


def test_despair_of_another_is_told_to_the_helper() -> None:
    findings = safety.check("my wife says she wants to die")
    assert findings[0].helper
    assert "Stay with them" in safety.warning(findings)


@pytest.mark.parametrize(
    "text",
    [
        "I don't want to die",
        "I wanted to die in 2015",
        "is suicide more common with back pain?",
        "my doctor asked if I had suicidal thoughts, I said no",
    ],
)
def test_no_despair(text: str) -> None:
    assert fired(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "can a pinched nerve make you not feel your pee coming out? mine does that since sunday",
        "how much is an appointment, also my groin is numb",
        "is 20 tylenol in one day dangerous? that is what I took",
    ],
)
def test_question_that_the_visitor_answers_is_a_report(text: str) -> None:
    assert fired(text)


def test_evidence_names_the_words() -> None:
    assert safety.check("my groin is numb")[0].evidence == ("groin numb",)


# The sentences that nobody tuned on: a floor under the figures, not a list of demands.


@pytest.mark.parametrize("part", ["before_rules", "after_rules"])
def test_held_out_recall(part: str) -> None:
    told = [(r, t) for r, texts in DATA["held_out"][part]["fires"].items() for t in texts]
    missed = [(rule, text) for rule, text in told if rule not in fired(text)]
    assert len(missed) <= 0.3 * len(told), missed


@pytest.mark.parametrize("part", ["before_rules", "after_rules"])
def test_held_out_false_alarms(part: str) -> None:
    texts = DATA["held_out"][part]["quiet"]
    assert len([text for text in texts if fired(text)]) <= 0.05 * len(texts)


# The rules file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: Cauda equina", "name: ''", "RF01: name"),
        ("name: Heart attack", "title: Heart attack", "RF08: title"),
        ("action: call_911", "action: call_112", "RF01: when: action"),
        ("[cauda_equina_sign, cannot_walk]", "[cauda_equina]", "RF01: when: any: all"),
        ("], where: sentence", "], where: page", "RF02: when: any: where"),
        ("url: https://spinesurgeons", "url: ftp://spinesurgeons", "RF01: sources: url"),
        ('- "{not_able} {pee}"', '- "{not_there} {pee}"', "signs: cannot_pee: any"),
        ("kind: history", "kind: story", "signs: frail: kind"),
        ("old_age: 50", "old_age: fifty", "old_age"),
        ("always: call_988", "always: call_1", "RF18: always"),
        ("firm: true", "firm: 1", "firm"),
    ],
)
def test_fault_in_the_rules_names_entry_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "red_flags.yml"
    assert old in RULES_TEXT
    path.write_text(RULES_TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(safety.RedFlagsError, match=message):
        safety.load(path)


# Robustness


@pytest.mark.parametrize(("rule", "text"), FIRES[::7])
def test_case_does_not_matter(rule: str, text: str) -> None:
    assert safety.check(text.upper()) == safety.check(text.lower()) == safety.check(text)


LONG = ["numb groin ", "a", "!", "can't pee, ", "back hurts no fever ", "a.b", "(", "🙂"]
SOME_WORDS = ["no", "not", "my", "i", "can't", "pee", "numb", "fever", ",", ".", "but"]


@pytest.mark.parametrize("text", LONG)
def test_a_sign_at_the_end_of_a_long_text_is_seen(text: str) -> None:
    """How long that takes is measured by `bench.attacks`."""
    assert "RF18" in fired((text * 20_000)[:20_000] + ". I want to kill myself")


if HYPOTHESIS:
    words = st.lists(st.sampled_from(SOME_WORDS))
    quickly = settings(max_examples=60, deadline=None)

    @quickly
    @given(st.text(max_size=300))
    def test_never_raises_on_any_text(text: str) -> None:
        safety.warning(safety.check(text, [text]))
        safety.information_line(text)

    @quickly
    @given(words)
    def test_case_never_matters(words: list[str]) -> None:
        text = " ".join(words)
        assert safety.check(text.upper()) == safety.check(text)

    @quickly
    @given(words)
    def test_clear_sign_fires_after_any_sentence(words: list[str]) -> None:
        assert "RF01" in fired(" ".join(words) + ". I can't pee.")


# What belongs together


@pytest.mark.parametrize(
    ("earlier", "own", "another_s", "rule"),
    [
        ("my back hurts", "i have a fever of 102", "my mom has a fever of 102", "RF06"),
        ("my stool is black", "i feel faint and pale", "my wife feels faint and pale", "RF14"),
        ("my eyelid droops since today", "my neck hurts", "my dad's neck hurts", "RF10"),
    ],
)
def test_signs_of_two_people_are_no_red_flag(
    earlier: str, own: str, another_s: str, rule: str
) -> None:
    assert rule in fired(own, earlier)
    assert rule not in fired(another_s, earlier)


@pytest.mark.parametrize(
    ("earlier", "later", "together", "rule"),
    [
        (
            "i feel unsteady when i walk",
            "terrible headache",
            "i am unsteady and have a terrible headache",
            "RF10",
        ),
        (
            "i fell on my back",
            "i have osteoporosis",
            "i fell on my back and i have osteoporosis",
            "RF05",
        ),
    ],
)
def test_signs_that_count_in_one_message_only_do_not_count_over_two(
    earlier: str, later: str, together: str, rule: str
) -> None:
    assert rule in fired(together)
    assert rule not in fired(later, earlier)


def test_what_the_detector_finds_gets_the_name_and_the_usual_action_of_its_rule() -> None:
    found = safety.by_example("RF08")
    assert found is not None
    assert (found.rule, found.name, found.action) == ("RF08", "Heart attack", Action.CALL_911)
    assert (found.evidence, found.helper) == ((), False)
    assert safety.by_example("RF99") is None


@pytest.mark.parametrize("rule", ["RF01", "RF06", "RF08"])
def test_the_warning_is_that_of_the_rule_which_is_met(rule: str) -> None:
    line = next(each for each in safety.book().rules if each.id == rule).line
    texts = [text for each, text in FIRES if each == rule]
    own = [found for found in map(safety.check, texts) if found[0].rule == rule]
    said = [safety.warning(found) for found in own if not found[0].helper]
    assert said
    assert all(words.startswith(line) for words in said)


def test_what_is_known_already_hides_no_other_rule() -> None:
    earlier = ("my back hurts and i have a fever of 102", "my stool is black")
    assert "RF06" in fired(earlier[0])
    assert fired("i feel faint and pale", *earlier) == ["RF14"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("RF08", "no chest pain yesterday. now crushing chest pain"),
        ("RF18", "I don't want to die. Sometimes I do want to die"),
        ("RF18", "I am not suicidal. ok that's a lie, i am suicidal"),
        ("RF06", "no fever in my case last week. fever of 103 now with back pain"),
        ("RF02", "my legs are not weak. since this morning my legs are weak and I can't pee"),
    ],
)
def test_a_sign_that_is_denied_first_and_told_afterwards_counts(rule: str, text: str) -> None:
    assert rule in fired(text)


def test_pain_that_is_over_still_says_what_a_fever_is_about() -> None:
    assert fired("My back pain was in 2015. Fever and chills today") == ["RF06"]


@pytest.mark.parametrize(
    "text",
    [
        "I would like to exercise but I can't. Pee and stool are normal",
        "Sometimes I just can't. Pee is normal though",
    ],
)
def test_words_of_two_sentences_make_no_sign(text: str) -> None:
    assert fired(text) == []


def test_words_of_two_clauses_make_no_sign() -> None:
    assert fired("I had a mastectomy for cancer and my ribs and back hurt") == ["RF07"]
