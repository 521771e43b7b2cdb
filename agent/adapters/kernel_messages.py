"""What is asked of rtnetlink for the protocol ``kernel``, and what its answers say of ours. Pure.

Arguments of pyroute2's calls, in its spelling; numbers and their meaning are the kernel's:
rtnetlink(7), linux/rtnetlink.h, linux/if_addr.h, linux/fib_rules.h.
"""

import os
import sys
from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from socket import AF_INET, AF_INET6
from typing import Any, Final, Protocol

from agent.kernel import (
    Bound,
    Discarded,
    Held,
    HostAddress,
    KernelKey,
    PassedOn,
    Redistributed,
    Route,
)
from pointsman.model.address import Address, Prefix
from pointsman.model.assignment import ROUTE_PROTOCOL_DISCARD, ROUTE_PROTOCOL_REDISTRIBUTED

FAMILIES: Final = (AF_INET, AF_INET6)
ALIAS: Final = "pointsman: protocol kernel"  # without it, an interface of our name isn't ours
# The kernel takes no alias with the order to make an interface, but a group (measured): of an agent
# that is killed in between, the next one knows what is its own.
UNFINISHED: Final = 171171
# Two tables apart, and rules that lead there: in the main table, `unreachable` fails a program's
# connect() to a Service's address before the service proxy can translate it (measured:
# EHOSTUNREACH). So what is forwarded is refused by a table that the node's own packets pass by;
# and where the main table has it all the same, for a router, they have a table before it.
FORWARDED: Final = 171172
SENT: Final = 171171
RULE_PRIORITY: Final = 30171  # before the main table's 32766
TABLE_MAIN: Final = 254
LOOPBACK: Final = "lo"  # as incoming interface: what the node itself sends
INVERT: Final = {FORWARDED: 0x2, SENT: 0}  # FIB_RULE_INVERT: every other one
TO_TABLE: Final = 1  # FR_ACT_TO_TBL
# No route to /128 beside the local one, no duplicate address detection: every node has it.
NODAD: Final = 0x02
NOPREFIXROUTE: Final = 0x200
# Of this scope no IPv4 address is ever chosen as the source of what leaves the node, and neither
# Cilium nor we take it for the node's own. IPv6 has none; there, deprecated addresses come last.
SCOPE_HOST: Final = 254
SCOPE_LINK: Final = 253
UNICAST: Final = 1  # RTN_UNICAST
UNREACHABLE: Final = 7
IFF_UP: Final = 0x1
FOREVER: Final = 0xFFFF_FFFF
METRIC: Final = {4: 0, 6: 1}  # before everybody's: a path back to the router would be a loop
TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second, as routes' lifetimes are told


class Message(Protocol):
    """An answer of pyroute2."""

    def __getitem__(self, name: str) -> Any: ...

    def get_attr(self, name: str) -> Any: ...


Arguments = dict[str, Any]


def family_number(value: Address | Prefix) -> int:
    return AF_INET if value.version == 4 else AF_INET6


def address_arguments(address: Address, index: int, lease_s: int) -> Arguments:
    """Return what puts *address* on the interface, deprecated from the start, for *lease_s*."""
    found: Arguments = {
        "index": index,
        "address": str(address),
        "prefixlen": address.max_prefixlen,
        "family": family_number(address),
        "flags": NOPREFIXROUTE if address.version == 4 else NOPREFIXROUTE | NODAD,
        "preferred_lft": 0,
        "valid_lft": lease_s,
    }
    return found | ({"scope": SCOPE_HOST} if address.version == 4 else {})


def route_arguments(key: Route, bound: Bound, index: int, lease_s: int) -> Arguments:
    """Return the route that is *key*; in IPv4 it goes with *bound*, in IPv6 after *lease_s*."""
    found: Arguments = {"family": family_number(key.prefix), "dst": str(key.prefix)}
    if metric := METRIC[key.prefix.version]:
        found["priority"] = metric
    if isinstance(key, Discarded):
        protocol = ROUTE_PROTOCOL_DISCARD
        return found | {"type": "unreachable", "table": FORWARDED, "proto": protocol, "scope": 0}
    if isinstance(key, PassedOn):
        found |= {"table": SENT, "proto": ROUTE_PROTOCOL_DISCARD, "scope": SCOPE_LINK}
        return found | {"oif": index}
    found |= {"table": TABLE_MAIN, "proto": ROUTE_PROTOCOL_REDISTRIBUTED, "scope": 0}
    if bound is not None:
        return found | {"type": "unreachable", "prefsrc": str(bound)}
    # An unreachable route of IPv6 has no lifetime, whatever is asked for (measured).
    lease = lease_s.to_bytes(4, sys.byteorder)
    return found | {"oif": index, "RTA_EXPIRES": lease}


def rule_arguments(family: int, table: int) -> Arguments:
    """Return the rule that leads what is meant for *table* there."""
    return {
        "family": family,
        "table": table,
        "priority": RULE_PRIORITY,
        "iifname": LOOPBACK,
        "flags": INVERT[table],
        "action": TO_TABLE,
        "protocol": ROUTE_PROTOCOL_DISCARD,
    }


def rule_of(key: KernelKey) -> tuple[int, int] | None:
    """Return family and table of the rule that *key* needs; None: it needs none."""
    if isinstance(key, Discarded):
        return family_number(key.prefix), FORWARDED
    return (family_number(key.prefix), SENT) if isinstance(key, PassedOn) else None


def is_our_interface(message: Message) -> bool:
    alias = message.get_attr("IFLA_IFALIAS")
    return bool(alias == ALIAS or (not alias and message.get_attr("IFLA_GROUP") == UNFINISHED))


def is_our_rule(message: Message, table: int) -> bool:
    return bool(
        message.get_attr("FRA_TABLE") == table
        and message.get_attr("FRA_PRIORITY") == RULE_PRIORITY
        and message.get_attr("FRA_PROTOCOL") == ROUTE_PROTOCOL_DISCARD
    )


def is_links_own(address: Address) -> bool:
    """Return whether *address* is one that an interface has by itself."""
    return address.version == 6 and address.is_link_local


def read_address(message: Message) -> tuple[KernelKey, Held] | None:
    """Return the host address that *message* says, or None: link-local, or not one of ours."""
    text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    address = ip_address(text)
    if message["prefixlen"] != address.max_prefixlen or is_links_own(address):
        return None
    times: Mapping[str, int] = message.get_attr("IFA_CACHEINFO") or {}
    valid = times.get("ifa_valid", FOREVER)
    return HostAddress(address), Held(left_s=None if valid == FOREVER else float(valid))


def read_route(message: Message) -> tuple[KernelKey, Held] | None:
    """Return the route of ours that *message* says; None: it is another's."""
    table = message.get_attr("RTA_TABLE") or message["table"]
    place = (table, message["proto"])
    destination = message.get_attr("RTA_DST")
    if destination is None or message["family"] not in FAMILIES:
        return None
    prefix = ip_network((destination, message["dst_len"]))
    if place == (FORWARDED, ROUTE_PROTOCOL_DISCARD) and message["type"] == UNREACHABLE:
        return Discarded(prefix), Held()
    if place == (SENT, ROUTE_PROTOCOL_DISCARD) and message["type"] == UNICAST:
        return PassedOn(prefix), Held()
    if place != (TABLE_MAIN, ROUTE_PROTOCOL_REDISTRIBUTED):
        return None
    bound = message.get_attr("RTA_PREFSRC")
    ticks = (message.get_attr("RTA_CACHEINFO") or {}).get("rta_expires", 0)
    return Redistributed(prefix), Held(
        bound=IPv4Address(bound) if bound and prefix.version == 4 else None,
        # Below zero: it has ended, and the kernel has not yet swept it (twice a minute).
        left_s=_signed(ticks) / TICKS if ticks else None,
    )


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
