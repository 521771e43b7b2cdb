"""Addresses and prefixes of both families, and one order for them.

IPv4 and IPv6 addresses refuse to be compared with each other, so whatever leaves a
function sorted goes through :func:`address_order` or :func:`prefix_order`.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network


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
    """Return the host route of *address*: /32 or /128."""
    if isinstance(address, IPv4Address):
        return IPv4Network(address)
    return IPv6Network(address)
