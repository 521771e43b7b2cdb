"""The BgpPeer: a router that hears our prefixes, and the sessions to open with it."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, ReadFrom, Rule
from pointsman.api.bgpconf import AsNumber, GracefulRestart
from pointsman.api.peering import Bfd, Multihop, NextHops, SecretRef
from pointsman.model.address import Address, Prefix

# RFC 1122 section 3.2.1.3, RFC 5771, RFC 1112 section 4; RFC 4291 sections 2.5.2 and 2.7.
NO_HOST: tuple[Prefix, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("::/128"),
    IPv6Network("ff00::/8"),
)
LINK_LOCAL = IPv6Network("fe80::/10")  # RFC 4291 section 2.5.6


def _read(text: str) -> Address:
    address = dialect.read_ip(text)
    assert address is not None, "read only after IS_ADDRESS held"
    return address


def _outside(text: str, networks: tuple[Prefix, ...]) -> bool:
    address = dialect.read_ip(text)
    return address is None or not any(address in network for network in networks)


def _none_contains(networks: tuple[Prefix, ...]) -> str:
    tests = (f"cidr('{network}').containsIP(self)" for network in networks)
    return f"!isIP(self) || !({' || '.join(tests)})"


IS_ADDRESS = Rule(
    cel="isIP(self)",
    holds=dialect.is_ip,
    words='"{self}" is not an IP address: write one such as 192.0.2.1 or 2001:db8::1, without '
    "prefix length, port or zone",
)
IS_UNICAST = Rule(
    cel=_none_contains(NO_HOST),
    holds=lambda text: _outside(text, NO_HOST),
    words='"{self}" is not the address of a router: write a unicast address such as 192.0.2.1 or '
    "2001:db8::1",
)
HAS_NO_ZONE = Rule(
    cel=_none_contains((LINK_LOCAL,)),
    holds=lambda text: _outside(text, (LINK_LOCAL,)),
    words='"{self}" is link-local, which does not say on which link: write an address of the '
    "router that is not from fe80::/10",
)
OFF_OR_SANE = Rule(
    cel="self == 0 || self >= 3",  # RFC 4271 section 4.2
    holds=lambda seconds: seconds == 0 or seconds >= 3,
    words="a hold time of 1 or 2 seconds is not allowed: use 0 (off) or at least 3",
)
KEPT_ALIVE = Rule(
    # below 3 the hold time itself is off, or refused by its own rule
    cel="self.holdSeconds < 3 || self.keepaliveSeconds <= self.holdSeconds",
    holds=lambda timers: timers.hold_seconds < 3 or timers.keepalive_seconds <= timers.hold_seconds,
    words="keepaliveSeconds is longer than holdSeconds, so every session would expire: use at "
    "most a third of holdSeconds",
)
ONE_TTL_RULE = Rule(
    cel="!has(self.ebgpMultihop) || !self.ttlSecurity",
    holds=lambda peer: peer.ebgp_multihop is None or not peer.ttl_security,
    words="ttlSecurity asks for a router one hop away, ebgpMultihop for one further off: set one "
    "of the two",
)
BFD_IS_ONE_HOP = Rule(
    cel="!has(self.ebgpMultihop) || !has(self.bfd) || !self.bfd.enabled",
    holds=lambda peer: peer.ebgp_multihop is None or peer.bfd is None or not peer.bfd.enabled,
    words="BFD works over one hop only: remove bfd, or ebgpMultihop",
)
SAME_FAMILY = Rule(
    cel="!has(self.sourceAddress) || !isIP(self.sourceAddress) || !isIP(self.address)"
    " || ip(self.sourceAddress).family() == ip(self.address).family()",
    holds=lambda peer: (
        peer.source_address is None or peer.source_address.version == peer.address.version
    ),
    words="sourceAddress and address are of different families: a session runs over one of them",
)
PARALLEL_FAMILY = Rule(
    cel="!has(self.parallelSessions) || !isIP(self.address)"
    " || self.parallelSessions.sourceAddresses.all(one, !isIP(one)"
    " || ip(one).family() == ip(self.address).family())",
    holds=lambda peer: (
        peer.parallel_sessions is None
        or all(
            one.version == peer.address.version for one in peer.parallel_sessions.source_addresses
        )
    ),
    words="parallelSessions.sourceAddresses and address are of different families: a session "
    "runs over one of them",
)
PARALLEL_ALONE = Rule(
    cel="!has(self.parallelSessions) || (!has(self.sourceAddress) && !self.passive"
    " && (!has(self.bfd) || !self.bfd.enabled))",
    holds=lambda peer: (
        peer.parallel_sessions is None
        or (
            peer.source_address is None
            and not peer.passive
            and (peer.bfd is None or not peer.bfd.enabled)
        )
    ),
    words="parallelSessions open one session from each of their own sourceAddresses: remove "
    "sourceAddress, passive and bfd, which are for a single session",
)

RouterAddress = Annotated[
    Address,
    ReadFrom(Annotated[str, Field(max_length=45), IS_ADDRESS, IS_UNICAST, HAS_NO_ZONE], _read),
]
SourceAddress = RouterAddress  # what is no router's address is no host's either
PeerFamily = Literal["ipv4-unicast", "ipv6-unicast"]


class Timers(ApiModel):
    """How fast a session is opened and how fast a silent one is given up."""

    rules: ClassVar[tuple[Rule, ...]] = (KEPT_ALIVE,)

    hold_seconds: Annotated[StrictInt, Field(ge=0, le=65_535), OFF_OR_SANE] = Field(
        default=9,
        description="After how many seconds of silence the session is given up: 0 (never, if the "
        "router offers 0 too; else as the router says) or at least 3, and then the smaller of "
        "both sides' values applies.",
    )
    keepalive_seconds: StrictInt = Field(
        default=3,
        ge=1,
        le=21_845,
        description="How often a sign of life is sent, in seconds; never less often than three "
        "times per hold time.",
    )
    connect_retry_seconds: StrictInt = Field(
        default=5,
        ge=1,
        le=65_535,
        description="How long to wait, in seconds, before a failed connection is tried again.",
    )

    @property
    def effective_keepalive_seconds(self) -> int:
        """What a session uses: 0 without a hold time, else at most a third of it.

        Source: RFC 4271 section 4.4.
        """
        return min(self.keepalive_seconds, self.hold_seconds // 3)


class AddPath(ApiModel):
    """ADD-PATH (RFC 7911): several paths of one prefix over one session."""

    enabled: StrictBool = Field(
        default=True,
        description="Offer the router several paths of a prefix, one for each node that serves, "
        "so that it can spread the load. A router that declines is sent one.",
    )


class ParallelSessions(ApiModel):
    """Several sessions with a router that keeps one path of a prefix for each of them."""

    source_addresses: Annotated[
        tuple[SourceAddress, ...], Field(min_length=1, max_length=16), ListType("set")
    ] = Field(
        description="Addresses of the manager's host, one session from each; the router needs "
        "each as a neighbor. Of an address that an agent reports, only the replica on that node "
        "makes use. Each session takes one further speaker, a gobgpd of its own "
        "(--gobgp-socket given again).",
    )


class BgpPeerSpec(ApiModel):
    """A router, and the session to open to it."""

    rules: ClassVar[tuple[Rule, ...]] = (
        ONE_TTL_RULE,
        BFD_IS_ONE_HOP,
        SAME_FAMILY,
        PARALLEL_FAMILY,
        PARALLEL_ALONE,
    )

    address: RouterAddress = Field(
        description="Address of the router, IPv4 or IPv6, such as 192.0.2.1 or 2001:db8::1."
    )
    asn: AsNumber = Field(
        description="AS number of the router, 1 to 4294967295; equal to ours: an iBGP session."
    )
    port: StrictInt = Field(
        default=179, ge=1, le=65_535, description="TCP port on which the router listens."
    )
    local_as: AsNumber | None = Field(
        default=None,
        description="AS that we have towards this router; absent: that of the BgpConf. It stands "
        "in the AS path instead of the BgpConf's.",
    )
    source_address: SourceAddress | None = Field(
        default=None,
        description="Address that the session is opened from, of the same family as address; "
        "absent: the host's on the router's network, else the one its routes prefer.",
    )
    password_secret_ref: SecretRef | None = Field(
        default=None,
        description="Where the session's password (TCP MD5, RFC 2385) is kept. While it is "
        "missing there is no session, never one without a password.",
    )
    ebgp_multihop: Multihop | None = Field(
        default=None, description="For an eBGP router that is more than one hop away."
    )
    ttl_security: StrictBool = Field(
        default=False,
        description="Accept and send only packets that crossed no router (GTSM, RFC 5082); the "
        "router must do the same. Not together with ebgpMultihop.",
    )
    passive: StrictBool = Field(
        default=False,
        description="Wait for the router to open the session; needs listenPort of the BgpConf.",
    )
    timers: Timers = Field(default=Timers(), description="Timers of the session.")
    graceful_restart: GracefulRestart | None = Field(
        default=None,
        description="Graceful restart with this router; absent: as the BgpConf says.",
    )
    bfd: Bfd | None = Field(
        default=None,
        description="Bidirectional Forwarding Detection (RFC 5880): a dead link is noticed in "
        "less than a second.",
    )
    families: Annotated[
        tuple[PeerFamily, ...], Field(min_length=1, max_length=2), ListType("set")
    ] = Field(
        default=("ipv4-unicast", "ipv6-unicast"),
        description="Address families offered to the router.",
    )
    add_path: AddPath = Field(
        default=AddPath(), description="Several paths of one prefix over the session (RFC 7911)."
    )
    parallel_sessions: ParallelSessions | None = Field(
        default=None,
        description="For a router without ADD-PATH: as many sessions as next hops it should have "
        "of a prefix, each with one of them.",
    )
    next_hops: NextHops = Field(
        default=NextHops(), description="Which nodes this router is sent as next hops."
    )
    disabled: StrictBool = Field(
        default=False, description="End the session, if there is one, and open none."
    )
