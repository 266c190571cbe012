"""The topology of several machines, as processes on this one: ``make cluster``.

nginx before 2 web processes; they ask 2 Rasas, which ask 2 action servers, both behind nginx too;
PostgreSQL keeps everything, Redis what the web processes share. Each Rasa has a data folder of its
own, as it would on a machine of its own.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from bench.postgres import Postgres
from bench.processes import BenchError, free_ports, say
from spinebot.training.models import live_model

ROOT = Path(__file__).resolve().parent.parent
EACH = 2
PATIENCE = 180.0
NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
{upstreams}
  server {{
    listen 127.0.0.1:{web};
    include {root}/deploy/nginx/proxy.conf;
    location /api/ {{
      proxy_pass http://web;
      proxy_next_upstream error timeout http_502 non_idempotent;
      proxy_next_upstream_tries 2;
    }}
    location / {{ proxy_pass http://web; }}
  }}
  server {{
    listen 127.0.0.1:{rasa};
    location / {{ proxy_pass http://rasa; proxy_connect_timeout 2s; proxy_read_timeout 60s; }}
  }}
  server {{
    listen 127.0.0.1:{actions};
    location / {{ proxy_pass http://actions; proxy_connect_timeout 2s; proxy_read_timeout 60s; }}
  }}
}}
"""


class Cluster:
    """The processes by name (``web-1``, ``rasa-2``, ``redis``, ...); each can be killed alone."""

    def __init__(self, folder: Path, database_url: str, model: Path, **more: str) -> None:
        """folder: for data and logs; model: what both Rasas serve; more: settings."""
        self.folder, self._model = folder, model
        self.ports = dict(zip(("web", "rasa", "actions", "redis"), free_ports(4), strict=True))
        each = free_ports(3 * EACH)
        self._own = {
            f"{kind}-{n + 1}": each[place * EACH + n]
            for place, kind in enumerate(("web", "rasa", "actions"))
            for n in range(EACH)
        }
        self._common = {
            **os.environ,
            "SPINEBOT_DATABASE_URL": database_url,
            "SPINEBOT_REDIS_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "SPINEBOT_RASA_URL": f"http://127.0.0.1:{self.ports['rasa']}",
            "SPINEBOT_PUBLIC_URL": self.url,
            "SPINEBOT_SECRET_KEY": secrets.token_urlsafe(32),
            # Through nginx, where the other Rasa's actions are too.
            "SPINEBOT_ACTIONS_PORT": str(self.ports["actions"]),
            **more,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # Settings of one part alone, by its name.
        self.extra: dict[str, dict[str, str]] = {}

    @property
    def url(self) -> str:
        """Where visitors come in."""
        return f"http://127.0.0.1:{self.ports['web']}"

    def own_url(self, name: str) -> str:
        """Where a web process, a Rasa or an action server answers by itself."""
        return f"http://127.0.0.1:{self._own[name]}"

    @property
    def names(self) -> list[str]:
        """All parts, in the order in which they start."""
        return ["redis", *(name for name in self._own if name[0] != "w"), "web-1", "web-2", "nginx"]

    def environment(self, name: str) -> Mapping[str, str]:
        """Return a part's settings: each Rasa has a folder and a port of its own."""
        own = dict(self._common)
        number = name[-1] if name[-1].isdigit() else "1"
        own["SPINEBOT_DATA_DIR"] = str(self.folder / f"data-{number}")
        if name.startswith(("web", "rasa")):
            own[f"SPINEBOT_{name[:-2].upper()}_PORT"] = str(self._own[name])
        return {**own, **self.extra.get(name, {})}

    def prepare(self) -> None:
        """Make tables, articles, models and nginx's file."""
        for number in range(1, EACH + 1):
            models = self.folder / f"data-{number}" / "models"
            models.mkdir(parents=True)
            shutil.copy(self._model, models)
            (models / "live").write_text(self._model.name, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "spinebot", "articles", "load"],
            cwd=ROOT,
            env=dict(self.environment("web-1")),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"the articles cannot be loaded: {done.stderr[-500:]}")
        upstreams = "\n".join(
            f"  upstream {kind} {{ least_conn; "
            + " ".join(
                f"server 127.0.0.1:{self._own[f'{kind}-{n + 1}']} max_fails=1 fail_timeout=1s;"
                for n in range(EACH)
            )
            + " }"
            for kind in ("web", "rasa", "actions")
        )
        text = NGINX.format(folder=self.folder, root=ROOT, upstreams=upstreams, **self.ports)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")

    def start(self, name: str) -> None:
        """Start a part."""
        command = self._command(name)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(self.environment(name)),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self, name: str) -> list[str]:
        if name == "redis":
            port = str(self.ports["redis"])
            where = ["--port", port, "--bind", "127.0.0.1", "--dir", str(self.folder)]
            return [_program("redis-server"), *where, "--save", ""]
        if name == "nginx":
            return [_program("nginx"), "-c", str(self.folder / "nginx.conf")]
        if name.startswith("actions"):
            port = str(self._own[name])
            return [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", port]
        return [sys.executable, "-m", "spinebot", "serve" if name[0] == "w" else "serve-rasa"]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a part with all its children."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        process.wait(timeout=60)

    def send(self, name: str, what: signal.Signals) -> None:
        """Signal a part with all its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, what)

    def is_up(self, name: str) -> bool:
        """Return whether a web process, a Rasa or an action server answers by itself."""
        path = {"w": "healthz", "r": "webhooks/spinebot/", "a": "health"}[name[0]]
        try:
            url = f"{self.own_url(name)}/{path}"
            return httpx.get(url, timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_ready(self) -> None:
        """Wait until both web processes have all that an answer needs.

        Raises:
            BenchError: they have not in time, or a part has died.
        """
        deadline = time.monotonic() + PATIENCE
        with httpx.Client(trust_env=False, timeout=5) as client:
            for name in ("web-1", "web-2"):
                while not self._is_ready(client, name):
                    if time.monotonic() > deadline:
                        raise BenchError(f"{name} is not ready; its words: {self.folder}")
                    time.sleep(0.3)

    def _is_ready(self, client: httpx.Client, name: str) -> bool:
        dead = [part for part, each in self.processes.items() if each.poll() is not None]
        if dead:
            raise BenchError(f"{', '.join(dead)} died; the logs lie in {self.folder}")
        try:
            url = f"{self.own_url(name)}/readyz"
            return client.get(url).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """End everything, the way in first."""
        for name in [each for each in reversed(self.names) if each in self.processes]:
            self.kill(name, signal.SIGTERM)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"{name} is not installed (Debian: apt-get install nginx redis-server)")
    return found


@contextmanager
def running(
    url: str | None = None,
    model: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    extra: Mapping[str, dict[str, str]] | None = None,
) -> Iterator[Cluster]:
    """Start all parts, wait until they answer, and end them with the block.

    url: of the database, else one of its own; model: else the live one; settings: of all parts;
    extra: of single ones, by their names.

    Raises:
        BenchError: there is no model, a program is missing, or a part does not come up.
    """
    model = model or live_model()
    if model is None:
        raise BenchError("There is no model: run `make train`.")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="spinebot-cluster-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # nginx's workers run as another user where it is started by root.
        folder.chmod(0o755)
        url = url or stack.enter_context(Postgres.running()).url
        cluster = Cluster(folder, url, model, **(settings or {}))
        cluster.extra.update(extra or {})
        stack.callback(cluster.stop)
        say("making tables and loading articles")
        cluster.prepare()
        say(f"starting {', '.join(cluster.names)}; logs in {folder}")
        for name in cluster.names:
            cluster.start(name)
        cluster.wait_until_ready()
        yield cluster


def main() -> None:
    """Start it, say where it is, and end it with Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.parse_args()
    # Whoever ends this ends what it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with running() as cluster:
            say(f"ready: {cluster.url} (Ctrl-C ends it)")
            signal.pause()
    except KeyboardInterrupt:
        pass
    except BenchError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
