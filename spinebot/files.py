"""Files that are whole or not there, also when the disk is full or the process is killed; YAML."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DEEPEST = 20  # no file of ours nests half as deep; the parser takes seconds over 1,500 braces


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that whoever reads it sees the old content or all of the new.

    Its mode stays. Folders are made.

    Raises:
        OSError: the disk is full or the like; the file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        # With the old file's mode from the start: not even briefly can others read a secret.
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Delete what processes that were killed have left of a file; nobody may be writing it."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        part.unlink(missing_ok=True)


def parse_yaml(text: str) -> Any:
    """Return what YAML says, as plain values.

    Raises:
        ruamel.yaml.error.YAMLError: it is none, or nests deeper than ``DEEPEST``.
    """
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = DEEPEST
    return reader.load(text)
