"""BGP communities: the one spelling of each, and the numbers that travel.

A community has several spellings (`65535:65281` is `no-export`), and a difference
between desired and observed that is only spelling would never converge: whatever enters
goes through :func:`community` or :func:`large_community` and leaves canonical.
"""

import re

from pointsman.model.printable import clipped

# IANA "BGP Well-known Communities"; the RFC that defines each.
WELL_KNOWN = {
    "graceful-shutdown": 0xFFFF0000,  # RFC 8326 section 3
    "accept-own": 0xFFFF0001,  # RFC 7611 section 2
    "llgr-stale": 0xFFFF0006,  # RFC 9494 section 4.6
    "no-llgr": 0xFFFF0007,  # RFC 9494 section 4.6
    "blackhole": 0xFFFF029A,  # RFC 7999 section 5
    "no-export": 0xFFFFFF01,  # RFC 1997
    "no-advertise": 0xFFFFFF02,  # RFC 1997
    "no-export-subconfed": 0xFFFFFF03,  # RFC 1997
    "no-peer": 0xFFFFFF04,  # RFC 3765
}
_NAMES = {number: name for name, number in WELL_KNOWN.items()}
_STANDARD = re.compile(r"(\d{1,5}):(\d{1,5})", re.ASCII)
_LARGE = re.compile(r"(\d{1,10}):(\d{1,10}):(\d{1,10})", re.ASCII)


def community_number(text: str) -> int:
    """Return the 32 bits of a community (RFC 1997): `65000:100`, or a well-known name.

    Raises:
        ValueError: a sentence that says what to write.
    """
    if text in WELL_KNOWN:
        return WELL_KNOWN[text]
    found = _STANDARD.fullmatch(text)
    if found is None or not all(int(half) <= 0xFFFF for half in found.groups()):
        raise ValueError(
            f"'{clipped(text)}' is no community: write two numbers up to 65535 (65000:100), "
            f"or one of {', '.join(sorted(WELL_KNOWN))}"
        )
    return int(found[1]) << 16 | int(found[2])


def community_text(number: int) -> str:
    """Return the canonical spelling of a community's 32 bits: its name, or two halves."""
    return _NAMES.get(number) or f"{number >> 16}:{number & 0xFFFF}"


def community(text: str) -> str:
    """Return the canonical spelling of *text*.

    Raises:
        ValueError: as :func:`community_number`.
    """
    return community_text(community_number(text))


def large_community_numbers(text: str) -> tuple[int, int, int]:
    """Return the three numbers of a large community (RFC 8092 section 3): `65000:1:2`.

    Raises:
        ValueError: a sentence that says what to write.
    """
    found = _LARGE.fullmatch(text)
    if found is None or not all(int(third) <= 0xFFFF_FFFF for third in found.groups()):
        raise ValueError(
            f"'{clipped(text)}' is no large community: write three numbers up to 4294967295 "
            "(65000:1:2)"
        )
    return int(found[1]), int(found[2]), int(found[3])


def large_community(text: str) -> str:
    """Return the canonical spelling of *text*: without leading zeros (RFC 8092 section 4).

    Raises:
        ValueError: as :func:`large_community_numbers`.
    """
    return "{}:{}:{}".format(*large_community_numbers(text))
