"""What an agent's plan holds: today, its report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface

from agent.snapshot import AddressConflict as AddressConflict
from agent.snapshot import NodeName, ProxyHealth
from agent.snapshot import Withheld as Withheld
from pointsman.model.address import Address, Family
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.record import ConditionValue


@dataclass(frozen=True, slots=True)
class ReportedInterface:
    """An interface the cluster may reach this node through."""

    name: str
    mac: str
    up: bool
    addresses: tuple[IPv4Interface | IPv6Interface, ...]  # sorted


@dataclass(frozen=True, slots=True)
class ReportedRoute:
    """This node's preferred default route of one family."""

    family: Family
    interface: str
    gateway: Address | None


@dataclass(frozen=True, slots=True)
class Report:
    """An Announcer's status as this node's agent wants it, without the conditions' times."""

    version: str
    interfaces: tuple[ReportedInterface, ...] = ()  # sorted by name
    default_routes: tuple[ReportedRoute, ...] = ()  # one per family, IPv4 first
    proxy: ProxyHealth = ProxyHealth.OFF
    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)
    host: str = ""  # where the agent runs
    public_key: str = ""
    generation: int = 0  # of the spec that is executed; 0: not known
    withheld: tuple[Withheld, ...] = ()  # sorted by address
    conflicts: tuple[AddressConflict, ...] = ()  # sorted by address
    net_admin: bool | None = None  # whether addresses and routes may be changed
    arriving: tuple[Arriving, ...] = ()  # sorted by address
    quiet: Quiet | None = None
    arriving_unmeasured: str = ""  # why that can't be seen; "": it can
    strict_arp: bool | None = None  # None: the node has no Service addresses of its own


@dataclass(frozen=True, slots=True)
class Plan:
    """The complete desired state of what this agent converges."""

    reports: Mapping[NodeName, Report] = field(default_factory=dict)
