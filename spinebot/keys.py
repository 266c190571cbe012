"""Keys for each purpose, made from the clinic's one secret key (HKDF, RFC 5869)."""

from __future__ import annotations

import functools
import hashlib
import hmac

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


def fingerprint(token: str) -> str:
    """Return what is kept of a token in its place.

    Tokens have 256 random bits: a plain hash of them cannot be searched backwards.
    """
    return hashlib.sha256(token.encode()).hexdigest()
