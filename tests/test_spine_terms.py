"""Spine words are found in a text as visitors write them, and mapped to one word of ours."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinebot.language.spine_terms import TERMS, said, spine_terms
from spinebot.language.spine_words import NO_TREATMENTS, TREATMENTS
from tests.test_content import ARTICLES

TODAY = date(2026, 11, 25)


def found(text: str) -> list[tuple[str, str]]:
    return [(term.kind, term.value) for term in spine_terms(text, TODAY)]


def values(text: str, kind: str) -> set[str]:
    return said(text, TODAY).get(kind, set())


# Levels, and plain words


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("L4-L5", "L4-L5"),
        ("l4/5", "L4-L5"),
        ("L4/L5", "L4-L5"),
        ("l4-5", "L4-L5"),
        ("L4–L5", "L4-L5"),
        ("L4 L5", "L4-L5"),
        ("L4 to L5", "L4-L5"),
        ("L4 and L5", "L4-L5"),
        ("L5-S1.", "L5-S1"),
        ("l5s1", "L5-S1"),
        ("(C5-C6)", "C5-C6"),
        ("T12-L1", "T12-L1"),
        ("S1", "S1"),
        ("t12", "T12"),
    ],
)
def test_a_level_is_written_in_one_way(text: str, level: str) -> None:
    assert found(text) == [("level", level)]


@pytest.mark.parametrize(
    "text",
    [
        "L7",
        "C9",
        "T13",
        "S6",
        "B12",
        "L4L5x",
        "45",
        "T2 hyperintense",
        "T1 weighted",
        "T2-weighted",
    ],
)
def test_what_is_no_level_is_not_found(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("neck pain", [("region", "neck"), ("symptom", "pain")]),
        ("LOW BACK spasm", [("region", "low back"), ("symptom", "spasm")]),
        ("slipped disk", [("condition", "herniated disc")]),
        ("pinched nerve", [("condition", "sciatica")]),
        ("ibuprofin or advil", [("medicine", "ibuprofen"), ("medicine", "ibuprofen")]),
        ("muscle relaxers", [("medicine", "muscle relaxant")]),
        ("pins and needles", [("symptom", "tingling")]),
        ("for two weeks", [("duration", "acute")]),
        ("a couple of days", [("duration", "a couple of days")]),
        ("3 months", [("duration", "3 months")]),
        ("I have 2 kids", []),
        ("", []),
    ],
)
def test_spine_words_are_found(text: str, terms: list[tuple[str, str]]) -> None:
    assert found(text) == terms


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("is eliquis a problem with an epidural", "medicine", "blood thinner"),
        ("im on cumadin", "medicine", "blood thinner"),
        ("they gave me a medrol dose pack", "medicine", "steroid"),
        ("does cymbalta help", "medicine", "antidepressant"),
        ("gabbapentin makes me dizzy", "medicine", "gabapentin"),
        ("tylanol", "medicine", "acetaminophen"),
        ("i have siatica", "condition", "sciatica"),
        ("my buldging disk", "condition", "bulging disc"),
        ("herniated L5-S1", "condition", "herniated disc"),
        ("i am 20 weeks pregnent", "condition", "pregnancy"),
        ("can i have it with a pace maker", "condition", "pacemaker"),
        ("i had breast cancer in 2015", "condition", "cancer"),
        ("my bones are thin, osteoperosis", "condition", "osteoporosis"),
        ("type 2 diabetic", "condition", "diabetes"),
        ("is it ddd", "condition", "disc wear"),
        ("i cant feel my foot", "symptom", "numbness"),
        ("im claustraphobic", "symptom", "claustrophobia"),
        ("fever and chills", "symptom", "fever"),
        ("foot drop", "symptom", "weakness"),
        ("between my shoulder blades", "region", "mid back"),
        ("my lumber spine", "region", "low back"),
        ("down to my big toe", "region", "leg"),
        ("c-spine", "region", "neck"),
    ],
)
def test_lay_words_and_misspellings_are_understood(text: str, kind: str, value: str) -> None:
    assert value in values(text, kind)


@pytest.mark.parametrize(
    "text",
    ["will the pain come back", "when can I go back to work", "call me back", "it came back again"],
)
def test_coming_back_is_no_back(text: str) -> None:
    assert values(text, "region") == set()


@pytest.mark.parametrize("text", ["my back", "back pain", "hurt my back at work", "the back again"])
def test_a_back_is_a_back(text: str) -> None:
    assert values(text, "region") == {"back"}


def test_a_pinched_nerve_in_the_neck_is_not_sciatica() -> None:
    assert values("a pinched nerve in my neck", "condition") == set()
    assert values("sciatica and neck pain", "condition") == {"sciatica"}


# Denied


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I don't take blood thinners", "medicine"),
        ("im not on any blood thinners", "medicine"),
        ("no diabetes", "condition"),
        ("no heart trouble, no diabetes, no cancer", "condition"),
        ("i am not pregnant", "condition"),
        ("I never had cancer", "condition"),
        ("no numbness or tingling", "symptom"),
        ("my aunt had cancer", "condition"),
    ],
)
def test_what_is_denied_is_not_said(text: str, kind: str) -> None:
    assert values(text, kind) == set()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("i cant take nsaids", "medicine", "nsaid"),
        ("why should I not take advil", "medicine", "ibuprofen"),
        ("i was told not to take aleve", "medicine", "naproxen"),
        ("no, ibuprofen does nothing", "medicine", "ibuprofen"),
        ("aspirin did not help", "medicine", "aspirin"),
        ("no fever but my leg is numb", "symptom", "numbness"),
    ],
)
def test_what_only_sounds_denied_is_said(text: str, kind: str, value: str) -> None:
    assert value in values(text, kind)


# Durations


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("back pain for 3 weeks", "acute"),
        ("i have had sciatica for two months", "subacute"),
        ("my neck has hurt for a year and a half", "chronic"),
        ("its been 3 weeks now and no better", "acute"),
        ("hurting for 2 1/2 months", "subacute"),
        ("numb foot 6-8 weeks now", "subacute"),
        ("low back pain 10 days", "acute"),
        ("my back has hurt for years", "chronic"),
        ("ive had this for half a year", "chronic"),
        ("pain for over 3 months", "chronic"),
        ("leg pain for a couple of months", "subacute"),
        ("dealing with this for a few weeks", "acute"),
        ("my leg has been numb for 9wks", "subacute"),
        ("sore since yesterday", "acute"),
        ("my back hurts since this morning", "acute"),
        ("hurts since March", "chronic"),
        ("since december of last year my back hurts", "chronic"),
        ("in pain since 2019", "chronic"),
        ("bad back since high school", "chronic"),
        ("my back has been bad all my life", "chronic"),
        ("it started three weeks ago", "acute"),
        ("i threw my back out last night", "acute"),
        ("still not better after 8 weeks", "subacute"),
        ("still hurts after four months", "chronic"),
        ("3 months and no change", "chronic"),
        ("two years of back pain", "chronic"),
        ("coping with chronic back pain", "chronic"),
        ("acute low back pain", "acute"),
        ("should i see someone if my back has hurt for 3 weeks", "acute"),
    ],
)
def test_how_long_the_trouble_has_lasted_is_told(text: str, bucket: str) -> None:
    assert values(text, "duration") == {bucket}


@pytest.mark.parametrize(
    "text",
    [
        "is 6 weeks enough",
        "should I rest for 2 days",
        "how long should i ice, for 20 minutes?",
        "can sciatica last for years",
        "i did pt for 6 weeks",
        "been on gabapentin for 2 months",
        "i have worked as a roofer for 20 years",
        "smoked for thirty years",
        "i sit 8 hours a day",
        "will it heal in 6 weeks",
        "my mri is from three years ago",
        "i have had diabetes for ten years",
        "had my surgery 2 years ago",
        "what if it is not better after 6 weeks",
        "do i need pt for 12 weeks",
        "my back has hurt for months",
        "hurts since October",
        "i am 7 months pregnant",
        "I am 72 years old",
    ],
)
def test_a_duration_of_something_else_gets_no_bucket(text: str) -> None:
    assert values(text, "duration") == set()


def test_a_duration_keeps_its_words() -> None:
    [term] = [each for each in spine_terms("back pain for 3 weeks") if each.kind == "duration"]
    assert (term.text, term.value) == ("3 weeks", "acute")
    [term] = [each for each in spine_terms("is 6 weeks enough") if each.kind == "duration"]
    assert (term.text, term.value) == ("6 weeks", "6 weeks")


@pytest.mark.parametrize(
    ("today", "bucket"),
    [
        (date(2026, 3, 20), {"acute"}),
        (date(2026, 4, 25), set()),  # between 25 and 55 days
        (date(2026, 5, 20), {"subacute"}),
        (date(2026, 8, 1), {"chronic"}),
        (date(2026, 2, 1), {"chronic"}),  # March of the year before
    ],
)
def test_since_a_month_is_counted_to_the_day(today: date, bucket: set[str]) -> None:
    assert said("my back hurts since March", today).get("duration", set()) == bucket


# Treatments tried, and surgery


@pytest.mark.parametrize(
    ("text", "tried"),
    [
        ("ive done PT", {"physical therapy"}),
        ("did pt for 6 weeks no help", {"physical therapy"}),
        ("i did 8 weeks of physical therapy", {"physical therapy"}),
        ("ibuprofen does nothing", {"medicine"}),
        ("ibuprofen isnt helping anymore", {"medicine"}),
        ("shots did not help", {"injection"}),
        ("the steroid shot wore off after a month", {"injection"}),
        ("tried rest, advil and yoga", {"rest", "medicine", "exercise"}),
        ("I've tried a chiro, yoga and two epidurals", {"chiropractic", "exercise", "injection"}),
        ("neither PT nor shots helped", {"physical therapy", "injection"}),
        ("no relief from chiropractic", {"chiropractic"}),
        ("still hurts after two shots", {"injection"}),
        ("I have been doing stretches for weeks", {"exercise"}),
        ("i have been to a chiro", {"chiropractic"}),
        ("i rested for a week and the physio made it worse", {"physical therapy"}),
        ("stretching makes it worse", {"exercise"}),
        ("despite physical therapy my leg burns", {"physical therapy"}),
        ("i had a cortisone shot last month", {"injection"}),
        ("had a discectomy and it failed", {"surgery"}),
        ("why are muscle relaxers not working for me", {"medicine"}),
        ("they gave me an epidural in march", {"injection"}),
        ("twelve weeks of exercises and pills and i still cant sit", {"exercise", "medicine"}),
    ],
)  # fmt: skip
def test_what_was_tried_is_told(text: str, tried: set[str]) -> None:
    assert values(text, "tried") == tried


@pytest.mark.parametrize(
    "text",
    [
        "should I try PT",
        "can i try yoga",
        "has anyone tried acupuncture or pt",
        "have you tried injections",
        "i have not tried physical therapy",
        "never tried a chiropractor",
        "i havent done any PT yet",
        "does PT help",
        "did the shot help you",
        "what if physical therapy does not work",
        "what if i had an injection",
        "my doctor wants me to do pt",
        "can i take ibuprofen",
        "took two advil an hour ago",
        "why does everyone say acetaminophen is useless",
        "paracetamol is no better than a sugar pill",
        "how soon after the shot do people feel better",
        "do i need surgery",
        "how does an epidural work",
        "the rest of my spine",
        "i had back pain before i did yoga",
    ],
)
def test_what_was_not_tried_is_not_told(text: str) -> None:
    expected = {"exercise"} if "before" in text else set()
    assert values(text, "tried") == expected


@pytest.mark.parametrize(
    "text",
    [
        "had a discectomy",
        "I had back surgery in 2019",
        "can it come back after my fusion",
        "numb since my back surgery",
        "pain since surgery",
        "my L4-L5 is fused",
        "i am 3 weeks post op",
        "post-surgery pain",
        "my microdiscectomy was two years ago",
        "laminectomy in 2015, now leg pain",
        "my previous surgery was at L5",
        "do i need a second surgery",
        "i have rods in my back",
        "recovering from spinal fusion",
        "i was operated on last year",
        "my back surgery failed",
        "my husband had a laminectomy and his leg hurts",
    ],
)
def test_surgery_in_the_past_is_told(text: str) -> None:
    assert values(text, "prior_surgery") == {"yes"}


@pytest.mark.parametrize(
    "text",
    [
        "do I need surgery",
        "never had surgery",
        "i have not had any surgery",
        "no prior surgery",
        "should I have surgery",
        "when can i drive after surgery",
        "what happens after a discectomy",
        "surgery is my last resort",
        "since surgery is risky, what else is there",
        "my surgery is next week",
        "i had knee surgery",
        "had surgery on my shoulder",
        "i had a c section",
        "my friend had back surgery",
        "if i had surgery would it help",
        "had hoped to avoid surgery",
        "my father had two back operations and now my back is out",
        "failed back surgery syndrome, what is it",
        "what are your hours of operation",
    ],
)
def test_surgery_that_was_not_is_not_told(text: str) -> None:
    assert values(text, "prior_surgery") == set()


# Age and side


@pytest.mark.parametrize(
    ("text", "age"),
    [
        *[(text, "teen") for text in ("my 15 year old has back pain", "back pain in teenagers")],
        *[(text, "teen") for text in ("my son plays football and his back hurts", "im 17")],
        *[(text, "teen") for text in ("my 13yo", "16-year-old with sciatica", "she is fourteen")],
        *[(text, "older adult") for text in ("i am 78", "im 70 and my back hurts", "grandma fell")],
        *[(text, "older adult") for text in ("my elderly mother", "my dad is 81", "in my 70s")],
        *[(text, "older adult") for text in ("an 82 year old", "back pain in seniors", "aged 66")],
    ],
)
def test_an_age_is_told(text: str, age: str) -> None:
    assert values(text, "age") == {age}


@pytest.mark.parametrize(
    "text",
    [
        "i am 45",
        "I am 20 weeks pregnant",
        "im 70 percent better",
        "my 15 year old back injury",
        "im 29, i thought that was for old people",
        "my grandmother had it and now me",
        "i am 70 pounds overweight",
        "my son is at work",
        "carry my 2 year old",
        "10 years ago",
    ],
)
def test_no_age_is_made_up(text: str) -> None:
    assert values(text, "age") == set()


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("pain in my left leg", {"left"}),
        ("right sided sciatica", {"right"}),
        ("both legs are numb", {"both"}),
        ("bilateral foraminal narrowing", {"both"}),
        ("hurts on the left", {"left"}),
        ("left paracentral protrusion", {"left"}),
        ("left hip, right foot", {"left", "right"}),
        ("what can i do right now", set()),
        ("is that right?", set()),
        ("i left work early", set()),
        ("both ibuprofen and aleve", set()),
    ],
)
def test_a_side_is_told(text: str, side: set[str]) -> None:
    assert values(text, "side") == side


# The whole


def test_all_kinds_are_told_together() -> None:
    text = (
        "my elderly mother has had right leg pain at L4-L5 for 8 weeks since her fusion, "
        "she takes eliquis and PT did not help, she has stenosis"
    )
    assert said(text, TODAY) == {
        "age": {"older adult"},
        "side": {"right"},
        "region": {"leg"},
        "symptom": {"pain"},
        "level": {"L4-L5"},
        "duration": {"subacute"},
        "prior_surgery": {"yes"},
        "medicine": {"blood thinner"},
        "tried": {"physical therapy"},
        "condition": {"stenosis"},
    }


def test_the_longest_word_wins() -> None:
    assert found("lower back") == [("region", "low back")]


def test_a_steroid_shot_is_no_steroid_pill() -> None:
    assert values("what is an epidural steroid injection", "medicine") == set()


def test_terms_come_from_left_to_right() -> None:
    text = "numb foot since L5-S1 slipped disc"
    assert [kind for kind, _ in found(text)] == ["symptom", "region", "level", "condition"]


def test_a_term_says_where_it_stands() -> None:
    text = "pain at L4/5, two weeks, tried PT"
    assert all(text[term.start : term.end] == term.text for term in spine_terms(text))


@pytest.mark.parametrize("kind", TERMS)
def test_every_spelling_is_found_as_its_word(kind: str) -> None:
    for value, spellings in TERMS[kind].items():
        for spelling in spellings:
            assert (kind, value) in found(spelling), spelling


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_spelling_of_a_treatment_can_have_been_tried(treatment: str) -> None:
    for spelling in TREATMENTS[treatment]:
        assert values(f"tried {spelling}", "tried") == {treatment}, spelling


def test_no_spelling_has_two_meanings() -> None:
    spellings = [s for texts in TERMS.values() for each in texts.values() for s in each]
    spellings += [s for each in TREATMENTS.values() for s in each]
    spellings += NO_TREATMENTS
    assert len(spellings) == len(set(spellings))


CONDITIONS = [
    (kind, value)
    for article in ARTICLES
    for section in article.front.sections
    for kind, wanted in section.when.items()
    for value in wanted
]
TOLD = {
    **{kind: set(each) for kind, each in TERMS.items()},
    "duration": {"acute", "subacute", "chronic"},
    "tried": set(TREATMENTS),
    "prior_surgery": {"yes"},
    "side": {"left", "right", "both"},
}


def test_what_the_articles_ask_for_can_be_told() -> None:
    assert [(kind, value) for kind, value in CONDITIONS if value not in TOLD.get(kind, ())] == []


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str) -> None:
    for term in spine_terms(text):
        assert text[term.start : term.end] == term.text


@given(
    st.lists(st.sampled_from([*"@.,?", "@surgery", "had", "not", "2", "weeks", "pt", "\n", "for"]))
)
def test_any_words_can_be_searched(words: list[str]) -> None:
    spine_terms(" ".join(words))
