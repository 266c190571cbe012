"""Keys for each purpose, made from the clinic's one secret key (HKDF, RFC 5869)."""

from __future__ import annotations

import functools
import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from spinebot.settings import settings


@functools.cache
def key_for(purpose: str) -> bytes:
    """Return the 32 bytes that are this purpose's key: what one key signs no other accepts."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"spinebot {purpose}".encode())
    return derive.derive(settings().secret_key.encode())


def signature(purpose: str, content: bytes) -> bytes:
    """Return the 32 bytes that only the holder of the secret key can make of ``content``."""
    return hmac.digest(key_for(purpose), content, "sha256")


def fingerprint(token: str) -> str:
    """Return what is kept of a token in its place.

    Tokens have 256 random bits: a plain hash of them cannot be searched backwards.
    """
    return hashlib.sha256(token.encode()).hexdigest()
