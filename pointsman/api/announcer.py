"""The Announcer: one per node, the channel between the manager and the node's agent.

The manager writes `spec`, the agent `status`; neither touches the other's half.
"""

import re
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Annotated, Final

from pydantic import Field, StrictBool, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, ReadFrom, Rule
from pointsman.model import assignment
from pointsman.model.assignment import (
    KERNEL_INTERFACE,
    MOST_ASSIGNED,
    MOST_ASSIGNMENTS,
    MOST_UNREACHABLE,
    MOST_WATCHED,
)
from pointsman.model.heartbeats import MOST_MANAGERS

KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
IS_GATEWAY = Rule(
    cel="isIP(self)",
    holds=dialect.is_ip,
    words='"{self}" is no address: write one such as 192.0.2.1',
)
# Not `read_key` of the wire: an API server cannot decode, so neither do we here.
IS_KEY = Rule(
    cel="self.matches('^[A-Za-z0-9+/]{43}=$')",
    holds=lambda text: KEY.fullmatch(text) is not None,
    words='"{self}" is no X25519 public key: it has 32 octets, as 44 characters of base64',
)
# Without bounds the API server refuses the rules as too expensive.
KeyText = Annotated[str, Field(max_length=44), IS_KEY]
GatewayText = Annotated[str, Field(max_length=45), IS_GATEWAY]
Gateway = Annotated[IPv4Address | IPv6Address, ReadFrom(GatewayText, ip_address)]
# No rule of CEL: thousands of them would be run on each write of a list that is our own.
ListedText = Annotated[str, Field(max_length=45, pattern="^[0-9a-fA-F:.]{2,45}$")]
Listed = Annotated[IPv4Address | IPv6Address, ReadFrom(ListedText, ip_address)]
PrefixText = Annotated[str, Field(max_length=43, pattern="^[0-9a-fA-F:.]{2,39}/[0-9]{1,3}$")]
Prefix = Annotated[IPv4Network | IPv6Network, ReadFrom(PrefixText, ip_network)]
Addresses = Annotated[tuple[Listed, ...], Field(max_length=MOST_ASSIGNED), ListType("atomic")]


class ManagerAddress(ApiModel):
    """Where a manager hears heartbeats."""

    name: str = Field(min_length=1, max_length=253, description="Name of the replica.")
    address: Gateway = Field(description="Its address, as this node reaches it.")
    port: StrictInt = Field(ge=1, le=65_535, description="Its UDP port.")
    public_key: KeyText = Field(
        description="Public half of its X25519 key (base64), made anew whenever it starts."
    )


class DrainRecord(ApiModel):
    """Since when the node is drained, and whether its paths are to be gone."""

    phase: str = Field(
        description="GracefulShutdown: its paths carry the community graceful-shutdown; Withdrawn."
    )
    since: str = Field(
        description="When the leading manager saw the drain.",
        json_schema_extra={"format": "date-time"},
    )


class AssignedResponder(StrEnum):
    """Who has the addresses of an assignment."""

    NODE = assignment.NODE
    CENTRAL = assignment.CENTRAL
    KERNEL = assignment.KERNEL


class AssignmentSpec(ApiModel):
    """The addresses that the node has on one interface, and who answers ARP and NDP for them."""

    interface: str = Field(min_length=1, max_length=15, description="Name of the interface.")
    responder: AssignedResponder = Field(
        description="Node: this node's agent answers alone. Central: the leading manager answers "
        "broadcasts, too, with this node's MAC address. Kernel: the agent puts them on an "
        f"interface of its own ({KERNEL_INTERFACE}), for a router on the node to redistribute."
    )
    addresses: Addresses = Field(description="The addresses, sorted, IPv4 first.")
    probe: Addresses = Field(
        default=(),
        description="Those of them that have never been announced: the network is asked first "
        "whether somebody has them.",
    )
    announce_rate: StrictInt | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="How many announcements a second may leave the interface; absent: what the "
        "agent was started with (--announce-rate).",
    )


class UnreachableSpec(ApiModel):
    """An aggregate for which the node's kernel has an unreachable route."""

    prefix: Prefix = Field(description="The aggregate, such as 192.0.2.0/24.")
    redistribute: StrictBool = Field(
        description="true: a router on the node is to advertise it (routing protocol "
        f"{assignment.ROUTE_PROTOCOL_REDISTRIBUTED}); false: it only ends what comes here by a "
        f"route of Pointsman's speakers ({assignment.ROUTE_PROTOCOL_DISCARD})."
    )


class AnnouncerSpec(ApiModel):
    """What the node's agent is told to do; written by the manager."""

    assignments: Annotated[
        tuple[AssignmentSpec, ...], ListType("map", key="interface", second_key="responder")
    ] = Field(
        default=(),
        max_length=MOST_ASSIGNMENTS,
        description="The addresses of protocols layer2 and kernel that this node has, by "
        f"interface: at most {MOST_ASSIGNED} in all.",
    )
    unreachable: Annotated[tuple[UnreachableSpec, ...], ListType("map", key="prefix")] = Field(
        default=(),
        max_length=MOST_UNREACHABLE,
        description="Aggregates of which the node keeps an unreachable route, so that packets for "
        "what is not assigned in them end there.",
    )
    watched: Annotated[tuple[Prefix, ...], ListType("atomic")] = Field(
        default=(),
        max_length=MOST_WATCHED,
        description="Destinations of which the agent reports who still comes; present only while "
        "the node drains.",
    )
    announcing: StrictInt | None = Field(
        default=None,
        description="How many addresses these are in all: what kubectl get prints.",
    )
    managers: Annotated[tuple[ManagerAddress, ...], ListType("map", key="name")] = Field(
        default=(),
        max_length=MOST_MANAGERS,
        description="The managers that hear this node's heartbeats.",
    )
    drain: DrainRecord | None = Field(
        default=None, description="How far the drain of the node is; absent while there is none."
    )
