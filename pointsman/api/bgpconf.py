"""The BgpConf: who our speakers are. Only the object named `default` is used."""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, ReadFrom, Rule
from pointsman.api.community import ARE_NAMES, OriginalCommunity
from pointsman.api.condition import CONDITIONS, OBSERVED_GENERATION, Conditions
from pointsman.model.address import Address


def _is_router_id(text: str) -> bool:
    address = dialect.read_ip(text)
    return isinstance(address, IPv4Address) and int(address) != 0


IS_ROUTER_ID = Rule(
    cel="isIP(self) && ip(self).family() == 4 && self != '0.0.0.0'",
    holds=_is_router_id,
    words='"{self}" is not a router id: write an IPv4 address other than 0.0.0.0, such as '
    "198.18.0.1",
)

# RFC 6793 section 3: four octets; RFC 7607: zero is not an AS number.
AsNumber = Annotated[
    StrictInt, Field(ge=1, le=4_294_967_295, json_schema_extra={"format": "int64"})
]
RouterId = Annotated[
    IPv4Address,
    ReadFrom(Annotated[str, Field(max_length=45), IS_ROUTER_ID], IPv4Address),
]

IS_LOCAL = Rule(
    cel="isIP(self)",
    holds=dialect.is_ip,
    words='"{self}" is not an IP address: write one of the host, such as 192.0.2.10, without '
    "prefix length, port or zone",
)


def _read(text: str) -> Address:
    address = dialect.read_ip(text)
    assert address is not None, "read only after IS_LOCAL held"
    return address


ListenAddress = Annotated[Address, ReadFrom(Annotated[str, Field(max_length=45), IS_LOCAL], _read)]


class Offer(StrEnum):
    """When graceful restart is offered."""

    AUTO = "Auto"
    ALWAYS = "Always"
    NEVER = "Never"


class GracefulRestart(ApiModel):
    """Graceful restart (RFC 4724): routers keep our paths while a speaker restarts."""

    enabled: Offer = Field(
        default=Offer.AUTO,
        description="Auto: offered only while one replica runs; with two, the other speaker is "
        "the better answer, and stale paths would keep dead next hops. Always, Never. A change "
        "resets the sessions.",
    )
    restart_seconds: StrictInt = Field(
        default=120,
        ge=1,
        le=4_095,  # 12 bits: RFC 4724 section 3
        description="How long routers keep the paths of a speaker that is away, in seconds.",
    )


class Confederation(ApiModel):
    """The confederation of AS numbers that our AS is a member of (RFC 5065)."""

    identifier: AsNumber = Field(
        description="AS number of the confederation, by which routers outside of it know us."
    )
    members: Annotated[
        tuple[AsNumber, ...], Field(min_length=1, max_length=64), ListType("atomic")
    ] = Field(
        description="Member AS numbers; ours may be among them. A router of one of these hears "
        "our AS as a member's, every other router the identifier."
    )


class BgpConfSpec(ApiModel):
    """Our side of every BGP session."""

    asn: AsNumber = Field(
        description="Our AS number, 1 to 4294967295. A change restarts the speakers."
    )
    router_id: RouterId | None = Field(
        default=None,
        description="Router id of the speaker: an IPv4 address other than 0.0.0.0, unique in the "
        "network. Absent: one from 198.18.0.0/15, derived for each speaker and stable. With "
        "several replicas leave it absent. A replica's further speakers always have a derived "
        "one. A change restarts the speakers.",
    )
    listen_port: StrictInt = Field(
        default=0,
        ge=0,
        le=65_535,
        description="TCP port on which routers may open sessions to us; 0: none, sessions are "
        "opened outwards only, so that nothing clashes with a router of a CNI on 179. Further "
        "speakers never listen. A change restarts the speakers.",
    )
    listen_addresses: Annotated[
        tuple[ListenAddress, ...], Field(max_length=16), ListType("set")
    ] = Field(
        default=(),
        description="Addresses of the host to listen on; empty: all. Without listenPort they "
        "mean nothing. A change restarts the speakers.",
    )
    confederation: Confederation | None = Field(
        default=None,
        description="Set where our AS is a member of a confederation (RFC 5065) and routers of "
        "other members are our peers; without it they drop all that they hear from us. A change "
        "restarts the speakers.",
    )
    graceful_restart: GracefulRestart = Field(
        default=GracefulRestart(),
        description="Whether routers keep our paths while a speaker restarts (RFC 4724); a "
        "BgpPeer may say otherwise.",
    )
    graceful_shutdown_seconds: StrictInt = Field(
        default=5,
        ge=0,
        le=600,
        description="For how long the paths by a node that is drained carry the community "
        "graceful-shutdown (RFC 8326) before they are withdrawn, where another path exists, in "
        "seconds; 0: they are withdrawn at once.",
    )
    community_aliases: Annotated[
        Mapping[str, OriginalCommunity], Field(max_length=64), ARE_NAMES
    ] = Field(
        default={},
        description="Names for communities, to be used in bgp.communities of an Eip: name to "
        "65000:100, 65000:1:2 or a well-known name.",
    )


class BgpConfStatus(ApiModel):
    """Whether this configuration is in use; written by Pointsman."""

    conditions: Conditions = Field(default=(), description=CONDITIONS)
    observed_generation: StrictInt | None = Field(default=None, description=OBSERVED_GENERATION)
    router_ids: Annotated[tuple[str, ...], ListType("atomic")] = Field(
        default=(),
        description="Router ids of the speakers, given or derived, by replica in the order of "
        "their names.",
    )
