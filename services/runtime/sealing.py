"""Sealing bytes: AES-256-GCM under keys derived from the master key; ticket tokens as keyed hashes."""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

NONCE = 12


class SealError(ValueError):
    """Sealed bytes that cannot be opened: wrong key, wrong context, or damaged."""


def derive(master: SecretStr, purpose: str) -> bytes:
    """Give a 256-bit key of its own for `purpose` (HKDF, RFC 5869)."""
    secret = master.get_secret_value().encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Encrypt `plain`; it can only be opened with the same `context` (it cannot be moved elsewhere)."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Give the plain bytes; raises `SealError`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], context)
    except InvalidTag:
        raise SealError("cannot be opened: another master key, another context, or damaged bytes") from None


def keyed_hash(key: bytes, said: bytes) -> bytes:
    """Give the keyed hash of `said`: HMAC-SHA256 (RFC 2104), 32 bytes."""
    # `hmac.digest` is half as fast: it has OpenSSL look the algorithm up by its name each time.
    return hmac.new(key, said, hashlib.sha256).digest()


def ticket_token(key: bytes, platform: str, upstream_id: str) -> str:
    """Give the opaque token of a ticket: the same for every copy of the same upstream message."""
    digest = keyed_hash(key, f"{platform}\x00{upstream_id}".encode())
    return "T-" + base64.b32encode(digest[:15]).decode().lower()


def feedback_key(master: SecretStr, platform: str, generation: int) -> bytes:
    """Give the key with which we sign what we tell a platform; raising the generation rotates it."""
    return derive(master, f"feedback-signature/{platform}/{generation}")
