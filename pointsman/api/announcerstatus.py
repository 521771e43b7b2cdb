"""What a node's agent reports: the status of its Announcer, written by that agent alone."""

from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from pointsman.api import dialect
from pointsman.api.announcer import Gateway, KeyText
from pointsman.api.base import ApiModel, ListType, ReadFrom, Rule
from pointsman.api.condition import CONDITIONS, Conditions
from pointsman.model.assignment import MOST_ARRIVING
from pointsman.model.report import (
    LONGEST_REASON,
    MOST_ADDRESSES,
    MOST_CONFLICTS,
    MOST_INTERFACES,
    MOST_WITHHELD,
)

IS_CIDR = Rule(
    cel="isCIDR(self)",
    holds=dialect.is_cidr,
    words='"{self}" is no address with its prefix length: write one such as 192.0.2.11/24',
)
CidrText = Annotated[str, Field(max_length=49), IS_CIDR]
InterfaceAddress = Annotated[IPv4Interface | IPv6Interface, ReadFrom(CidrText, ip_interface)]


class InterfaceReport(ApiModel):
    """A network interface of the node."""

    name: str = Field(description="Name of the interface.")
    mac: str = Field(default="", description="Its hardware address; empty if it has none.")
    up: StrictBool = Field(description="Whether the link is up and has a carrier.")
    addresses: Annotated[tuple[InterfaceAddress, ...], ListType("atomic")] = Field(
        default=(),
        max_length=MOST_ADDRESSES,
        description="Its addresses with their prefix lengths, such as 192.0.2.11/24.",
    )


class GatewayReport(ApiModel):
    """Where a default route points."""

    gateway: Gateway | None = Field(
        default=None,
        description="Address of the gateway; absent if the route names only an interface.",
    )
    interface: str = Field(description="Name of the interface the route uses.")


class DefaultRouteReport(ApiModel):
    """The node's default routes."""

    ipv4: GatewayReport | None = Field(default=None, description="The IPv4 default route, if any.")
    ipv6: GatewayReport | None = Field(default=None, description="The IPv6 default route, if any.")


class ProxyReport(ApiModel):
    """The node's service proxy (kube-proxy or its replacement), as its health check answers."""

    healthy: StrictBool = Field(description="Whether the health check says that it works.")


class WithheldReport(ApiModel):
    """An address that the node was asked to answer for, and does not; or a run of them."""

    address: Gateway = Field(description="The address.")
    through: Gateway | None = Field(
        default=None,
        description="The last of a run: of all addresses in spec that lie between, none is "
        "answered for. Absent: it is one address.",
    )
    reason: str = Field(
        max_length=LONGEST_REASON, description="Why the agent does not answer for it."
    )


class ConflictReport(ApiModel):
    """Somebody else who speaks for an address of this node."""

    address: Gateway = Field(description="The address.")
    interface: str = Field(description="On which interface it was heard.")
    mac: str = Field(max_length=17, description="Hardware address of who claims it.")
    since: str = Field(
        description="When it was heard first.", json_schema_extra={"format": "date-time"}
    )


class ArrivingReport(ApiModel):
    """Who still comes to a node that drains."""

    address: Gateway = Field(description="The address that the newest flow was for.")
    source: Gateway = Field(description="From where that flow came.")
    last: str = Field(description="When it was seen.", json_schema_extra={"format": "date-time"})


class QuietReport(ApiModel):
    """For how long no new flow came to a node that drains, by the clock of the node."""

    observed_generation: StrictInt = Field(
        description="Generation of the spec whose prefixes the agent looked for."
    )
    since: str = Field(
        description="When the last new flow came, or the agent began to look.",
        json_schema_extra={"format": "date-time"},
    )
    until: str = Field(
        description="Until when the agent looked: what came later is not known yet.",
        json_schema_extra={"format": "date-time"},
    )


class AnnouncerStatus(ApiModel):
    """What the node's agent sees; written by that agent alone."""

    observed_generation: StrictInt | None = Field(
        default=None, description="Generation of the spec that the agent executes."
    )
    interfaces: Annotated[tuple[InterfaceReport, ...], ListType("map", key="name")] = Field(
        default=(),
        max_length=MOST_INTERFACES,
        description="Network interfaces of the node, with their addresses.",
    )
    default_route: DefaultRouteReport | None = Field(
        default=None, description="The node's default routes."
    )
    proxy: ProxyReport | None = Field(
        default=None, description="The node's service proxy; absent where it is not checked."
    )
    withheld: Annotated[tuple[WithheldReport, ...], ListType("map", key="address")] = Field(
        default=(),
        max_length=MOST_WITHHELD,
        description="Addresses that the node was asked to answer for and does not, in order; of "
        "more than 64, runs.",
    )
    conflicts: Annotated[tuple[ConflictReport, ...], ListType("map", key="address")] = Field(
        default=(),
        max_length=MOST_CONFLICTS,
        description="Addresses of this node that somebody else claims, the first of them in order.",
    )
    net_admin: StrictBool | None = Field(
        default=None,
        description="Whether the agent may change the node's addresses and routes (capability "
        "NET_ADMIN), as protocol kernel and unreachable routes need. Absent: the agent is too old "
        "to say.",
    )
    arriving: Annotated[tuple[ArrivingReport, ...], ListType("map", key="address")] = Field(
        default=(),
        max_length=MOST_ARRIVING,
        description="While the node drains: for which of spec.watched new flows still begin here.",
    )
    quiet: QuietReport | None = Field(
        default=None,
        description="While the node drains: for how long no new flow came for spec.watched. "
        "Absent: the agent does not look, or cannot see.",
    )
    arriving_unmeasured: str | None = Field(
        default=None,
        max_length=256,
        description="Why the agent cannot see which flows begin here; absent while it can.",
    )
    strict_arp: StrictBool | None = Field(
        default=None,
        description="Whether the kernel keeps silent about Service addresses of the node's own "
        "(kube-ipvs0, or on lo). false: it would answer ARP for them beside whoever is assigned. "
        "Absent: the node has none.",
    )
    public_key: KeyText | None = Field(
        default=None,
        description="Public half of the agent's X25519 key (base64): heartbeats are told by it.",
    )
    agent_version: str | None = Field(
        default=None, description="Version of the agent that reports."
    )
    agent_host: str | None = Field(
        default=None,
        max_length=253,
        description="Host name of where the agent runs: who it is, should two report for one node.",
    )
    conditions: Conditions = Field(default=(), description=CONDITIONS)
