"""Which containers a bed consists of: machines with their ports, programs with what they may. Pure.

The same machines and addresses as the lab's, from the same `Topology`. What Docker can't be told,
it lacks, and says so by name: `lacking`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from lab.network.fabric import FORWARDING, HASH_PORTS, QUIET
from lab.network.lans import Pair
from lab.network.topology import (
    CLIENT,
    CLIENT_GATEWAY,
    SECOND_ROUTER,
    Interface,
    Node,
    Topology,
)
from lab.options import ApiKind, Options

API_PORT: Final = 6443
PROBE_PORT: Final = 7000
# Docker's bridge wants an address of each network: not .1, where the router is.
BRIDGE: Final = 254
# An interface that was down keeps its IPv6 addresses: `cut` and `mend`.
KEEP: Final = {f"net.ipv6.conf.{which}.keep_addr_on_down": 1 for which in ("all", "default")}
LAN, CLIENT_LAN = "lan", "clients"


@dataclass(frozen=True, slots=True)
class Segment:
    """One Docker network, with both families."""

    name: str
    networks: tuple[IPv4Network, IPv6Network]

    @property
    def bridge(self) -> tuple[str, str]:
        """The addresses of Docker's own end."""
        v4, v6 = self.networks
        return str(v4.network_address + BRIDGE), str(v6.network_address + BRIDGE)


@dataclass(frozen=True, slots=True)
class Port:
    """An interface: the first of a machine is its eth0."""

    segment: str
    addresses: Pair


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    ports: tuple[Port, ...]
    sysctls: Mapping[str, int]
    setup: tuple[str, ...]  # words of `ip`, which a plugged cable needs again


@dataclass(frozen=True, slots=True)
class Program:
    """A container in the network of *machine*; without capabilities where it names none."""

    name: str
    machine: str
    command: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    usual: bool = False  # what Docker leaves to every container, as routers need
    environment: Mapping[str, str] = field(default_factory=dict)


def lacking(options: Options) -> str:
    """Return what *options* ask for that this bed hasn't; empty: it has all."""
    unable = {
        "racks": options.racks > 1,
        "a second subnet": options.subnets > 1,
        "a second manager": options.managers > 1,
        "further speakers": options.speakers > 1,
        "a real API server": options.api is not ApiKind.STAND_IN,
        "a real kube-proxy": bool(options.kube_proxy),
        "routers of other versions than its image": bool(options.parts),
        f"a lab without {', '.join(options.without)}": bool(options.without),
    }
    return " or ".join(what for what, asked in unable.items() if asked)


def segments(topology: Topology) -> Iterator[Segment]:
    yield Segment(LAN, _networks(topology.lans[0].router))
    yield Segment(CLIENT_LAN, _networks(CLIENT))
    for node in topology.nodes:
        yield Segment(node.pods_machine, _networks(node.pod_gateway))


def _networks(pair: Pair) -> tuple[IPv4Network, IPv6Network]:
    v4, v6 = pair
    return v4.network, v6.network


def machines(topology: Topology) -> Iterator[Machine]:
    lan = topology.lans[0]
    routing = QUIET | KEEP | FORWARDING
    ports = (Port(LAN, lan.router), Port(CLIENT_LAN, CLIENT_GATEWAY))
    yield Machine("router", ports, routing | HASH_PORTS, ())
    if topology.router_count > 1:
        setup = tuple(_defaults(lan.router))
        yield Machine(SECOND_ROUTER, (Port(LAN, lan.at(2)),), routing | HASH_PORTS, setup)
    setup = tuple(_defaults(CLIENT_GATEWAY))
    yield Machine("client", (Port(CLIENT_LAN, CLIENT),), QUIET | KEEP, setup)
    for manager in topology.managers:
        port = Port(LAN, manager.addresses)
        yield Machine(manager.name, (port,), QUIET | KEEP, tuple(_defaults(lan.router)))
    for node in topology.nodes:
        ports = (Port(LAN, node.addresses), Port(node.pods_machine, node.pod_gateway))
        setup = (*_defaults(lan.router), *_to_pods(topology, node))
        yield Machine(node.name, ports, routing, setup)
        first, *further = node.pods
        more = [f"addr replace {one} dev eth0" for pair in further for one in pair]
        setup = (*more, *_defaults(node.pod_gateway))
        yield Machine(node.pods_machine, (Port(node.pods_machine, first),), QUIET | KEEP, setup)


def _defaults(via: Pair) -> Iterator[str]:
    for hop in via:
        yield f"-{hop.version} route replace default via {hop.ip} dev eth0"


def _to_pods(topology: Topology, node: Node) -> Iterator[str]:
    for other in topology.nodes:
        if other != node:
            pair: tuple[Interface, Interface] = other.addresses
            for cidr, hop in zip(other.pod_cidrs, pair, strict=True):
                yield f"-{hop.version} route replace {cidr} via {hop.ip} dev eth0"
