"""What a lab looks like: its machines, their addresses, their names.

Pure: the fabric, the API objects, the routers and the tests all read the same
values from here. It refuses names and sizes that could not be built, or that
could be mistaken for another lab's.

Addresses are RFC 5737 and RFC 3849, AS numbers RFC 5398.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

from lab.network.lans import Lan, Rack
from pointsman.runtime.errors import Misuse

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface

NAMESPACE_PREFIX = "pm-"
RUNTIME_ROOT = Path("/run/pointsman-lab")
ROUTER_AS = 64500
MANAGER_AS = 64501
SECOND_ROUTER_AS = 64502
SECOND_ROUTER = "router2"  # the other top-of-rack: BIRD, .2 on the first LAN
POD_PORT = 8080
PODS_PER_NODE = 3
MAX_PODS = 89  # .10 to .98, whose digits are the same in IPv6
MAX_SPEAKERS = 9  # .101 to .108, and .111 to .118
MAX_NODES = 64  # node N is .1N, and its MAC and pod networks hold N in one byte
MAX_RACKED = 40  # in rack 2, node N is .2(10+N)

POD_NETWORKS = ("10.244.0.0/16", "2001:db8:244::/48")
SERVICE_NETWORKS = ("10.96.0.0/16", "fd00:10:96::/112")
CLIENT = (IPv4Interface("203.0.113.10/24"), IPv6Interface("2001:db8:3::10/64"))
CLIENT_GATEWAY = (IPv4Interface("203.0.113.1/24"), IPv6Interface("2001:db8:3::1/64"))

# Not "-" at an end, and no longer: /run/pointsman-lab/NAME/... holds Unix sockets,
# whose paths end at 107 bytes.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?")
_MACHINE = re.compile(r"switch|router2?|tor\d|client|manager\d*|node\d+(-pods)?")


class RouterKind(StrEnum):
    FRR = "frr"
    BIRD = "bird"


@dataclass(frozen=True, slots=True)
class Node:
    """A Kubernetes node and the namespace its pods live in."""

    number: int
    lan: Lan
    pod_count: int = PODS_PER_NODE

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def pods_machine(self) -> str:
        return f"{self.name}-pods"

    @property
    def zone(self) -> str:
        return self.lan.zone or "ab"[(self.number - 1) % 2]

    @property
    def addresses(self) -> tuple[IPv4Interface, IPv6Interface]:
        return self.lan.at(10 + self.number)

    @property
    def pod_gateway(self) -> tuple[IPv4Interface, IPv6Interface]:
        return (
            IPv4Interface(f"10.244.{self.number}.1/24"),
            IPv6Interface(f"2001:db8:244:{self.number}::1/64"),
        )

    @property
    def pods(self) -> tuple[tuple[IPv4Interface, IPv6Interface], ...]:
        return tuple(
            (
                IPv4Interface(f"10.244.{self.number}.{host}/24"),
                IPv6Interface(f"2001:db8:244:{self.number}::{host}/64"),
            )
            for host in range(10, 10 + self.pod_count)
        )

    @property
    def pod_cidrs(self) -> tuple[str, str]:
        v4, v6 = self.pod_gateway
        return str(v4.network), str(v6.network)


@dataclass(frozen=True, slots=True)
class Manager:
    """The machine of one manager and its sidecars; the second one is .9.

    Each sidecar after the first has an address of its own to speak from: .101 and so on.
    """

    number: int
    lan: Lan
    speakers: int = 1

    @property
    def name(self) -> str:
        return "manager" if self.number == 1 else f"manager{self.number}"

    @property
    def sidecar(self) -> str:
        return "sidecar" if self.number == 1 else f"sidecar{self.number}"

    @property
    def addresses(self) -> tuple[IPv4Interface, IPv6Interface]:
        return self.lan.at(11 - self.number)

    @property
    def sidecars(self) -> tuple[str, ...]:
        further = (f"{self.sidecar}:{number}" for number in range(1, self.speakers))
        return (self.sidecar, *further)

    @property
    def further(self) -> tuple[tuple[IPv4Interface, IPv6Interface], ...]:
        """Return the further speakers' addresses, in their order."""
        first = 90 + 10 * self.number
        return tuple(self.lan.at(first + number) for number in range(1, self.speakers))


@dataclass(frozen=True, slots=True)
class Topology:
    """All machines of the lab called *name*.

    With two subnets, odd nodes are on the first LAN and even ones on the second;
    the router joins them. With two racks each has its own router, `tor1` and `tor2`, and
    `router` is the spine that joins those.
    """

    name: str = "lab"
    node_count: int = 3
    subnets: int = 1
    manager_count: int = 1
    speaker_count: int = 1  # of each manager
    router_count: int = 1
    rack_count: int = 1
    pods_per_node: int = PODS_PER_NODE
    router: RouterKind = RouterKind.FRR
    runtime_root: Path = field(default=RUNTIME_ROOT)

    def __post_init__(self) -> None:
        home(self.name)  # refuses bad names
        for what, value, most in (
            ("--nodes", self.node_count, MAX_NODES if self.rack_count == 1 else MAX_RACKED),
            ("--subnets", self.subnets, 2),
            ("--managers", self.manager_count, 2),
            ("--speakers", self.speaker_count, MAX_SPEAKERS),
            ("--routers", self.router_count, 2),
            ("--racks", self.rack_count, 2),
            ("--pods", self.pods_per_node, MAX_PODS),
        ):
            if not 1 <= value <= most:
                raise Misuse(f"{what} {value} can't be built: use a number from 1 to {most}.")
        if self.rack_count > 1 and (self.subnets > 1 or self.router_count > 1):
            raise Misuse(
                "--racks 2 can't be built beside --subnets 2 or --routers 2: it has two LANs and "
                "three routers already."
            )

    @property
    def racks(self) -> tuple[Rack, ...]:
        """All racks; none in a lab with one router for all."""
        count = self.rack_count if self.rack_count > 1 else 0
        return tuple(Rack(number) for number in range(1, count + 1))

    @property
    def lans(self) -> tuple[Lan, ...]:
        if self.racks:
            return tuple(rack.lan for rack in self.racks)
        return tuple(Lan(number) for number in range(1, self.subnets + 1))

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(
            Node(number, self.lans[(number - 1) % len(self.lans)], self.pods_per_node)
            for number in range(1, self.node_count + 1)
        )

    @property
    def managers(self) -> tuple[Manager, ...]:
        numbers = range(1, self.manager_count + 1)
        return tuple(Manager(number, self.lans[0], self.speaker_count) for number in numbers)

    @property
    def runtime_dir(self) -> Path:
        return self.runtime_root / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.runtime_dir / "kubeconfig"

    def machines(self) -> Iterator[str]:
        """Yield every machine, which is every network namespace, of the lab."""
        yield from ("switch", "router", "client")
        if self.router_count > 1:
            yield SECOND_ROUTER
        yield from (rack.tor for rack in self.racks)
        yield from (manager.name for manager in self.managers)
        for node in self.nodes:
            yield from (node.name, node.pods_machine)

    def namespace(self, machine: str) -> str:
        """Return the network namespace of *machine*.

        Raises:
            Misuse: the lab has no such machine.
        """
        if machine not in set(self.machines()):
            raise Misuse(
                f"Lab {self.name!r} has no machine {machine!r}: it has "
                f"{', '.join(self.machines())}."
            )
        return f"{NAMESPACE_PREFIX}{self.name}-{machine}"


def home(lab: str) -> Path:
    """Return the folder of the lab called *lab*, which may be removed with all that is in it.

    Raises:
        Misuse: no lab can have that name; `..` would be somebody else's folder.
    """
    if not _NAME.fullmatch(lab):
        raise Misuse(
            f"{lab!r} can't name a lab: use 1 to 20 lower-case letters, digits and "
            "'-', beginning and ending with a letter or digit."
        )
    return RUNTIME_ROOT / lab


def owns(lab: str, namespace: str) -> bool:
    """Return whether *namespace* can only be one of the lab called *lab*.

    A prefix alone would not do: the lab "a" must leave pm-a-b-router, of "a-b", alone.
    """
    prefix = f"{NAMESPACE_PREFIX}{lab}-"
    return namespace.startswith(prefix) and bool(_MACHINE.fullmatch(namespace[len(prefix) :]))
