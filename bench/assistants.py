"""The three assistants that are measured: their folders, how each is trained, how it is served.

All three get the same copy of domain and training data, the same actions, and a port each.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honcho.environ import parse_procfile
from ruamel.yaml import YAML

from bench.data import read_examples, read_yaml
from bench.keywords import write_keywords
from bench.processes import BenchError, Child, Children
from spinebot.settings import ROOT
from spinebot.training.rasa_process import RASA_PYTHON, command

NAMES = ("spinebot", "default", "floor")
# With --quick, Rasa's neural components are trained this long: enough to run, not to be good.
QUICK_EPOCHS = 2
_MODEL = "bench"


@dataclass(frozen=True)
class Assistant:
    """One of the three. port: on loopback; token: for its HTTP API, if it asks for one."""

    name: str
    folder: Path
    port: int
    token: str | None
    config: Path
    domain: Path
    data: Path

    @property
    def url(self) -> str:
        """Where its Rasa answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / f"{_MODEL}.tar.gz"

    def train(self, children: Children) -> float:
        """Train with an empty cache; return the seconds, Rasa's start included."""
        seconds = children.run(
            f"training {self.name}",
            command(
                *("train", "--config", str(self.config), "--domain", str(self.domain)),
                *("--data", str(self.data), "--out", str(self.folder)),
                *("--fixed-model-name", _MODEL),
            ),
            self._cwd,
            RASA_CACHE_DIRECTORY=str(self.folder / "cache"),
            **self._variables,
        )
        if not self.model.is_file():
            raise BenchError(f"training {self.name} ended well, but left no model")
        return seconds

    def serve(self, children: Children) -> Child:
        """Start its Rasa."""
        if self.name == "spinebot":
            return procfile(children, "rasa", SPINEBOT_MODEL=str(self.model))
        return children.start(
            f"rasa {self.name}",
            command(
                *("run", "--model", str(self.model), "--enable-api"),
                *("--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
                *("--interface", "127.0.0.1", "--port", str(self.port)),
            ),
            self._cwd,
            **self._variables,
        )

    @property
    def _cwd(self) -> Path:
        # Only the project's own assistant may find the project's files.
        return ROOT if self.name == "spinebot" else self.folder

    @property
    def _variables(self) -> dict[str, str]:
        # The floor's channel is a module of this package.
        return {"PYTHONPATH": str(ROOT)} if self.name == "floor" else {}


def procfile(children: Children, process: str, **variables: str) -> Child:
    """Start one of the project's own processes, as its Procfile says."""
    processes = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
    # exec: the shell gives way to the process itself, whose memory is measured.
    arguments = ["/bin/sh", "-c", f"exec {processes[process]}"]
    return children.start(f"{process} spinebot", arguments, ROOT, **variables)


def copy_sources(work: Path) -> Path:
    """Copy configuration, domain and data, so that all three learn the same; return the folder."""
    sources = work / "sources"
    shutil.copytree(ROOT / "data", sources / "data")
    for name in ("config.yml", "domain.yml"):
        shutil.copy(ROOT / name, sources / name)
    return sources


def prepare(
    name: str, sources: Path, env: Mapping[str, str], port: int, *, quick: bool
) -> Assistant:
    """Write what an assistant needs and return it. env: what its processes will get."""
    folder = sources.parent / name
    folder.mkdir()
    config, data = folder / "config.yml", sources / "data"
    if name == "spinebot":
        config = sources / "config.yml"
    elif name == "default":
        _write(config, _quick_default() if quick else _default())
        _write_server(folder, env, {"rest": None}, _sqlite(folder))
    else:
        data = _floor_data(folder, sources)
        _write(config, _FLOOR)
        _write_server(folder, env, {"bench.floor_channel.FloorRest": None}, {})
    token = env["SPINEBOT_RASA_TOKEN"] if name == "spinebot" else None
    return Assistant(name, folder, port, token, config, sources / "domain.yml", data)


_FLOOR: dict[str, Any] = {
    "recipe": "default.v1",
    "assistant_id": "bench-floor",
    "language": "en",
    "pipeline": [
        {"name": "KeywordIntentClassifier", "case_sensitive": False},
        # No keyword is a confidence of nought: then the bot asks, as the others do.
        {"name": "FallbackClassifier", "threshold": 0.3},
    ],
    "policies": [{"name": "RulePolicy"}],
}


def _floor_data(folder: Path, sources: Path) -> Path:
    """Write the floor's training data: keywords and rules."""
    data = folder / "data"
    data.mkdir()
    write_keywords(read_examples(sources / "data/nlu.yml"), data / "nlu.yml")
    shutil.copy(sources / "data/rules.yml", data / "rules.yml")
    return data


def _rasa_package() -> Path:
    """Return the folder of the installed package ``rasa``."""
    for found in RASA_PYTHON.parent.parent.glob("lib/python3*/site-packages/rasa"):
        return found
    raise BenchError("Rasa is not installed: run `make setup`")


def _default() -> Any:
    """What ``rasa init`` writes: without pipeline and policies, which Rasa then fills in."""
    config = read_yaml(_rasa_package() / "cli/initial_project/config.yml")
    return {**config, "assistant_id": "bench-default"}


def _quick_default() -> Any:
    """The same, with Rasa's defaults written out and trained for a moment only."""
    config = read_yaml(_rasa_package() / "engine/recipes/config_files/default_config.yml")
    for component in [*config["pipeline"], *config["policies"]]:
        if "epochs" in component:
            component["epochs"] = QUICK_EPOCHS
    return {**config, "assistant_id": "bench-default"}


def _sqlite(folder: Path) -> dict[str, Any]:
    return {"tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(folder / "tracker.db")}}


def _write_server(
    folder: Path, env: Mapping[str, str], channels: dict[str, None], more: dict[str, Any]
) -> None:
    actions = {"url": f"http://127.0.0.1:{env['SPINEBOT_ACTIONS_PORT']}/webhook"}
    _write(folder / "endpoints.yml", {"action_endpoint": actions, **more})
    _write(folder / "credentials.yml", channels)


def _write(path: Path, content: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(content, file)
