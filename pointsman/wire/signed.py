"""What every datagram between agents and managers has alike: texts, and the code at its end.

The layout is in `DESIGN.md`. Refuses to know what a datagram says.
"""

import hmac
from typing import Final

MAC_OCTETS: Final = 16  # HMAC-SHA-256 truncated to the half that RFC 2104 section 5 allows
LONGEST_NAME: Final = 253  # RFC 1123 subdomain


def counted(text: str, most: int = LONGEST_NAME) -> bytes:
    """Return *text*, *most* octets of it, behind their number."""
    octets = text.encode()[:most]
    return bytes([len(octets)]) + octets


def code_of(body: bytes, *, key: bytes, direction: bytes, one: str, other: str) -> bytes:
    """Return the code of *body* between these two, in this direction.

    Both names are under it: what was said to one manager is no word to another, and an
    answer is no question.
    """
    bound = b"".join((direction, counted(one), counted(other), body))
    return hmac.digest(key, bound, "sha256")[:MAC_OCTETS]
