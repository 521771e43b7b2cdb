"""The Announcer: one per node, the channel between the manager and the node's agent.

The manager writes `spec`, the agent `status`; neither touches the other's half.
"""

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from typing import Annotated

from pydantic import Field, StrictBool

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, ReadFrom, Rule
from pointsman.api.condition import CONDITIONS, Conditions
from pointsman.model.report import MOST_ADDRESSES, MOST_INTERFACES

IS_CIDR = Rule(
    cel="isCIDR(self)",
    holds=dialect.is_cidr,
    words='"{self}" is no address with its prefix length: write one such as 192.0.2.11/24',
)
IS_GATEWAY = Rule(
    cel="isIP(self)",
    holds=dialect.is_ip,
    words='"{self}" is no address: write one such as 192.0.2.1',
)
# Without bounds the API server refuses the rules as too expensive.
CidrText = Annotated[str, Field(max_length=49), IS_CIDR]
GatewayText = Annotated[str, Field(max_length=45), IS_GATEWAY]
InterfaceAddress = Annotated[IPv4Interface | IPv6Interface, ReadFrom(CidrText, ip_interface)]
Gateway = Annotated[IPv4Address | IPv6Address, ReadFrom(GatewayText, ip_address)]


class AnnouncerSpec(ApiModel):
    """What the node's agent is told to do; written by the manager. Nothing yet."""


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


class AnnouncerStatus(ApiModel):
    """What the node's agent sees; written by that agent alone."""

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
    agent_version: str | None = Field(
        default=None, description="Version of the agent that reports."
    )
    agent_host: str | None = Field(
        default=None,
        max_length=253,
        description="Host name of where the agent runs: who it is, should two report for one node.",
    )
    conditions: Conditions = Field(default=(), description=CONDITIONS)
