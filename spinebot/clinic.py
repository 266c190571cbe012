"""The clinic that the bot speaks for: ``clinic.yml``, checked, with every wording in it."""

from __future__ import annotations

import logging
import re
import string
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)
from ruamel.yaml.error import YAMLError

from spinebot.errors import SettingsError
from spinebot.files import parse_yaml
from spinebot.settings import ROOT, settings

logger = logging.getLogger(__name__)

# The one that comes along; another is named by SPINEBOT_CLINIC_FILE.
FILE = ROOT / "clinic.yml"
SAMPLE_NAME = "Example Spine Clinic"
PLACES = {"clinic", "phone", "hours"}


def _known_places(text: str, more: frozenset[str] = frozenset()) -> str:
    for _, name, _, _ in string.Formatter().parse(text):
        if name is not None and name not in PLACES | more:
            raise ValueError(f"{{{name}}} is not known; use {{clinic}}, {{phone}} or {{hours}}")
    return text.strip()


def _known_or_reference(text: str) -> str:
    return _known_places(text, frozenset({"reference"}))


def _known_or_name(text: str) -> str:
    return _known_places(text, frozenset({"name"}))


def _origin(text: str) -> str:
    if not text.startswith(("https://", "http://")) or text.count("/") != 2:
        raise ValueError("must be an origin such as https://www.clinic.example, without a path")
    return text


Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_known_places)]
# Wordings into which the software itself puts something: the handoff's number, a first name.
TextWithReference = Annotated[
    str, StringConstraints(min_length=1), AfterValidator(_known_or_reference)
]
TextWithName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_known_or_name)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colors(_Part):
    """The clinic's colour, and the colour of text on it."""

    primary: Color
    on_primary: Color

    @property
    def contrast(self) -> float:
        """How well the one can be read on the other, 1 to 21 (WCAG 2.2, contrast ratio)."""
        low, high = sorted(_luminance(color) for color in (self.primary, self.on_primary))
        return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1, of ``#rrggbb`` (WCAG 2.2)."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


class WidgetTexts(_Part):
    """What the widget says by itself."""

    title: Text
    greeting: Text
    notice: Text
    placeholder: Text
    unreachable: Text


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _clock_times(text: str) -> str:
    times = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", text)
    if times is None or time(int(times[1]), int(times[2])) >= time(int(times[3]), int(times[4])):
        raise ValueError("must be like 8:00-17:00, from earlier to later on one day")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("must be a time zone such as America/New_York") from None
    return name


ClockTimes = Annotated[str, AfterValidator(_clock_times)]


class Opening(_Part):
    """When staff are there: the clinic's time zone, and the times of each day; null is closed."""

    timezone: Annotated[str, AfterValidator(_zone)]
    monday: ClockTimes | None = None
    tuesday: ClockTimes | None = None
    wednesday: ClockTimes | None = None
    thursday: ClockTimes | None = None
    friday: ClockTimes | None = None
    saturday: ClockTimes | None = None
    sunday: ClockTimes | None = None

    def turns(self, moment: datetime) -> tuple[bool, datetime | None]:
        """Return whether the clinic is open at ``moment``, and when that changes (None: never)."""
        here = moment.astimezone(ZoneInfo(self.timezone))
        for ahead in range(8):
            day = here.date() + timedelta(days=ahead)
            if times := getattr(self, DAYS[day.weekday()]):
                opens, closes = (
                    datetime.combine(day, time.fromisoformat(clock.zfill(5)), here.tzinfo)
                    for clock in times.split("-")
                )
                if here < opens:
                    return False, opens
                if here < closes:
                    return True, closes
        return False, None


Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]
Days = Annotated[int, Field(ge=1, le=36500)]


class Desk(_Part):
    """How soon staff want to answer a handoff, in working hours, and who is told of it."""

    answer_within_hours: Annotated[float, Field(gt=0, le=200)] = 8
    escalate_after_hours: Annotated[float, Field(gt=0, le=200)] = 4
    tell: list[Address] = []
    escalate_to: list[Address] = []
    digest: bool = True

    @property
    def answer_within(self) -> timedelta:
        """The target for the first attempt, in working time."""
        return timedelta(hours=self.answer_within_hours)

    @property
    def escalate_after(self) -> timedelta:
        """When a handoff that nobody has claimed is told of again, in working time."""
        return timedelta(hours=self.escalate_after_hours)


class Retention(_Part):
    """For how many days each kind of data is kept; what is older is deleted every night."""

    conversations: Days = 365
    handoffs: Days = 730
    unmasked: Days = 90


class Consents(_Part):
    """The consent asked for before contact details are stored, word for word."""

    mri_review: Text
    callback: Text


# Everything that the bot says in its own words, by name, in the order of clinic.yml.
WORDINGS = (
    *("greet", "thank", "goodbye", "affirm", "deny", "inform", "request_cancel"),
    *("ask_bot_identity", "report_pain", "ask_clinic_hours", "ask_chat_privacy", "out_of_scope"),
    *("out_of_scope_body_part", "out_of_scope_dose", "out_of_scope_diagnosis"),
    *("out_of_scope_scan", "out_of_scope_cost", "out_of_scope_animal", "out_of_scope_nonsense"),
    *("out_of_scope_abuse", "out_of_scope_instruction", "fallback", "fallback_plain"),
    *("something_else", "closest", "unknown", "again", "again_full"),
    *("more_all", "more_of_what"),
    *("no_words", "too_long", "code", "other_language", "trouble", "too_many", "busy"),
    *("no_answer", "after_red_flag", "glossary_open", "glossary_close"),
    *("request_human", "request_human_in_form"),
    *("request_human_button", "offer", "offer_yes", "offer_no", "offer_declined", "form_start"),
    *("form_start_again", "callback_start", "ask_name", "ask_contact", "ask_best_time"),
    *("ask_recent_mri", "ask_mri_date", "ask_pain_area", "ask_consent", "ask_confirmed", "yes"),
    *("no", "not_sure", "agree", "disagree", "skip", "send", "stop", "label_name"),
    *("label_contact", "label_best_time", "label_recent_mri", "label_mri_date"),
    *("label_pain_area", "change_how", "changed", "change_which"),
    *("bad_name", "bad_contact"),
    *("bad_best_time", "bad_recent_mri", "bad_mri_date", "bad_pain_area", "bad_consent"),
    *("example_name", "example_contact", "example_best_time", "example_recent_mri"),
    *("note_joined", "note_left", "staff_left", "staff_gone"),
    *("example_mri_date", "example_pain_area", "example_consent", "way_out", "way_out_skip"),
    *("form_stopped", "consent_refused", "handoff_stored", "handoff_failed", "try_again"),
)
_fields: dict[str, Any] = {
    **dict.fromkeys(WORDINGS, (Text, ...)),
    "handoff_stored": (TextWithReference, ...),
    **dict.fromkeys(("note_joined", "note_left", "staff_left", "staff_gone"), (TextWithName, ...)),
}
Wording = create_model("Wording", __base__=_Part, **_fields)


class Clinic(_Part):
    """The clinic's entries. ``say`` gives a wording with the clinic's data filled in."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ().\-]{3,25}$")]
    hours: str
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    opening: Opening
    reply_time: Text
    desk: Desk = Field(default_factory=lambda: Desk())
    retention: Retention = Field(default_factory=lambda: Retention())
    sites: list[Annotated[str, AfterValidator(_origin)]]
    colors: Colors
    footnotes: dict[Annotated[str, StringConstraints(pattern=r"^[\^*]$")], Text]
    starters: Annotated[list[str], Field(min_length=1, max_length=6)]
    widget: WidgetTexts
    # The same in Spanish, for a widget that is shown in it.
    widget_es: WidgetTexts
    wording: Wording  # type: ignore[valid-type]
    consent: Consents

    @property
    def is_sample(self) -> bool:
        """Whether this is still the clinic that the file came with."""
        return self.name == SAMPLE_NAME

    @property
    def phone_link(self) -> str:
        """The phone number as a ``tel:`` link."""
        return "tel:" + "".join(c for c in self.phone if c.isdigit() or c == "+")

    def fill(self, text: str, **places: str) -> str:
        """Return ``text`` with the clinic's data and ``places`` in their places."""
        return text.format(clinic=self.name, phone=self.phone, hours=self.hours, **places)

    def say(self, name: str, /, **places: str) -> str:
        """Return the wording ``name``.

        Raises:
            SettingsError: ``clinic.yml`` has no such wording.
        """
        text = getattr(self.wording, name, None)
        if not isinstance(text, str):
            raise SettingsError(f"{FILE.name}: wording.{name} is missing")
        return self.fill(text, **places)

    def footnotes_of(self, text: str) -> list[str]:
        """Return the footnotes whose marks stand behind a word in ``text``, in order."""
        plain = text.replace("**", "")
        return [
            f"{mark} {self.fill(note)}"
            for mark, note in self.footnotes.items()
            if any(
                f"{end}{mark}" in plain for end in string.ascii_letters + string.digits + ".,!?)"
            )
        ]


def read_clinic(path: Path) -> Clinic:
    """Return the clinic that the file describes.

    Raises:
        SettingsError: the file cannot be read; every fault is listed with its field.
    """
    try:
        entries: Any = parse_yaml(path.read_text(encoding="utf-8"))
        return Clinic.model_validate(entries)
    except (OSError, UnicodeDecodeError, YAMLError, RecursionError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}") from error
    except ValidationError as error:
        faults = [
            f"{path.name}: {'.'.join(str(place) for place in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("\n".join(faults)) from error


def clinic() -> Clinic:
    """Return the clinic; read anew only when the file has changed.

    A fault that somebody saves while the bot runs must not silence it: the entries that were last
    without fault stay in force, and the fault is logged.
    """
    global _last_good
    file = settings().clinic_file
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    if _last_good is None or _last_good[0] != changed:
        try:
            _last_good = (changed, read_clinic(file))
        except SettingsError as error:
            if _last_good is None:
                raise
            logger.error("clinic.yml is not used as it is now: %s", error)
            _last_good = (changed, _last_good[1])
    return _last_good[1]


_last_good: tuple[int, Clinic] | None = None
