"""Kubernetes' own dialect of addresses, for the validators that stand beside CEL rules.

`is_ip` and `is_cidr` answer as the API server's CEL functions `isIP` and `isCIDR` do
(kubernetes.io, "Common Expression Language in Kubernetes", IP and CIDR libraries): no
zones, no IPv4-mapped IPv6, no dotted masks, no leading zeros. It refuses to be clever:
what the API server would not store is not read here either.
"""

import re

from pointsman.model.address import Address
from pointsman.model.ranges import read_address

PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")


def read_ip(text: str) -> Address | None:
    """Return the address that *text* spells, or None if `isIP` would say no."""
    try:
        return read_address(text)
    except ValueError:
        return None


def is_ip(text: str) -> bool:
    return read_ip(text) is not None


def is_cidr(text: str) -> bool:
    """Whether *text* is `address/length`; bits beyond the length may be set."""
    host, _, length = text.partition("/")
    address = read_ip(host)
    if address is None or not PREFIX_LENGTH.fullmatch(length):
        return False
    return int(length) <= address.max_prefixlen


def range_ends(text: str) -> tuple[str, str] | None:
    """Return both sides of `first-last`, or None if *text* has not exactly one dash."""
    sides = text.split("-")
    return (sides[0], sides[1]) if len(sides) == 2 else None
