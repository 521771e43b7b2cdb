"""The keys of the heartbeat: an X25519 half on each side, and the key that two halves make.

Public halves stand in the API, so nobody shares a secret beforehand. Refuses to draw a private
key: chance is the shell's.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from typing import Final

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

KEY_OCTETS: Final = 32  # RFC 7748 section 5
KEY_TEXT: Final = 44  # characters of a public half in the API, base64 (RFC 4648 section 4)
_PURPOSE: Final = b"pointsman heartbeat 1"


def public_half(private: bytes) -> bytes:
    """Return the public half that belongs to *private*."""
    return crypto_scalarmult_base(private)


def shared_key(private: bytes, *, agent: bytes, manager: bytes) -> bytes | None:
    """Return the key of this pair, alike on both sides; None: the other half is no key.

    *private* belongs to one of the two public halves. Both are under the key, as RFC 7748
    section 6.1 advises; a half of small order, whose product anybody knows, is refused.
    """
    other = manager if public_half(private) == agent else agent
    try:
        product = crypto_scalarmult(private, other)
    except CryptoError:
        return None
    return hmac.digest(product, _PURPOSE + agent + manager, "sha256")


def key_text(public: bytes) -> str:
    """Return a public half as it stands in the API."""
    return b64encode(public).decode()


def read_key(text: str) -> bytes | None:
    """Return the public half that *text* spells; None: it is none."""
    if len(text) != KEY_TEXT:
        return None
    try:
        public = b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return public if len(public) == KEY_OCTETS else None
