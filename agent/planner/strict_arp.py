"""Whether this node's kernel would answer ARP for Service addresses beside whoever is elected.

kube-proxy's IPVS mode puts every Service address on an interface of each node (kube-ipvs0), and
others put them on `lo`. A Linux kernel answers ARP for any address of its own on any interface,
and asks with it as its sender, unless arp_ignore and arp_announce forbid it. Then as many nodes
answer as there are, and a client's packets go to one, then another.

IPv6 needs nothing of the kind: a kernel answers Neighbor Solicitations on the interface only that
has the address (measured), and these have no network.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final

from agent.snapshot import ArpRules, Duty, Link, Snapshot
from pointsman.model.assignment import KERNEL_INTERFACE

# In IPVS mode every node holds every Service address on this one; they are not the node's.
IPVS_INTERFACE: Final = "kube-ipvs0"
# arp_ignore that keeps silent about addresses of another interface: those of the incoming one
# only (1; 2 also wants the sender in its subnet), or none at all (8). 3 looks at scopes alone.
SILENT: Final = frozenset({1, 2, 8})
BEST_LOCAL: Final = 2  # arp_announce: the sender is never an address of another interface


@dataclass(frozen=True, slots=True)
class Strictness:
    """What the kernel would do: *loose* are the interfaces on which it would answer, by name."""

    holders: tuple[str, ...] = ()  # interfaces with Service addresses of the node's own, by name
    loose: tuple[str, ...] = ()

    @property
    def strict(self) -> bool | None:
        """Return whether it keeps silent; None: there is nothing to keep silent about."""
        return not self.loose if self.holders else None


def strictness(snapshot: Snapshot) -> Strictness:
    """Return which interfaces hold Service addresses, and where the kernel would answer for them.

    On kube-ipvs0 every address counts. Elsewhere (`lo`, a dummy interface) one counts that a
    client on a network of this node would ask for: a node's own loopback address, which routers
    lead to, is not one.
    """
    networks, duties = _networks(snapshot), _duties(snapshot)
    assigned = frozenset(address for duty in duties for address in duty.addresses)
    asked_on = {duty.interface for duty in duties}
    holders: set[str] = set()
    for link, address in _parked(snapshot):
        near = {name for name, network in networks if address in network}
        if link.name == IPVS_INTERFACE:
            near |= _outward(snapshot)  # whatever it holds: the next may be a neighbor's
        elif not near and address not in assigned:
            continue
        holders.add(link.name)
        asked_on |= near
    rules = {name: rule for name, rule in snapshot.network.arp.items() if name in asked_on}
    loose = [name for name, rule in rules.items() if not silent(rule)] if holders else []
    return Strictness(tuple(sorted(holders)), tuple(sorted(loose)))


def silent(rule: ArpRules) -> bool:
    """Return whether an interface with *rule* keeps quiet about addresses of the others."""
    return rule.ignore in SILENT and rule.announce >= BEST_LOCAL


def _networks(snapshot: Snapshot) -> list[tuple[str, IPv4Network]]:
    """Return the interfaces that are up and have a network, each with each of them."""
    up = {link.index: link for link in snapshot.network.links if link.up and not link.loopback}
    return [
        (up[one.link].name, one.interface.network)
        for one in snapshot.network.addresses
        if one.link in up
        and isinstance(one.interface, IPv4Interface)
        and one.interface.network.prefixlen < one.interface.max_prefixlen
    ]


def _parked(snapshot: Snapshot) -> list[tuple[Link, IPv4Address]]:
    """Return the IPv4 addresses of interfaces that lead nowhere: `lo`, dummies, kube-ipvs0."""
    nowhere = {
        link.index: link
        for link in snapshot.network.links
        # On our own there are none that a neighbor asks for: they are withheld (agent/kernel.py).
        if link.name != KERNEL_INTERFACE
        and (link.loopback or link.kind == "dummy" or link.name == IPVS_INTERFACE)
    }
    return [
        (nowhere[one.link], one.interface.ip)
        for one in snapshot.network.addresses
        if one.link in nowhere
        and isinstance(one.interface, IPv4Interface)
        and not one.interface.is_loopback
    ]


def _outward(snapshot: Snapshot) -> set[str]:
    """Return the interfaces of the node's default routes."""
    routes = {route.link for route in snapshot.network.default_routes}
    return {link.name for link in snapshot.network.links if link.index in routes}


def _duties(snapshot: Snapshot) -> tuple[Duty, ...]:
    return snapshot.assignment.duties if snapshot.assignment is not None else ()
