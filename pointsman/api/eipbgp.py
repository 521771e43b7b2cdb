"""`bgp` of an Eip: how its addresses are told to routers, and to which.

What depends on other objects (does an alias exist, is a community ours, does a peer of
that name exist) the planner finds out, and says in the Eip's condition BgpApplied.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictInt

from pointsman.api.base import ApiModel, ListType
from pointsman.api.community import Community

PeerReference = Annotated[str, Field(min_length=1, max_length=253)]
FourOctets = Annotated[
    StrictInt, Field(ge=0, le=4_294_967_295, json_schema_extra={"format": "int64"})
]


class Weighting(StrEnum):
    """How a router is to spread the load over the next hops."""

    EQUAL = "Equal"
    ENDPOINTS = "Endpoints"


class EipBgp(ApiModel):
    """How the addresses of the pool are advertised over BGP."""

    aggregation_length: StrictInt = Field(
        default=32,
        ge=1,
        le=32,
        description="Prefix length that is advertised for IPv4 addresses of Services with "
        "externalTrafficPolicy Cluster: one aggregate instead of their host routes, from the "
        "first address in it until the last one goes, whether or not a Service has endpoints. "
        "Only where the aggregate lies wholly inside this Eip; elsewhere, and for Local, host "
        "routes. Addresses in it that nobody holds reach the nodes too: agents with NET_ADMIN end "
        "their packets there. Of protocol kernel: a route of the nodes instead of addresses.",
    )
    aggregation_length_v6: StrictInt = Field(
        default=128, ge=1, le=128, description="The same for IPv6 addresses."
    )
    communities: Annotated[tuple[Community, ...], Field(max_length=32), ListType("set")] = Field(
        default=(),
        description="Communities of every path: 65000:100 (RFC 1997), 65000:1:2 (large, RFC "
        "8092), a well-known name (no-export), or a name from communityAliases of the BgpConf. "
        "Large communities AS:0:* with our own AS are Pointsman's and not sent.",
    )
    local_pref: FourOctets | None = Field(
        default=None,
        description="LOCAL_PREF of every path; only iBGP peers hear it (RFC 4271 section 5.1.5). "
        "Absent: the speaker's default, 100.",
    )
    med: FourOctets | None = Field(
        default=None, description="MULTI_EXIT_DISC of every path. Absent: none is sent."
    )
    as_path_prepend: StrictInt = Field(
        default=0,
        ge=0,
        le=32,
        description="How often our AS is added to the path, beyond the once that BGP adds by "
        "itself. Only eBGP peers hear it: an iBGP peer would take such a path for a loop.",
    )
    peers: Annotated[tuple[PeerReference, ...], Field(max_length=64), ListType("set")] = Field(
        default=(),
        description="Names of the BgpPeers that hear these prefixes; empty: all of them. The "
        "others never hear them. A name that no BgpPeer has is ignored, and the condition "
        "BgpApplied says so.",
    )
    weighting: Weighting = Field(
        default=Weighting.EQUAL,
        description="Endpoints: the share of a next hop follows its number of ready endpoints "
        "(link bandwidth extended community, on all paths of a prefix or none; steps of 1, 2, 3, "
        "4, 6, 8, 12, 16 and so on, so that a Pod more or less rarely changes a route). "
        "Aggregates are never weighted. Equal: no weights.",
    )
