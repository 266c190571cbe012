"""clinic.yml: what is wrong with it is said, and what it says is filled in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import clinic as entries
from spinebot.clinic import Clinic, clinic, read_clinic
from spinebot.errors import SettingsError
from tests.conftest import forget_settings

SAMPLE = entries.FILE.read_text(encoding="utf-8")


def use(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Make a file the clinic's."""
    monkeypatch.setenv("SPINEBOT_CLINIC_FILE", str(path))
    forget_settings()


@pytest.fixture(autouse=True)
def own_settings(data_dir: Path) -> None:
    """What a test sets is forgotten behind it."""


def write(path: Path, **changes: Any) -> Path:
    """Write the project's clinic.yml with changes, named by field (``widget__title``)."""
    content = YAML(typ="safe", pure=True).load(SAMPLE)
    for field, value in changes.items():
        *way, last = field.split("__")
        place = content
        for each in way:
            place = place[each]
        if value is None:
            del place[last]
        else:
            place[last] = value
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clinic.yml"


@pytest.fixture
def own(path: Path) -> Clinic:
    return read_clinic(
        write(
            path,
            name="Spine & Co.",
            phone="+1 (202) 555-0143",
            hours="9 to 5",
            wording__greet="  {clinic}: {phone}, {hours}  ",
        )
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", value) for value in (None, "", "x" * 81)],
        *[("phone", value) for value in (None, "", "call us", "+1 555 x", 5550199)],
        *[("region", value) for value in (None, "us", "USA", "")],
        ("hours", None),
        *[("colors__primary", value) for value in (None, "blue", "#fff", "#12345g", "red;}")],
        *[
            ("sites", value)
            for value in (None, ["www.clinic.example"], ["https://x.example/"], ["*"], "https://x")
        ],
        *[("starters", value) for value in (None, [], ["ask_x"] * 7)],
        ("footnotes", {"#": "note"}),
        ("colour", "red"),
        ("widget__title", None),
        ("widget__subtitle", "x"),
        ("widget__greeting", "Hello {visitor}"),
        ("consent__callback", None),
        ("consent__other", "x"),
        ("consent__mri_review", "I agree with {reference}"),
        *[("wording__trouble", value) for value in (None, "", 5, "Call {phon}")],
        ("wording__handoff_failed", None),
        ("wording__handoff_stored", None),
        *[
            ("wording__greet", value)
            for value in ("", 5, ["x"], "{}", "{0}", "{name}", "{clinic.name}", "{phone", "}")
        ],
        # The number exists only when a handoff has been stored.
        ("wording__greet", "Your number is {reference}"),
        ("wording__trouble", "{reference}"),
    ],
)
def test_a_fault_is_named_by_its_field(path: Path, field: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        read_clinic(write(path, **{field: value}))
    assert f"clinic.yml: {field.replace('__', '.')}" in str(caught.value)


def test_all_faults_are_named_together(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_clinic(write(path, region="x", phone="x", wording__greet="{x}"))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "content", [b"", b"- a", b"name: [", b"a: 1\na: 2", b"name: caf\xe9", b"\0"]
)
def test_a_file_that_cannot_be_read_is_a_fault(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^clinic\.yml"):
        read_clinic(path)


def test_a_file_that_is_not_there_is_a_fault(path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^clinic\.yml cannot be read"):
        read_clinic(path)


def test_a_wording_is_filled(own: Clinic) -> None:
    assert own.say("greet") == "Spine & Co.: +1 (202) 555-0143, 9 to 5"


def test_a_wording_that_is_missing_is_named(own: Clinic) -> None:
    with pytest.raises(SettingsError, match=r"wording\.nothing is missing"):
        own.say("nothing")


@pytest.mark.parametrize("name", ["model_dump", "__class__", "model_config", ""])
def test_only_wordings_can_be_said(own: Clinic, name: str) -> None:
    with pytest.raises(SettingsError):
        own.say(name)


def test_the_handoffs_number_is_filled(own: Clinic) -> None:
    assert "SB-234567" in own.say("handoff_stored", reference="SB-234567")


def test_braces_in_the_clinics_data_are_only_text(path: Path) -> None:
    own = read_clinic(write(path, name="{phone}", wording__greet="{clinic}"))
    assert own.say("greet") == "{phone}"


def test_the_phone_becomes_a_link(own: Clinic) -> None:
    assert own.phone_link == "tel:+12025550143"


def test_the_sample_is_known_as_one(own: Clinic, path: Path) -> None:
    assert read_clinic(write(path, name=entries.SAMPLE_NAME)).is_sample
    assert not own.is_sample


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("A no-cost review.*", ["*"]),
        ("A claim^ and more", ["^"]),
        ("One claim.^ Another one.*", ["^", "*"]),
        ("Another one.* One claim.^", ["^", "*"]),
        ("**bold** words", []),
        ("**bold**^ words", ["^"]),
        ("- * a list", []),
        ("2 * 3 ^ 4", []),
        ("claim,^ (claim)*", ["^", "*"]),
        ("", []),
    ],
)
def test_footnotes_are_those_of_the_marks(path: Path, text: str, marks: list[str]) -> None:
    own = read_clinic(write(path, footnotes={"^": "Ask {clinic}.", "*": "Ask."}, name="Us"))
    notes = {"^": "^ Ask Us.", "*": "* Ask."}
    assert sorted(own.footnotes_of(text)) == sorted(notes[mark] for mark in marks)


def test_a_change_is_in_force_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, write(path, name="Before"))
    before = clinic().name
    write(path, name="After")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert (before, clinic().name) == ("Before", "After")


def test_an_unchanged_file_is_read_once() -> None:
    assert clinic() is clinic()


def test_a_fault_saved_while_the_bot_runs_does_not_silence_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, write(path, name="Before"))
    assert clinic().name == "Before"
    write(path, name="After", phone="x")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert clinic().name == "Before"
    assert "clinic.yml: phone" in caplog.text


def test_a_mended_fault_is_in_force_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, path)
    for time, changes in enumerate(({"name": "Before"}, {"phone": "x"}, {"name": "After"})):
        write(path, **changes)
        os.utime(path, ns=(time, time))
        found = clinic().name
    assert found == "After"


@pytest.mark.parametrize(
    ("primary", "on_primary", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#777777", "#ffffff", 4.48)],
)
def test_contrast_is_that_of_wcag(primary: str, on_primary: str, ratio: float) -> None:
    found = entries.Colors(primary=primary, on_primary=on_primary).contrast
    assert found == pytest.approx(ratio, abs=0.01)
