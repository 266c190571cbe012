"""Trained models: how one is made, and which one is live. Live is a pointer, never the newest."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.language.encoder import encoder_fingerprint
from spinebot.settings import ROOT, settings
from spinebot.training import changes
from spinebot.training.progress import Progress
from spinebot.training.rasa_process import run_rasa

# What a model is made of, beside the encoder's files.
SOURCES = (
    "config.yml",
    "domain.yml",
    "data",
    "spinebot/bot",
    "spinebot/language",
    "spinebot/safety",
    "spinebot/red_flags.yml",
    "spinebot/red_flag_examples.yml",
)


class TrainingError(SpinebotError):
    """A model could not be trained."""


def live_model() -> Path | None:
    """Return the model that is live, or None."""
    pointer = settings().models_dir / "live"
    if not pointer.is_file():
        return None
    model = settings().models_dir / pointer.read_text(encoding="utf-8").strip()
    return model if model.is_file() else None


def serving_file() -> Path:
    """Return the file in which the serving process says which model answers."""
    return settings().models_dir / "serving.json"


def served() -> dict[str, str | None]:
    """Return which model answers (``model``), which stands by, and which is tried out, on which
    port (``candidate``, ``candidate_port``); empty if nothing is known.
    """
    try:
        return dict(json.loads(serving_file().read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def put_live(model: Path) -> None:
    """Let ``model`` answer: a serving process follows the pointer, which changes as a whole."""
    pointer = settings().models_dir / "live"
    write_whole(pointer, model.name)


def sources_hash() -> str:
    """Return a hash of all that a model is made of."""
    digest = hashlib.sha256(encoder_fingerprint().encode())
    for source in SOURCES:
        path = ROOT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in (f for f in files if f.suffix in {".yml", ".py"}):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def is_current(model: Path) -> bool:
    """Return whether the model was trained from what the files say now."""
    return model.name.endswith(f"-{sources_hash()}.tar.gz")


def train(progress: Progress | None = None) -> Path:
    """Train a model and return its file, named by time and sources. It is not put live.

    progress: is told of each step.

    Raises:
        TrainingError: Rasa could not train; its own words have been printed.
    """
    changes.recover()
    moment = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    name = f"{moment}-{sources_hash()}"
    models = settings().models_dir
    models.mkdir(parents=True, exist_ok=True)
    # Rasa writes the archive in place: in a folder of its own until it is whole.
    unfinished = models / "unfinished"
    status = run_rasa(
        *("train", "--out", str(unfinished), "--fixed-model-name", name),
        step="training a model",
        progress=progress,
    )
    part = unfinished / f"{name}.tar.gz"
    if status != 0 or not part.is_file():
        part.unlink(missing_ok=True)
        raise TrainingError(
            "The model was not trained, and the live model is untouched. Rasa's words are above; "
            "`spinebot rasa data validate` names the place in the data."
        )
    model = models / part.name
    part.replace(model)
    return model
