"""The routers of a lab: who each is, and with whom it speaks BGP beside the managers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lab.network.lans import SPINE_AS, Pair, Rack
from lab.network.topology import (
    CLIENT_GATEWAY,
    ROUTER_AS,
    SECOND_ROUTER,
    SECOND_ROUTER_AS,
    Manager,
    RouterKind,
    Topology,
)

OTHER = {RouterKind.FRR: RouterKind.BIRD, RouterKind.BIRD: RouterKind.FRR}


@dataclass(frozen=True, slots=True)
class Link:
    """A cable to another router, and a session over it in each family."""

    to: str  # its machine
    asn: int
    own: Pair
    theirs: Pair


@dataclass(frozen=True, slots=True)
class Role:
    """One router, by whatever program."""

    machine: str
    kind: RouterKind
    asn: int
    own: Pair  # by what others know it
    managers: tuple[Manager, ...] = ()
    hops: int = 1  # how far off the managers are
    links: tuple[Link, ...] = ()


def roles(topology: Topology) -> tuple[Role, ...]:
    """Return every router of *topology*.

    In racks `router` is the spine, always FRR; tor1 is of the kind that was asked for, and
    tor2 of the other: both are tried in one lab.
    """
    if topology.racks:
        return (_spine(topology), *(_tor(topology, rack) for rack in topology.racks))
    lan, managers = topology.lans[0], topology.managers
    first = Role("router", topology.router, ROUTER_AS, lan.router, managers)
    if topology.router_count == 1:
        return (first,)
    second = Role(SECOND_ROUTER, RouterKind.BIRD, SECOND_ROUTER_AS, lan.at(2), managers)
    return first, second


def _spine(topology: Topology) -> Role:
    links = tuple(Link(r.tor, r.asn, r.spine_end, r.tor_end) for r in topology.racks)
    return Role("router", RouterKind.FRR, SPINE_AS, CLIENT_GATEWAY, links=links)


def _tor(topology: Topology, rack: Rack) -> Role:
    near = rack.lan == topology.managers[0].lan
    return Role(
        rack.tor,
        topology.router if near else OTHER[topology.router],
        rack.asn,
        rack.lan.router,
        topology.managers,
        hops=1 if near else len(topology.racks) + 1,  # over the spine
        links=(Link("router", SPINE_AS, rack.tor_end, rack.spine_end),),
    )
