"""The words of MRI reports: the file, what is found in a report, and the reply that explains it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa_sdk.executor import CollectingDispatcher
from ruamel.yaml import YAML

from actions.reports import ActionExplainReport
from spinebot.articles import cautions, glossary, report_words
from spinebot.articles.glossary import Glossary, Term, read_glossary
from spinebot.articles.reading import HARDEST_GRADE, grade
from spinebot.articles.report_words import MOST_TERMS, explain, find
from spinebot.clinic import clinic
from spinebot.errors import ArticleError
from spinebot.language.spine_terms import pipeline
from tests.conftest import ROOT
from tests.factories import load_articles, tracker

FILE = ROOT / "knowledge" / "report-terms.yml"
GLOSSARY = read_glossary(FILE)
TERMS = {term.term: term for term in GLOSSARY.terms}
SPELLINGS = [
    (term.term, spelling) for term in GLOSSARY.terms for spelling in (term.term, *term.spellings)
]
REPORT = (
    "At L4-5 there is a broad-based disc bulge with ligamentum flavum hypertrophy and facet "
    "arthropathy, resulting in moderate central canal stenosis and mild bilateral neural foraminal "
    "narrowing. L5-S1: left paracentral disk extrusion abutting the traversing S1 nerve root. "
    "No fracture, subluxation, marrow edema, suspicious osseous lesion, or infection. "
    "The conus is normal in signal and terminates at L1."
)


def names(text: str) -> list[str]:
    return [term.term for term in find(text).terms]


# The file


def test_the_file_holds_the_words_of_reports() -> None:
    assert len([term for term in GLOSSARY.terms if not term.beside]) >= 40


@pytest.mark.parametrize("term", GLOSSARY.terms, ids=lambda term: term.term)
class TestTerm:
    def test_its_meaning_is_easy_to_read(self, term: Term) -> None:
        assert grade(term.meaning) <= HARDEST_GRADE

    def test_how_common_it_is_is_easy_to_read(self, term: Term) -> None:
        common = term.common
        lines = [line for line in (common.low_back, common.neck) if line] if common else []
        assert [line for line in lines if grade(line) > HARDEST_GRADE] == []

    def test_its_meaning_is_short(self, term: Term) -> None:
        assert len(term.meaning.split()) <= 30

    def test_it_says_nothing_that_must_not_be_said(self, term: Term) -> None:
        common = term.common
        said = [term.meaning, *([common.low_back or "", common.neck or ""] if common else [])]
        assert [found for text in said for found in cautions.found_in(text)] == []

    def test_it_speaks_of_no_one_and_promises_nothing(self, term: Term) -> None:
        words = set(term.meaning.lower().replace(".", " ").split())
        assert words.isdisjoint({"your", "you", "yours", "dangerous", "serious", "harmless"})


def test_the_line_to_call_today_is_easy_to_read() -> None:
    assert grade(GLOSSARY.call_today) <= HARDEST_GRADE
    assert "Call the doctor who ordered the scan today" in GLOSSARY.call_today


@pytest.mark.parametrize(
    ("term", "place", "figures"),
    [
        # The facts sheet: 16.09, 16.10, 6.07 and 16.11, 16.08; 16.14 for the neck.
        ("Disc bulge", "low_back", {20: "3 in 10", 50: "6 in 10", 80: "more than 8 in 10"}),
        ("Protrusion", "low_back", {20: "about 3 in 10", 80: "about 4 in 10"}),
        ("Annular fissure", "low_back", {20: "about 2 in 10", 80: "about 3 in 10"}),
        ("Disc degeneration", "low_back", {20: "nearly 4 in 10", 50: "8 in 10", 80: "nearly all"}),
        ("Disc bulge", "neck", {"1,211": "close to 9 in 10"}),
    ],
)
def test_the_figures_are_those_of_the_facts_sheet(
    term: str, place: str, figures: dict[Any, str]
) -> None:
    common = TERMS[term].common
    line = getattr(common, place)
    for age, share in figures.items():
        at = line.index(share)
        assert str(age) in line[at : at + len(share) + 25] or str(age) in line[:at]


def test_only_what_has_figures_says_how_common_it_is() -> None:
    found = {term.term: term.common.facts for term in GLOSSARY.terms if term.common}
    assert found == {
        "Disc bulge": ["16.09", "16.14"],
        "Protrusion": ["16.10"],
        "Annular fissure": ["6.07", "16.11"],
        "Disc degeneration": ["16.08"],
    }


def test_every_red_flag_word_is_urgent() -> None:
    assert {term.term for term in GLOSSARY.terms if term.urgent} == {
        *("Cord compression", "Cord signal change", "Myelomalacia", "Myelopathy"),
        *("Cauda equina compression", "Fracture", "Tumor", "Infection"),
    }


# Faults in the file


def entry(**changes: Any) -> dict[str, Any]:
    fields = {"term": "Bump", "spellings": ["bumpy"], "meaning": "A bump.", "facts": ["6.01"]}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def write(path: Path, *terms: Any, **changes: Any) -> Path:
    content = {"call_today": "Call today.", "levels": {"L": "a bone"}, "terms": list(terms)}
    file = path / "report-terms.yml"
    with file.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({**content, **changes}, stream)
    return file


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"meaning": None}, "Bump: meaning"),
        ({"meaning": "A bump"}, "Bump: meaning: is no whole sentence"),
        ({"meaning": "word " * 31 + "."}, "Bump: meaning: has more than 30 words"),
        ({"spellings": []}, "Bump: spellings"),
        ({"spellings": ["x y", "X Y"]}, "Bump: spellings: 'x y' stands 2 times"),
        ({"facts": ["6"]}, "Bump: facts: 1"),
        ({"facts": None}, "Bump: facts: name facts, or 'general knowledge'"),
        ({"source": "general knowledge"}, "Bump: facts: name facts, or 'general knowledge'"),
        ({"facts": None, "source": "a book"}, "Bump: source"),
        ({"common": {"low back": "Many."}}, "Bump: common: facts"),
        ({"common": {"facts": ["16.09"]}}, "Bump: common: has no text"),
        (
            {"common": {"low back": "Many.", "facts": ["16.09"]}, "urgent": True},
            "Bump: common: may",
        ),
        ({"colour": "red"}, "Bump: colour"),
        ({"term": None}, "terms.1: term"),
    ],
)
def test_a_fault_is_named_by_term_and_field(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ArticleError) as caught:
        read_glossary(write(tmp_path, entry(**changes)))
    assert f"report-terms.yml: {fault}" in str(caught.value)


def test_all_faults_are_named_together(tmp_path: Path) -> None:
    file = write(tmp_path, entry(meaning="A bump"), entry(term="Lump", spellings=["bumpy"]))
    with pytest.raises(ArticleError) as caught:
        read_glossary(file)
    assert caught.value.faults == [
        "report-terms.yml: Bump: meaning: is no whole sentence",
        "report-terms.yml: Lump: spellings: 'bumpy' is one of 'Bump' too",
    ]


def test_a_term_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="bump: term: stands 2 times"):
        read_glossary(write(tmp_path, entry(), entry(spellings=["hump"])))


@pytest.mark.parametrize("changes", [{"terms": []}, {"levels": {"X9": "a"}}, {"call_today": ""}])
def test_the_rest_of_the_file_is_checked_too(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ArticleError):
        read_glossary(write(tmp_path, entry(), **changes))


@pytest.mark.parametrize("content", ["terms: [", "- a", "a: 1\na: 2", ""])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: str) -> None:
    file = tmp_path / "report-terms.yml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"report-terms\.yml: "):
        read_glossary(file)


def test_a_meaning_that_is_too_hard_fails_the_check(tmp_path: Path) -> None:
    hard = "Degenerative hypertrophic proliferation of osteocartilaginous articular structures."
    write(tmp_path, entry(meaning=hard))
    with pytest.raises(ArticleError, match="Bump: meaning: grade"):
        glossary.check(tmp_path)


def test_the_check_counts_the_words() -> None:
    assert glossary.check(ROOT / "knowledge") == f"{len(GLOSSARY.terms)} words of reports checked"


def test_a_folder_without_the_file_passes_the_check(tmp_path: Path) -> None:
    assert glossary.check(tmp_path).startswith("no report-terms.yml")


def test_a_change_is_in_force_at_once_and_a_fault_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(glossary, "_last_good", {})
    for time_, terms in enumerate(([entry()], [entry(spellings=["hump"])], [entry(meaning=5)])):
        file = write(tmp_path, *terms)
        os.utime(file, ns=(time_, time_))
        monkeypatch.setattr(glossary, "FILE", file)
        found = [names("bumpy"), names("hump")]
        assert found == ([["Bump"], []] if time_ == 0 else [[], ["Bump"]])
    assert "Bump: meaning" in caplog.text


# Finding


@pytest.mark.parametrize(("term", "spelling"), SPELLINGS)
def test_every_spelling_is_found_as_its_term(term: str, spelling: str) -> None:
    beside = " protrusion" if TERMS[term].beside else ""
    assert term in names(f"{spelling}{beside}")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("L5-S1 protrusion with annular fissure", ["Protrusion", "Annular fissure"]),
        ("annular fissures and Schmorl's nodes", ["Annular fissure", "Schmorl's node"]),
        ("Schmorl’s node, stenoses", ["Schmorl's node", "Stenosis"]),
        ("DISK BULGES", ["Disc bulge"]),
        ("high intensity zone / high-intensity zone", ["High-intensity zone"]),
        ("severe central canal stenosis", ["Severe", "Central stenosis"]),
        ("foraminal stenosis", ["Foraminal stenosis"]),
        ("facet joint arthropathies", ["Facet arthropathy"]),
        ("t2 hyperintensity within the cord", ["Cord signal change"]),
        ("cauda equina nerve roots", ["Cauda equina"]),
        ("compression of the cauda equina", ["Cauda equina compression"]),
        ("a bulge, then a bulge", ["Disc bulge"]),
        ("grade 1 anterolisthesis due to spondylolysis", ["Anterolisthesis", "Pars defect"]),
        ("i have severe pain", []),
        ("", []),
    ],
)
def test_terms_are_found_in_order_longest_first(text: str, terms: list[str]) -> None:
    assert names(text) == terms


@pytest.mark.parametrize(
    "text",
    [
        "No disc herniation.",
        "No significant central canal stenosis or neural foraminal narrowing.",
        "There is no evidence of acute fracture, dislocation, marrow edema, mass, or infection",
        "without cord compression",
        "negative for fracture",
        "free of stenosis",
        "absence of stenosis",
        "Fracture: none",
        "stenosis is not seen",
        "Normal lumbar lordosis",
        "normal cord signal",
        "The conus is normal",
    ],
)
def test_what_a_report_denies_is_left_out(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("No disc herniation, mild facet arthropathy", "Facet arthropathy"),
        ("No fracture. Stenosis at L4-5", "Stenosis"),
        ("no stenosis at L3-4, L4-5 protrusion", "Protrusion"),
        ("No fracture but a protrusion", "Protrusion"),
        ("no idea what annular fissure means", "Annular fissure"),
        ("no one told me what stenosis is", "Stenosis"),
        ("no change in the protrusion", "Protrusion"),
        ("i had no injury and my report says desiccation", "Disc desiccation"),
        ("free fragment and stenosis", "Stenosis"),
        ("no fracture\nprotrusion at L5-S1", "Protrusion"),
    ],
)
def test_a_no_reaches_no_further_than_it_should(text: str, term: str) -> None:
    assert term in names(text)


def test_a_whole_report_is_read() -> None:
    found = find(REPORT)
    assert [term.term for term in found.terms if not term.beside] == [
        *("Disc bulge", "Ligamentum flavum thickening", "Facet arthropathy", "Central stenosis"),
        *("Foraminal stenosis", "Extrusion", "Nerve root contact", "Traversing nerve root"),
    ]
    assert found.levels == ("L4-L5", "L5-S1", "S1", "L1")
    assert not found.urgent


@pytest.mark.parametrize(
    ("text", "is_report"),
    [
        ("protrusion and stenosis", True),
        ("L5-S1 protrusion", True),
        ("protrusion", False),
        ("mild protrusion", False),
        ("L5-S1 hurts", False),
        ("can you read my mri", False),
        ("no fracture at L5", False),
    ],
)
def test_two_terms_or_one_with_a_level_are_a_report(text: str, is_report: bool) -> None:
    assert find(text).is_report == is_report


@pytest.mark.parametrize(
    ("text", "is_only_here"),
    [
        ("what is a schmorl's node", True),
        ("what is an osteophyte", True),
        ("what does protrusion mean", False),
        ("schmorl's node or protrusion", False),
        ("what does my report mean", False),
        ("mild", False),
    ],
)
def test_what_no_article_explains_is_known(text: str, is_only_here: bool) -> None:
    assert find(text).is_only_here == is_only_here


@pytest.mark.parametrize(
    "text",
    [
        "C5-6 cord compression with signal change in the cord",
        "myelomalacia at C4-5",
        "severe stenosis with crowding of the cauda equina",
        "L1 compression fracture",
        "lesion at T8 suspicious for metastasis",
        "L3-4 discitis/osteomyelitis with epidural abscess",
    ],
)
def test_red_flag_words_are_urgent(text: str) -> None:
    assert find(text).urgent


@pytest.mark.parametrize(
    "text",
    [
        "no cord compression at C5-6, mild stenosis",
        "chronic compression fracture of L1",
        "old healed fracture L2",
        "normal cord signal, C5-6 protrusion",
        "cauda equina nerve roots, L5-S1 protrusion",
        "L5-S1 protrusion",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not find(text).urgent


def test_a_report_pasted_four_times_holds_the_same_words() -> None:
    assert find(REPORT).terms
    assert find(REPORT * 4).terms == find(REPORT).terms


@given(
    st.lists(st.sampled_from(["no", ",", "with", "mild", "fracture", "L5", "-", ".", "disk", "s"]))
)
def test_any_words_can_be_searched(words: list[str]) -> None:
    find(" ".join(words))


def test_a_spelling_is_no_longer_than_the_matcher_needs() -> None:
    assert max(len(pipeline().make_doc(spelling)) for _, spelling in SPELLINGS) <= 9


# The reply


def said(text: str, **more: Any) -> report_words.Explanation:
    return explain(find(text), "OPEN", "CLOSE", **more)


def test_the_reply_explains_each_term_and_level() -> None:
    assert said("L5-S1 protrusion, facet arthropathy").text == (
        "OPEN\n\n"
        "- **Protrusion:** A herniation with a base wider than the part that sticks out. In scans "
        "of people with no pain, about 3 in 10 had one at age 20 and about 4 in 10 at age 80.\n"
        "- **Facet arthropathy:** Wear of the small joints at the back of the spine.\n"
        "- **L5-S1** is the lowest disc of the back.\n\n"
        "CLOSE"
    )


def test_the_reply_names_its_parts() -> None:
    custom = said("L5-S1 protrusion, fracture", advice="ADVICE").custom
    assert custom["type"] == "glossary"
    assert [each["term"] for each in custom["terms"]] == ["Protrusion", "Fracture"]
    assert custom["terms"][1]["common"] is None
    assert custom["levels"] == [{"level": "L5-S1", "meaning": "the lowest disc of the back"}]
    assert custom["call_today"] == GLOSSARY.call_today
    assert (custom["advice"], custom["opening"], custom["closing"]) == ("ADVICE", "OPEN", "CLOSE")


def test_the_line_to_call_comes_first() -> None:
    assert said("L1 fracture").text.startswith(GLOSSARY.call_today)
    assert said("L1 fracture", advice="ADVICE").text.startswith("ADVICE\n\n**Some of these")
    assert GLOSSARY.call_today not in said("L5-S1 protrusion").text


def test_at_most_six_terms_are_explained() -> None:
    explained = [each["term"] for each in said(REPORT).custom["terms"]]
    assert len(explained) == MOST_TERMS
    assert not any(TERMS[term].beside for term in explained)


def test_a_red_flag_word_is_among_them_wherever_it_stands() -> None:
    explained = [
        each["term"] for each in said(f"{REPORT} Impression: cord compression").custom["terms"]
    ]
    assert explained[-1] == "Cord compression"


@pytest.mark.parametrize(
    ("text", "low_back", "neck"),
    [
        ("L4-5 bulge", True, False),
        ("C5-6 bulge", False, True),
        ("bulge in the cervical spine", False, True),
        ("C5-6 bulge and L4-5 bulge", True, True),
        ("bulge and stenosis", True, False),
    ],
)
def test_the_figures_are_those_of_the_part_spoken_of(text: str, low_back: bool, neck: bool) -> None:
    reply = said(text).text
    assert ("age 20" in reply, "in the neck" in reply) == (low_back, neck)


def test_figures_of_the_low_back_are_not_given_for_the_neck() -> None:
    assert "age 20" not in said("C5-6 protrusion").text


@pytest.mark.parametrize(
    ("level", "meaning"),
    [
        ("L5-S1", "the lowest disc of the back"),
        ("L4-L5", "the second lowest disc of the back"),
        ("L2-L3", "a disc in the low back"),
        ("C5-C6", "a disc in the neck"),
        ("T7-T8", "a disc in the mid back"),
        ("L5", "a bone or nerve of the low back"),
    ],
)
def test_a_level_is_named(level: str, meaning: str) -> None:
    assert f"- **{level}** is {meaning}." in said(f"{level} protrusion").text


# The action


def run(text: str, intent: str) -> list[dict[str, Any]]:
    dispatcher = CollectingDispatcher()
    ActionExplainReport().run(dispatcher, tracker(text, intent), {})
    messages: list[dict[str, Any]] = dispatcher.messages
    return messages


@pytest.mark.parametrize("intent", ["ask_report_terms", "out_of_scope_scan"])
def test_a_pasted_report_is_explained(intent: str) -> None:
    [message] = run(REPORT, intent)
    assert message["custom"]["type"] == "glossary"
    assert message["text"].startswith(clinic().say("glossary_open"))
    assert message["text"].endswith(clinic().say("glossary_close"))


def test_a_word_that_only_the_glossary_knows_is_explained_alone() -> None:
    [message] = run("what is a tarlov cyst", "ask_report_terms")
    assert [each["term"] for each in message["custom"]["terms"]] == ["Tarlov cyst"]


@pytest.mark.usefixtures("sqlite_database")
def test_one_word_of_the_article_is_left_to_the_article() -> None:
    load_articles()
    [message, *_] = run("what does protrusion mean", "ask_report_terms")
    assert message["custom"].get("type") != "glossary"
    assert message["text"] != clinic().say("trouble")


def test_the_wish_to_have_a_scan_read_gets_the_clinics_wording() -> None:
    [message] = run("can you read my mri for me", "out_of_scope_scan")
    assert message["text"] == clinic().say("out_of_scope_scan")


def test_the_wordings_say_that_a_person_must_look() -> None:
    assert "a person must look at the images" in clinic().say("glossary_close")
    for name in ("glossary_open", "glossary_close"):
        assert grade(clinic().say(name)) <= HARDEST_GRADE
        assert list(cautions.found_in(clinic().say(name))) == []


def test_the_file_has_no_field_that_nobody_reads() -> None:
    content = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    assert set(content) == set(Glossary.model_fields)
