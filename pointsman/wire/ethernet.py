"""Ethernet's header, and which hardware addresses can be whose."""

import struct
from ipaddress import IPv6Address
from typing import Final

ETHERNET: Final = struct.Struct("!6s6sH")  # destination, source, what follows
MAC_OCTETS: Final = 6
BROADCAST: Final = b"\xff" * MAC_OCTETS
NOBODY: Final = b"\0" * MAC_OCTETS
ETH_P_IPV4: Final = 0x0800  # RFC 894
ETH_P_ARP: Final = 0x0806  # RFC 826
ETH_P_IPV6: Final = 0x86DD  # RFC 2464 section 3
TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})  # IEEE 802.1Q, 802.1ad, and before it


def is_station(mac: bytes) -> bool:
    """Whether *mac* can be the address of one interface: no group, not all zero."""
    return not mac[0] & 1 and mac != NOBODY


def multicast_mac(group: IPv6Address) -> bytes:
    """Return the Ethernet group that frames to the multicast address *group* go to.

    Source: RFC 2464 section 7.
    """
    return b"\x33\x33" + group.packed[-4:]
