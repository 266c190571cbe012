"""The files under deploy/ are accepted by the programs that they are for."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    cert, key = certificate(tmp_path)
    text = (DEPLOY / "nginx/spinebot.conf").read_text(encoding="utf-8")
    for name, path in (
        ("/etc/ssl/certs/bot.clinic.example.pem", cert),
        ("/etc/ssl/private/bot.clinic.example.key", key),
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
    done = subprocess.run([program, "-t", "-c", str(whole)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_the_procfile_starts(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    started = command.removeprefix("ExecStart=/opt/spinebot/").replace("{", "").replace("}", "")
    assert f": {started}" in (ROOT / "Procfile").read_text(encoding="utf-8")
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(text.splitlines())
