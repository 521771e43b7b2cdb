"""Everything the agent's planner may look at, frozen: one node as it was at one moment.

Adapters fill it: the network from the kernel, the assignment from the node's Announcer,
the service proxy from its health endpoint. Facts only; what matters to the cluster is
the planner's question.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface
from typing import NewType

from pointsman.model.address import Address, Family, Prefix
from pointsman.model.assignment import Arriving, Quiet, Unreachable
from pointsman.model.heartbeats import ManagerEndpoint

NodeName = NewType("NodeName", str)
LinkIndex = NewType("LinkIndex", int)  # survives a rename, not a deletion


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface as the kernel describes it."""

    index: LinkIndex
    name: str
    kind: str = ""  # "veth", "bridge", ...; "" for hardware
    mac: str = ""  # "02:00:00:00:00:01"; "" where link-layer addresses aren't 6 octets
    up: bool = True  # administratively up, with carrier, operational (RFC 2863)
    loopback: bool = False
    master: LinkIndex | None = None  # bridge, bond or team this one is a port of
    lower: LinkIndex | None = None  # that a VLAN or a macvlan lies on
    xdp: bool = False  # a program takes its packets first
    # What changes without a lasting trace: nothing of it is reported, so links compare without.
    carrier_changes: int = field(default=0, compare=False)  # since the kernel made it
    active_port: LinkIndex | None = field(default=None, compare=False)  # that a bond sends by


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An address on a link, with its prefix length and what makes it unfit for use."""

    link: LinkIndex
    interface: IPv4Interface | IPv6Interface
    host_scope: bool = False  # valid on this node only
    tentative: bool = False  # duplicate address detection still runs (RFC 4862 section 5.4)
    duplicate: bool = False  # ... and found another owner
    temporary: bool = False  # privacy extensions: replaced by itself (RFC 8981)


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """One next hop of a default route of the main table."""

    family: Family  # of the traffic; an IPv4 route may have an IPv6 gateway (RFC 5549)
    link: LinkIndex
    gateway: Address | None = None  # None: the link itself leads everywhere
    metric: int = 0  # smaller first


@dataclass(frozen=True, slots=True)
class ArpRules:
    """How strictly the kernel answers and asks by ARP on an interface: the numbers in force."""

    ignore: int  # arp_ignore; 0: it answers for every address of the node
    announce: int  # arp_announce; 0: it asks with any of them


@dataclass(frozen=True, slots=True)
class Network:
    """What the kernel said in one dump."""

    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    default_routes: tuple[DefaultRoute, ...] = ()
    arp: Mapping[str, ArpRules] = field(default_factory=dict)  # where there is an IPv4 network


class ProxyHealth(StrEnum):
    """What is known of the node's service proxy (kube-proxy or its like)."""

    OFF = "off"  # not asked: this cluster has another data plane
    UNKNOWN = "unknown"  # asked, no verdict yet
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Duty:
    """What this node answers ARP and NDP for on one interface; no address is in two."""

    interface: str
    responder: str  # "Node", "Central": a manager answers broadcasts, too
    addresses: frozenset[Address] = frozenset()
    probe: frozenset[Address] = frozenset()  # of these: never announced before
    announce_rate: int | None = None  # announcements a second; None: as the agent was started


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the manager told this node to do: its Announcer's spec."""

    generation: int = 0
    managers: tuple[ManagerEndpoint, ...] = ()  # who hears this node's heartbeats, by name
    duties: tuple[Duty, ...] = ()  # by interface and responder
    kernel: frozenset[Address] = frozenset()  # to be addresses of this node
    unreachable: tuple[Unreachable, ...] = ()  # in order of their prefixes
    watched: tuple[Prefix, ...] = ()  # of which is told who still comes; none: it is not looked at


@dataclass(frozen=True, slots=True)
class Withheld:
    """An address that this node was asked to answer for, and does not."""

    address: Address
    reason: str
    through: Address | None = None  # in a report of many: the last of a run that begins with it


@dataclass(frozen=True, slots=True)
class AddressConflict:
    """Somebody else who claims an address of this node."""

    address: Address
    interface: str
    mac: str  # "02:00:00:00:00:01"
    since: str  # when it was heard first: RFC 3339, UTC


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """An address of this node as which a gateway was asked, and did not answer."""

    address: Address
    interface: str
    gateway: Address


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decided."""

    node: NodeName
    version: str
    proxy_url: str = ""  # for the sentence; "" when the proxy isn't asked
    host: str = ""  # where this agent runs: another name than that of its node, perhaps
    public_key: str = ""  # of its heartbeats, as it stands in the API


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The planner's whole world."""

    settings: Settings
    network: Network = field(default_factory=Network)
    proxy: ProxyHealth = ProxyHealth.UNKNOWN
    assignment: Assignment | None = None  # None: the Announcer doesn't exist
    unanswered: tuple[str, ...] = ()  # managers that have not acknowledged a heartbeat for long
    withheld: tuple[Withheld, ...] = ()  # in any order
    conflicts: tuple[AddressConflict, ...] = ()  # in any order
    unacknowledged: tuple[Unacknowledged, ...] = ()  # in any order
    net_admin: bool | None = None  # whether addresses and routes may be changed; None: not asked
    arriving: tuple[Arriving, ...] = ()  # of what is watched, in any order
    quiet: Quiet | None = None  # of what is watched; None: nothing is, or it can't be seen
    arriving_unmeasured: str = ""  # why that can't be seen here; "": it can
    executes: int = 0  # generation of the spec that is executed; 0: none of the API's yet
    rival: str | None = None  # who else reports for this node; "" for somebody without a name
