"""Who is on which segment of a topology, by its links and what its nodes execute. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from e2e.topologies.files import Clab
from lab.network.topology import Address, Interface

ADDRESS = re.compile(r"ip addr add (\S+) dev (\S+)")
ROUTE = re.compile(r"ip route add (\S+) via (\S+)(?: dev (\S+))?$")
BRIDGE = re.compile(r"ip link add (\S+) type bridge")
PORT = re.compile(r"ip link set (\S+) master (\S+)")


@dataclass(frozen=True, slots=True)
class Given:
    """An address that a node gives to one of its interfaces."""

    node: str
    interface: str
    address: Interface


@dataclass(frozen=True, slots=True)
class Hop:
    """A route that a node writes: *to* a network, over *via*."""

    node: str
    to: str
    via: Address
    interface: str


def addresses(clab: Clab) -> Iterator[Given]:
    for name, node in clab.topology.nodes.items():
        for line in node.exec:
            if found := ADDRESS.match(line):
                yield Given(name, found[2], ip_interface(found[1]))


def hops(clab: Clab) -> Iterator[Hop]:
    for name, node in clab.topology.nodes.items():
        for line in node.exec:
            if found := ROUTE.match(line):
                ip_network(found[1])  # refuses host bits
                yield Hop(name, found[1], ip_address(found[2]), found[3] or "")


def switches(clab: Clab) -> dict[str, dict[str, str]]:
    """Return the nodes that are switches: which bridge each of their ports is in."""
    found: dict[str, dict[str, str]] = {}
    for name, node in clab.topology.nodes.items():
        if any(BRIDGE.match(line) for line in node.exec):
            ports = [PORT.match(line) for line in node.exec]
            found[name] = {port[1]: port[2] for port in ports if port}
    return found


def segments(clab: Clab) -> list[frozenset[str]]:
    """Return the ends of each segment: "NODE:INTERFACE" of all that hear each other."""
    bridges = switches(clab)
    joined: list[set[str]] = []
    for link in clab.topology.links:
        ends = set(link.endpoints)
        for end in link.endpoints:
            node, interface = end.split(":")
            if node in bridges:
                ends.add(f"{node}/{bridges[node].get(interface, interface)}")
        meeting = [one for one in joined if one & ends]
        joined = [one for one in joined if not one & ends]
        joined.append(ends.union(*meeting))
    return [frozenset(end for end in one if ":" in end) for one in joined]
