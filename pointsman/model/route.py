"""What a BGP speaker is told: identity, export rules, routes and neighbors.

Nothing here knows GoBGP; these are RFC 4271 terms with our names on them.
"""

from dataclasses import dataclass, field, fields
from ipaddress import IPv4Address, IPv4Network
from typing import Final, Literal, NewType

from pointsman.model.address import Address, Prefix, address_order

# Of a prefix, to one router: gobgpd's send_max is one byte, and it sends no more (4.8, measured).
MOST_PATHS: Final = 255
PeerName = NewType("PeerName", str)  # metadata.name of a BgpPeer


@dataclass(frozen=True, slots=True)
class Confederation:
    """Several member ASes that show themselves to the rest as one (RFC 5065)."""

    identifier: int
    members: tuple[int, ...]  # sorted, each once

    def known_as(self, member: int, *, to: int) -> int:
        """Return the AS by which a router of AS *to* knows a speaker of AS *member*."""
        return member if to == member or to in self.members else self.identifier


@dataclass(frozen=True, slots=True)
class SpeakerIdentity:
    """What a BGP speaker cannot change while it runs: another value is another process.

    Source: RFC 4271 section 4.2 for the two numbers; the listener is opened once, at start.
    """

    asn: int
    router_id: IPv4Address
    listen_port: int = 0  # TCP port for sessions that routers open; 0: none is listened on
    listen_addresses: tuple[Address, ...] = ()  # empty: all addresses
    confederation: Confederation | None = None

    def __post_init__(self) -> None:
        """Give the addresses their one form, in which a speaker says them back."""
        found = sorted(set(self.listen_addresses), key=address_order)
        everywhere = {one.version for one in found if one.is_unspecified} == {4, 6}
        addresses = tuple(found) if self.listen_port and not everywhere else ()
        object.__setattr__(self, "listen_addresses", addresses)


@dataclass(frozen=True, slots=True, eq=False)
class RouteKey:
    """Identity of one local path; anything not named here is an attribute.

    The next hop belongs to the key: one address is advertised once per serving node,
    and without it ECMP shrinks to whichever node was written last. So does the speaker,
    where a replica has several: what one says, another need not.

    Half a million of these are hashed and compared in every plan, and ipaddress values do
    both in Python: the numbers are taken out once.
    """

    prefix: Prefix
    next_hop: Address
    speaker: int = 0  # which of the replica's speakers says it; each of them knows itself as 0
    order: tuple[int, int, int, int, int, int] = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prefix, hop = self.prefix, self.next_hop
        # prefix_order and address_order, taken apart: this runs for every path of every plan.
        order = (
            4 if isinstance(prefix, IPv4Network) else 6,
            int(prefix.network_address),
            prefix.prefixlen,
            4 if isinstance(hop, IPv4Address) else 6,
            int(hop),
            self.speaker,
        )
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "_hash", hash(order))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RouteKey) and self.order == other.order


@dataclass(frozen=True, slots=True)
class PathAttributes:
    """Path attributes we set ourselves; AS_PATH and ORIGIN follow from the speaker."""

    communities: tuple[str, ...] = ()  # "65000:100" or a well-known name (RFC 1997), sorted
    large_communities: tuple[str, ...] = ()  # "65000:1:2" (RFC 8092), sorted
    local_pref: int | None = None  # iBGP only (RFC 4271 section 5.1.5)
    med: int | None = None  # RFC 4271 section 5.1.4
    as_path_prepend: int = 0  # how often our own AS is added
    weight: int | None = None  # link bandwidth, relative (draft-ietf-idr-link-bandwidth)
    # False: routers that keep one path of the prefix are sent another one. No router hears this;
    # it decides which path the speaker takes for its best (RFC 4271 section 9.1).
    best: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Value of a :class:`RouteKey`: its attributes and the peers that may hear it."""

    attributes: PathAttributes
    peers: frozenset[PeerName]


@dataclass(frozen=True, slots=True)
class Bfd:
    """Timers of a BFD session (RFC 5880 section 6.8.1); in milliseconds, as users say them."""

    transmit_ms: int = 300
    receive_ms: int = 300
    multiplier: int = 3


@dataclass(frozen=True, slots=True)
class Neighbor:
    """The configured side of a session, as the speaker is told and reads it back."""

    address: Address
    asn: int
    port: int = 179
    hold_seconds: int = 9
    keepalive_seconds: int = 3
    connect_retry_seconds: int = 5
    families: tuple[Literal["ipv4-unicast", "ipv6-unicast"], ...] = (
        "ipv4-unicast",
        "ipv6-unicast",
    )
    add_path: bool = True
    local_as: int | None = None
    source_address: Address | None = None
    password: str | None = field(default=None, repr=False)  # TCP MD5 (RFC 2385): never shown
    multihop_ttl: int | None = None
    ttl_security: bool = False  # GTSM (RFC 5082)
    passive: bool = False
    graceful_restart_seconds: int | None = None  # RFC 4724; None: not offered
    bfd: Bfd | None = None

    def is_internal(self, asn: int) -> bool:
        """Whether the session is iBGP, our AS being *asn*: both sides show the same AS."""
        return self.asn == (self.local_as or asn)


# What a session learns in its OPEN, or its TCP connection is made with; a change of timers
# reaches the next session, or this one, without a reset.
_APPLIED_LIVE = frozenset({"hold_seconds", "keepalive_seconds", "connect_retry_seconds"})


def resets_session(observed: Neighbor, desired: Neighbor) -> tuple[str, ...]:
    """Return the fields whose change makes the session start anew, sorted; empty: none.

    BFD may come while a session lives. A change of it does not say goodbye to the router,
    which misses the old one and ends the session (FRR, BIRD and gobgpd 4.8, measured).
    """
    live = _APPLIED_LIVE if observed.bfd is not None else _APPLIED_LIVE | {"bfd"}
    return tuple(
        sorted(
            one.name
            for one in fields(Neighbor)
            if one.name not in live and getattr(observed, one.name) != getattr(desired, one.name)
        )
    )


LIVE: Final = "Established"  # RFC 4271 section 8.2.2
MANY_PREFIXES: Final = 1000  # of a router that should send us none: docs/reasons.md


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What the speaker says of one session; for status only, never desired."""

    state: str  # "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"
    established_at_s: int | None = None  # Unix seconds of the last transition to Established
    add_path_negotiated: bool = False
    families: tuple[str, ...] = ()
    ipv6_next_hops: bool = False  # the router takes them for IPv4 prefixes (RFC 8950)
    graceful_restart: bool = False  # both sides said so (RFC 4724): it keeps our paths for a while
    hold_seconds: int | None = None
    keepalive_seconds: int | None = None
    advertised_prefixes: int = 0
    advertised_paths: int = 0
    last_error: str = ""  # why it is not up, or why it was not: a clause that stays the same
    floods: bool = False  # the router sends far more than a router that should send us nothing
    # How many prefixes it sends, and for how many seconds (monotonic) this process has known
    # the session not to be up; both change by themselves: no news.
    received_prefixes: int = field(default=0, compare=False)
    down_s: float | None = field(default=None, compare=False)
    host_named: bool = False  # the router told its host name, as FRR does
    software: str = ""  # what the router says that it runs; few do
    bfd_state: str = ""  # "Up", "Down", "Init", "AdminDown" (RFC 5880); "": not asked for

    @property
    def live(self) -> bool:
        """Whether the session is up."""
        return self.state == LIVE


def route_order(key: RouteKey) -> tuple[int, ...]:
    """Sort key of routes: IPv4 first, then prefix, then next hop, then speaker."""
    return key.order
