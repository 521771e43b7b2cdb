"""Everything the agent's planner may look at, frozen: one node as it was at one moment.

Adapters fill it: the network from the kernel, the assignment from the node's Announcer,
the service proxy from its health endpoint. Facts only; what matters to the cluster is
the planner's question.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface
from typing import NewType

from pointsman.model.address import Address, Family

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
class Network:
    """What the kernel said in one dump."""

    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    default_routes: tuple[DefaultRoute, ...] = ()


class ProxyHealth(StrEnum):
    """What is known of the node's service proxy (kube-proxy or its like)."""

    OFF = "off"  # not asked: this cluster has another data plane
    UNKNOWN = "unknown"  # asked, no verdict yet
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the manager told this node to do: its Announcer's spec. No duty exists yet."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decided."""

    node: NodeName
    version: str
    proxy_url: str = ""  # for the sentence; "" when the proxy isn't asked
    host: str = ""  # where this agent runs: another name than that of its node, perhaps


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The planner's whole world."""

    settings: Settings
    network: Network = field(default_factory=Network)
    proxy: ProxyHealth = ProxyHealth.UNKNOWN
    assignment: Assignment | None = None  # None: the Announcer doesn't exist
    rival: str | None = None  # who else reports for this node; "" for somebody without a name
