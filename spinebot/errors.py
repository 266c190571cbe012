"""The errors of Spinebot. Their messages may be shown to a person: they say what to do."""

from __future__ import annotations

from collections.abc import Sequence


class SpinebotError(Exception):
    """Something is not as it should be, and the message says what to do about it."""


class SettingsError(SpinebotError):
    """A setting (environment variable or ``clinic.yml``) cannot be used."""


class ArticleError(SpinebotError):
    """Articles cannot be loaded. ``faults`` lists every fault as ``file: field: what``."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''}"
        super().__init__("\n".join([f"Articles not loaded, {count}:", *self.faults]))


class NotFoundError(SpinebotError):
    """What was asked for does not exist (or is not the asker's to see)."""
