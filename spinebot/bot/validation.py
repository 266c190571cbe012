"""Rasa's own validation of the training data: ``python -m spinebot.bot.validation``.

The same checks as ``rasa data validate --fail-on-warnings``, in the folder that it is started in.
It reads the files once and plainly, where Rasa's command reads them twice and compares all examples
with one another, and it loads no TensorFlow. Each line that it prints is a fault.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import types
import warnings
from typing import Callable, Iterator, List

from rasa.shared.exceptions import RasaException

# The validator wants one function of Rasa's core, and with it comes a module that loads TensorFlow
# for the policies that are trained with it. Nothing is trained here.
_UNUSED = "rasa.utils.train_utils"
# Rasa says this without calling it wrong: it is so for what a button or the channel sends.
_NO_FAULT = "is not found in the NLU training data"


def faults() -> List[str]:
    """Return what Rasa finds wrong, a line each; none: its command would end with 0."""
    sys.modules.setdefault(_UNUSED, types.ModuleType(_UNUSED))
    from rasa.shared.importers.rasa import RasaFileImporter
    from rasa.validator import Validator

    try:
        with _listening():
            validator = Validator.from_importer(
                RasaFileImporter("config.yml", "domain.yml", ["data"])
            )
    except RasaException as error:
        return [_on_one_line(str(error))]
    checks: List[Callable[[], bool]] = [
        validator.verify_domain_validity,
        validator.verify_actions_in_stories_rules,
        validator.verify_forms_in_stories_rules,
        validator.verify_form_slots,
        validator.verify_slot_mappings,
        lambda: validator.verify_nlu(ignore_warnings=False),
        lambda: validator.verify_story_structure(ignore_warnings=False),
    ]
    return list(dict.fromkeys(fault for check in checks for fault in _told(check)))


def _told(check: Callable[[], bool]) -> Iterator[str]:
    with _listening() as said:
        is_right = check()
    if is_right:
        return
    found = [_on_one_line(each) for each in said if _NO_FAULT not in each]
    yield from found or ["Rasa finds a fault; `spinebot rasa data validate` says more."]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


class _Log(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self, said: List[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextlib.contextmanager
def _listening() -> Iterator[List[str]]:
    """Collect what Rasa warns of, in whichever of its two ways, and keep its progress bars silent.

    What it warns of in the second way is there when the block has ended.
    """
    said: List[str] = []
    handler, logger = _Log(said), logging.getLogger("rasa")
    logger.addHandler(handler)
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("always", UserWarning)
            yield said
        said.extend(str(each.message) for each in caught if each.category is UserWarning)
    finally:
        logger.removeHandler(handler)


if __name__ == "__main__":
    for fault in faults():
        print(fault)
