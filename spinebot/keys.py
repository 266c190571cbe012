"""Keys for each purpose, made from the clinic's one secret key (HKDF, RFC 5869)."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from spinebot.settings import settings

SHORTEST = 12  # bytes that are left of a signature where it must be short


@functools.cache
def keys_for(purpose: str) -> tuple[bytes, ...]:
    """Return the keys of this purpose, 32 bytes each, the newest first.

    What one key signs no other accepts; of a secret key that was changed (``spinebot keys``) the
    older ones open and check, and the newest seals and signs.
    """

    def derived(secret: str) -> bytes:
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"spinebot {purpose}".encode())
        return derive.derive(secret.encode())

    return tuple(map(derived, settings().secret_keys))


def signature(purpose: str, content: bytes) -> bytes:
    """Return the 32 bytes that only the holder of the secret key can make of ``content``."""
    return signatures(purpose, content)[0]


def signatures(purpose: str, content: bytes) -> list[bytes]:
    """Return what each of our keys makes of ``content``, the newest key's first."""
    return [hmac.digest(key, content, "sha256") for key in keys_for(purpose)]


def is_signature(purpose: str, content: bytes, given: bytes) -> bool:
    """Return whether one of our keys made this signature, or its first 12 bytes and more."""
    own = [each[: len(given)] for each in signatures(purpose, content)]
    return len(given) >= SHORTEST and any(hmac.compare_digest(given, each) for each in own)


def new_token(purpose: str) -> str:
    """Return a token that nobody can guess and that ``is_own_token`` knows as ours."""
    secret = secrets.token_urlsafe(32)
    # 18 bytes are enough, and fill base64 without padding.
    signed = base64.urlsafe_b64encode(signature(purpose, secret.encode())[:18])
    return f"{secret}.{signed.decode()}"


def is_own_token(purpose: str, token: str) -> bool:
    """Return whether one of our keys made this token for this purpose."""
    secret, _, signed = token.partition(".")
    if not re.fullmatch(r"[A-Za-z0-9_-]{24}", signed):
        return False
    return is_signature(purpose, secret.encode(), base64.urlsafe_b64decode(signed))


def fingerprint(token: str) -> str:
    """Return what is kept of a token in its place.

    Tokens have 256 random bits: a plain hash of them cannot be searched backwards.
    """
    return hashlib.sha256(token.encode()).hexdigest()
