"""Addresses and networks as Kubernetes objects spell them. Pure.

What these functions take is what `ipaddress` takes; but that needs several microseconds for an
address, and a roll of Deployments brings ten thousand of them in a second.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

from pointsman.model.address import Address, Prefix

KNOWN: Final = 4096  # texts of Nodes, which come again with every report of a kubelet


def address(text: str) -> Address | None:
    """Return the address that *text* spells, None if it spells none."""
    try:
        if ":" in text:
            return IPv6Address(inet_pton(AF_INET6, text))
        return IPv4Address(inet_pton(AF_INET, text))
    except (OSError, ValueError):
        return _odd(text)


def addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return what is one; a Node may list zones and hostnames too, which are no next hops."""
    return tuple([one for text in texts if (one := address(text)) is not None])


def spelled(text: str) -> str | None:
    """Return the address in *text* as it is always spelled, None if there is none."""
    try:
        if ":" in text:
            return inet_ntop(AF_INET6, inet_pton(AF_INET6, text))
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        odd = _odd(text)
        return None if odd is None else str(odd)
    return text  # of IPv4 there is one spelling


@lru_cache(KNOWN)
def node_address(text: str) -> Address | None:
    """Return the address that *text* spells, None if it spells none: a hostname, mostly."""
    return address(text) if ":" in text or text[:1].isdigit() else None


@lru_cache(KNOWN)
def network(text: str) -> Prefix | None:
    """Return the network that *text* spells, None if it spells none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _odd(text: str) -> Address | None:
    """Return what only `ipaddress` can read: an address of IPv6 with a zone."""
    try:
        return ip_address(text)
    except ValueError:
        return None
