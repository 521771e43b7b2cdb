"""A node's Announcer, frozen: what its agent was asked to do, and what it says of its node.

Part of `manager.snapshot`, from where everybody takes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface
from typing import NewType

from pointsman.model.address import Address, Family, Prefix
from pointsman.model.assignment import Arriving, Unreachable

NodeName = NewType("NodeName", str)


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as a node's agent reported it."""

    name: str
    mac: str = ""
    up: bool = True
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """The addresses a node is to have on one interface, as it stands in the spec."""

    interface: str
    responder: str  # "Node", "Central", "Kernel"
    addresses: tuple[Address, ...] = ()
    probe: tuple[Address, ...] = ()  # of these: never announced before
    announce_rate: int | None = None  # announcements a second; None: the agent's own


@dataclass(frozen=True, slots=True)
class Conflict:
    """Who else claims an address of a node, and where that was heard."""

    interface: str
    mac: str


@dataclass(frozen=True, slots=True)
class Announcer:
    """An Announcer object: the report half is empty until its agent has spoken."""

    node: NodeName
    uid: str = ""
    resource_version: str = ""
    owner_uid: str = ""  # uid of the Node it belongs to
    spec: Mapping[str, object] = field(default_factory=dict)  # as we wrote it, JSON values
    assignments: tuple[Assigned, ...] = ()  # read of it
    unreachable: tuple[Unreachable, ...] = ()  # read of it
    watched: tuple[Prefix, ...] = ()  # read of it; of a node that drains
    reported: bool = False
    interfaces: tuple[Interface, ...] = ()
    gateways: tuple[Address, ...] = ()
    default_interfaces: tuple[tuple[Family, str], ...] = ()  # of its default routes
    proxy_healthy: bool | None = None  # None: not checked
    withheld: Mapping[Address, str] = field(default_factory=dict)  # with the agent's reason
    conflicts: Mapping[Address, Conflict] = field(default_factory=dict)
    net_admin: bool | None = None  # whether its agent may change addresses and routes
    arriving: tuple[Arriving, ...] = ()  # which flows still begin here, while it drains
    arriving_unmeasured: str = ""  # why that can't be seen
    # False: its kernel would answer ARP for Service addresses of its own. None: it has none.
    strict_arp: bool | None = None
    public_key: str = ""  # of its agent's heartbeats
    generation: int = 0
    executes: int = 0  # the generation of the spec that its agent has taken up
    contested: str = ""  # the agent's sentence while another one reports for its node, too
    unheard: str = ""  # the agent's sentence while a manager does not acknowledge its heartbeats
    unreadable: str = ""  # the sentence about entries that were left out

    @property
    def assigned(self) -> int:
        """Return how many addresses its spec holds, by whatever protocol."""
        return sum(len(one.addresses) for one in self.assignments)
