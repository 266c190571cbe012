"""The files under deploy/ are accepted by the programs that they are for."""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ruamel.yaml import YAML

from bench.data import read_yaml
from spinebot.web import metrics
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of nobody's, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot.clinic.example")])
    today = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


NGINX = {
    "nginx/spinebot.conf": (
        "/etc/ssl/certs/bot.clinic.example.pem",
        "/etc/ssl/private/bot.clinic.example.key",
    ),
    "container/nginx.conf": ("/etc/nginx/tls/cert.pem", "/etc/nginx/tls/key.pem"),
}


def nginx() -> str:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    return program


@pytest.mark.parametrize("file", NGINX)
def test_nginx_accepts_its_configuration(tmp_path: Path, file: str) -> None:
    done = subprocess.run(
        [nginx(), "-t", "-c", str(configured(tmp_path, file))], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def configured(tmp_path: Path, file: str) -> Path:
    """Write a whole configuration with the file in it; return where."""
    cert, key = certificate(tmp_path)
    text = (DEPLOY / file).read_text(encoding="utf-8")
    # Names of containers mean something among containers only.
    text = re.sub(r"server web-\d:", "server 127.0.0.1:", text)
    places = (*zip(NGINX[file], (cert, key), strict=True),)
    for name, path in (
        *places,
        ("/etc/nginx/spinebot-proxy.conf", DEPLOY / "nginx/proxy.conf"),
    ):
        assert name in text
        text = text.replace(name, str(path))
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\n{text}\n}}\n",
        encoding="utf-8",
    )
    return whole


def test_one_address_has_only_so_many_connections(tmp_path: Path) -> None:
    whole = configured(tmp_path, "nginx/spinebot.conf")
    # A web process that takes requests and never answers them.
    web = socket.create_server(("127.0.0.1", 0), backlog=500)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = whole.read_text(encoding="utf-8")
    text = re.sub(r"server \{\n  listen 80;.*?\n\}\n", "", text, flags=re.S)
    text = re.sub(r"listen \[::\].*;|server 127.0.0.1:8001.*;", "", text)
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{web.getsockname()[1]}")
    whole.write_text(text, encoding="utf-8")
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    trust.check_hostname = False
    server = subprocess.Popen([nginx(), "-c", str(whole), "-g", "daemon off;"])
    clients = []
    try:
        wait_for(port)
        for _ in range(200 + 7):
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            clients.append(trust.wrap_socket(plain, server_hostname="bot.clinic.example"))
            clients[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: bot.clinic.example\r\n\r\n")
        refused = 0
        for client in clients[200:]:
            refused += client.recv(100).startswith(b"HTTP/1.1 503")
        assert refused == 7
        clients[0].settimeout(0.2)
        with pytest.raises(TimeoutError):
            clients[0].recv(100)
    finally:
        server.terminate()
        server.wait(10)
        for client in clients:
            client.close()
        web.close()


def wait_for(port: int) -> None:
    """Wait until somebody listens there."""
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError("nginx does not listen")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_the_procfile_starts(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    started = command.removeprefix("ExecStart=/opt/spinebot/").replace("{", "").replace("}", "")
    assert f": {started}" in (ROOT / "Procfile").read_text(encoding="utf-8")
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(text.splitlines())


# Containers and Kubernetes: what they start is what the Procfile starts.


def procfile() -> dict[str, str]:
    """Return name -> command, without the environments' paths."""
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    named = (line.split(": ", 1) for line in lines)
    return {
        name: command.replace(".venv/app/bin/", "").replace("$SPINEBOT_ACTIONS_PORT", "5055")
        for name, command in named
    }


def test_compose_starts_what_the_procfile_starts_twice() -> None:
    services = read_yaml(DEPLOY / "container/compose.yml")["services"]
    for name, command in procfile().items():
        for number in (1, 2):
            assert " ".join(services[f"{name}-{number}"]["command"]) == command
    for name in ("rasa", "actions"):
        # On one loopback with their web process.
        modes = [services[f"{name}-{number}"]["network_mode"] for number in (1, 2)]
        assert modes == ["service:web-1", "service:web-2"]
    # Nothing but nginx is reached from outside.
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]


def test_compose_is_accepted_by_its_own_tool(tmp_path: Path) -> None:
    found = shutil.which("docker-compose")
    if found is None:
        pytest.skip("docker-compose is not installed")
    env = tmp_path / "spinebot.env"
    example = (DEPLOY / "container/spinebot.env.example").read_text(encoding="utf-8")
    env.write_text(re.sub("=$", "=x", example, flags=re.MULTILINE), encoding="utf-8")
    file = str(DEPLOY / "container/compose.yml")
    command = [found, "--file", file, "--env-file", str(env), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def manifests() -> dict[str, Any]:
    """Return the Kubernetes objects by their kind."""
    folder = DEPLOY / "kubernetes"
    files = read_yaml(folder / "kustomization.yaml")["resources"]
    yaml = YAML(typ="safe")
    found = [each for name in files for each in yaml.load_all(folder / name)]
    return {each["kind"]: each for each in found}


def test_a_pod_holds_what_the_procfile_starts() -> None:
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    started = {each["name"]: " ".join(each["command"]) for each in pod["containers"]}
    assert started == procfile()
    for each in pod["containers"]:
        assert each["livenessProbe"]
        assert each["resources"]["limits"]["memory"]
        locked = each["securityContext"]
        assert locked["readOnlyRootFilesystem"]
        assert not locked["allowPrivilegeEscalation"]
        assert locked["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"]


def test_objects_name_each_other_rightly() -> None:
    found = manifests()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    scaled = found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
    assert scaled == found["Deployment"]["metadata"]["name"]
    volumes = found["Deployment"]["spec"]["template"]["spec"]["volumes"]
    claim = next(v["persistentVolumeClaim"]["claimName"] for v in volumes if v["name"] == "data")
    assert claim == found["PersistentVolumeClaim"]["metadata"]["name"]
    [rule] = found["Ingress"]["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]["name"]
    assert backend == found["Service"]["metadata"]["name"]


@pytest.mark.parametrize(
    "file",
    [
        "deploy/prometheus/alerts.yml",
        "deploy/grafana/spinebot.json",
        "deploy/kubernetes/spinebot.yaml",
        "docs/operations.md",
    ],
)
def test_every_figure_that_is_named_is_served(file: str) -> None:
    served = {
        sample.name for family in metrics._registry.collect() for sample in family.samples
    } | {f"{family.name}_total" for family in metrics._registry.collect()}
    families = {family.name for family in metrics._registry.collect()}
    named = set(re.findall(r"\bspinebot_[a-z_]+", (ROOT / file).read_text(encoding="utf-8")))
    assert named
    for name in named:
        bare = re.sub("_(total|bucket|count|sum)$", "", name)
        assert name in served or bare in families, name


# The commands for one machine


MACHINE = DEPLOY / "machine.sh"


def bash(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_machines_script_can_be_read_and_says_how_to_call_it() -> None:
    assert bash(f"bash -n {MACHINE}").returncode == 0
    text = MACHINE.read_text(encoding="utf-8")
    verbs = set(re.findall(r"^#   deploy/machine\.sh (\w+)", text, re.MULTILINE))
    assert verbs == {"install", "upgrade", "rollback", "uninstall"}
    assert verbs == set(re.findall(r"^  (\w+)\) do_\w+", text, re.MULTILINE))
    operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert all(f"deploy/machine.sh {verb}" in operations for verb in verbs)


def test_what_the_machines_script_changes_is_there_to_be_changed() -> None:
    """What it replaces in nginx's file and in the settings stands there."""
    nginx = (DEPLOY / "nginx/spinebot.conf").read_text(encoding="utf-8")
    settings = (DEPLOY / "systemd/spinebot.env").read_text(encoding="utf-8")
    text = MACHINE.read_text(encoding="utf-8")
    for place in (*NGINX["nginx/spinebot.conf"], "127.0.0.1:8001"):
        assert place in nginx
        assert place in text
    assert "bot.clinic.example" in nginx
    assert "bot.clinic.example" in settings
    units = re.search(r"^UNITS=\((.*)\)$", text, re.MULTILINE)
    assert units
    assert set(units[1].split()) == {unit.stem for unit in UNITS}


def test_the_machines_script_reads_settings_as_systemd_does(tmp_path: Path) -> None:
    settings = tmp_path / "spinebot.env"
    settings.write_text(
        "# a comment\n"
        "SPINEBOT_SECRET_KEY=a new one $(touch owned) `touch owned` $HOME\n"
        'SPINEBOT_MAIL_FROM="Ann Sample"\n'
        "\n"
        "SPINEBOT_DATABASE_URL=postgresql://x:y=z@db/spinebot\n",
        encoding="utf-8",
    )
    done = bash(f"source {MACHINE}; SETTINGS={settings}; with_settings; cd {tmp_path}; env")
    assert done.returncode == 0, done.stderr
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert found["SPINEBOT_SECRET_KEY"] == "a new one $(touch owned) `touch owned` $HOME"
    assert found["SPINEBOT_MAIL_FROM"] == "Ann Sample"
    assert found["SPINEBOT_DATABASE_URL"] == "postgresql://x:y=z@db/spinebot"
    assert not (tmp_path / "owned").exists()


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@clinic.example")
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", f"{file}: {text}")


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Path, Path]:
    """The project's own repository, and an installation of it in which a trainer has worked."""
    source, program = tmp_path / "source", tmp_path / "program"
    source.mkdir()
    git(source, "init", "-q", "-b", "main")
    commit(source, "program", "version 1")
    subprocess.run(["git", "clone", "-q", str(source), str(program)], check=True)
    commit(program, "before", "a trainer's")
    return source, program


def machine(verb: str, program: Path, prepare: str = "true") -> subprocess.CompletedProcess[str]:
    """Run an upgrade or a rollback as far as it is git's: nothing is built, nothing restarted."""
    return bash(
        f"source {MACHINE}\nHOME_OF_PROGRAM={program} DATA={program.parent}/data\n"
        'as_bot() { (cd "$HOME_OF_PROGRAM" && "$@"); }\n'
        f"spinebot() {{ true; }}\nprepare() {{ {prepare}; }}\nrestart() {{ true; }}\n"
        f"do_{verb}",
        HOME=str(program.parent),
    )


def files(program: Path) -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8") for path in program.iterdir() if path.is_file()
    }


def test_a_rollback_keeps_what_trainers_have_changed_before_and_since(
    installed: tuple[Path, Path],
) -> None:
    source, program = installed
    commit(source, "program", "version 2")
    commit(source, "new", "of version 2")
    assert machine("upgrade", program).returncode == 0
    assert files(program) == {
        "program": "version 2",
        "new": "of version 2",
        "before": "a trainer's",
    }
    commit(program, "since", "a trainer's, too")
    done = machine("rollback", program)
    assert done.returncode == 0, done.stderr
    assert files(program) == {
        "program": "version 1",
        "before": "a trainer's",
        "since": "a trainer's, too",
    }
    # It can be upgraded again, to what was taken back.
    assert machine("upgrade", program).returncode == 0
    assert files(program)["program"] == "version 2"


def test_an_upgrade_that_stopped_leads_back_to_where_it_began(
    installed: tuple[Path, Path],
) -> None:
    source, program = installed
    assert "no upgrade to take back" in machine("rollback", program).stderr
    commit(source, "program", "version 2, broken")
    stopped = machine("upgrade", program, prepare="false")
    assert stopped.returncode != 0
    assert "the upgrade stopped" in stopped.stderr
    commit(program, "between", "a trainer's")
    commit(source, "program", "version 2, mended")
    assert machine("upgrade", program).returncode == 0
    assert machine("rollback", program).returncode == 0
    assert files(program) == {
        "program": "version 1",
        "before": "a trainer's",
        "between": "a trainer's",
    }


def test_lines_that_both_have_changed_stop_an_upgrade_and_nothing_changes(
    installed: tuple[Path, Path],
) -> None:
    source, program = installed
    commit(source, "program", "version 2")
    commit(program, "program", "a trainer's version")
    before = git(program, "rev-parse", "HEAD")
    done = machine("upgrade", program)
    assert done.returncode == 1
    assert "touch the same lines" in done.stderr
    assert (git(program, "rev-parse", "HEAD"), git(program, "status", "--short")) == (before, "")


def test_what_does_not_fit_the_version_before_is_not_taken_back(
    installed: tuple[Path, Path],
) -> None:
    source, program = installed
    commit(source, "program", "version 2")
    assert machine("upgrade", program).returncode == 0
    commit(program, "program", "version 2, and a trainer's")
    before = git(program, "rev-parse", "HEAD")
    done = machine("rollback", program)
    assert done.returncode == 1
    assert "does not fit the version before" in done.stderr
    assert (git(program, "rev-parse", "HEAD"), git(program, "status", "--short")) == (before, "")
