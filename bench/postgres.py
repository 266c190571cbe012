"""A PostgreSQL server of our own for a measurement, which can be restarted and run out of disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.processes import BenchError

SMALL_DISK = "400m"
_ZEROS = bytes(2**16)


class Postgres:
    """The server: ``url`` and ``socket`` to reach it, and what can be done to it."""

    def __init__(self, folder: Path, *, can_be_filled: bool, durable: bool) -> None:
        """folder: for the socket, the log and the data; can_be_filled: it is a small disk.

        durable: what is committed outlives a crash of the machine.
        """
        self._durable = durable
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            raise BenchError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        self._programs = found[-1].parent
        self._folder, self.can_be_filled = folder, can_be_filled
        # PostgreSQL refuses to run as root.
        self._prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._prefix:
            shutil.chown(folder, "postgres")

    @classmethod
    @contextmanager
    def running(cls, *, small_disk: bool = False, durable: bool = True) -> Iterator[Postgres]:
        """Start a server with an empty database ``spinebot``; end it with the block.

        small_disk: on a small file system where this user may mount one, so that it can be filled;
        durable: as every clinic's; tests make very many databases and need none of them afterwards.
        """
        folder = Path(tempfile.mkdtemp(prefix="spinebot-pg-"))
        is_small = small_disk and _mount(folder)
        server = cls(folder, can_be_filled=is_small, durable=durable)
        try:
            server._call(
                "initdb", "-D", server._data, "-U", "spinebot", "-A", "trust", "-E", "UTF8"
            )
            server.start()
            server._call("createdb", "-h", str(folder), "-U", "spinebot", "spinebot")
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):
                server._call("pg_ctl", "-D", server._data, "-m", "fast", "stop")
            if is_small:
                subprocess.run(["umount", "--lazy", str(folder)], check=False)
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The database's address."""
        return f"postgresql://spinebot@/spinebot?host={self._folder}"

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""
        return self._folder / ".s.PGSQL.5432"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder}"
        if not self._durable:
            options += " -c fsync=off"
        log = f"{self._folder}/log"
        self._call("pg_ctl", "-D", self._data, "-o", options, "-w", "-l", log, "start")

    def restart(self) -> None:
        """Let it crash and start again."""
        self._call("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        self.start()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room on its disk within the block."""
        filler = self._folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(_ZEROS):
                pass
        try:
            yield
        finally:
            filler.unlink()
            if not self._is_up():
                # It gives up where it cannot write its log; a supervisor starts it again.
                self.start()

    def _is_up(self) -> bool:
        command = [*self._prefix, str(self._programs / "pg_ctl"), "-D", self._data, "status"]
        return (
            subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, check=False).returncode == 0
        )

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._prefix, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


def _mount(folder: Path) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=755", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
