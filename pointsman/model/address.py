"""Addresses and prefixes of both families, and one order for them.

IPv4 and IPv6 addresses refuse to be compared with each other, so whatever leaves a
function sorted goes through :func:`address_order` or :func:`prefix_order`.
"""

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network
HOSTS: Final = 1 << 15  # of each family; a prefix weighs 300 bytes, and several hold each


class Family(StrEnum):
    """An address family, spelled as ``Service.spec.ipFamilies`` spells it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


def family_of(value: Address | Prefix) -> Family:
    """Return the family of an address or a prefix."""
    return Family.IPV4 if value.version == 4 else Family.IPV6


def address_order(address: Address) -> tuple[int, int]:
    """Sort key: IPv4 before IPv6, then by number."""
    return address.version, int(address)


def prefix_order(prefix: Prefix) -> tuple[int, int, int]:
    """Sort key: IPv4 before IPv6, then by first address, then the wider first."""
    return prefix.version, int(prefix.network_address), prefix.prefixlen


def host_prefix(address: Address) -> Prefix:
    """Return the host route of *address*: /32 or /128. It is one object for all who ask."""
    if isinstance(address, IPv4Address):  # by its number: a text would be made, and read
        return _host_v4(int(address))
    return _host_v6(int(address))


@lru_cache(HOSTS)
def _host_v4(number: int) -> Prefix:
    return IPv4Network((number, 32))


@lru_cache(HOSTS)
def _host_v6(number: int) -> Prefix:
    return IPv6Network((number, 128))
