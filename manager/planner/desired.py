"""What a plan holds: the complete desired state, and the reasons for it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from manager.snapshot import EipName, NodeName, ServiceKey, Snapshot
from pointsman.model.address import Address, Prefix, host_prefix
from pointsman.model.ranges import AddressSet
from pointsman.model.record import AnnouncerRecord, ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.reservation import ReservationKey, SourcePlan
from pointsman.model.route import (
    Neighbor,
    PeerName,
    Route,
    RouteKey,
    SpeakerIdentity,
    route_order,
)
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Grant:
    """One address of one Service, and the Eip it is allocated from (None: it lies in no Eip)."""

    address: Address
    eip: EipName | None
    host: Prefix = field(init=False, repr=False, compare=False)  # the host route of it
    text: str = field(init=False, repr=False, compare=False)  # the address, as a record has it

    def __post_init__(self) -> None:
        # Dear to make, both, and asked for whenever a node changes.
        object.__setattr__(self, "host", host_prefix(self.address))
        object.__setattr__(self, "text", str(self.address))


@dataclass(frozen=True, slots=True)
class Refusal:
    """An Eip (or an address) that was considered for a Service and not used, and why."""

    candidate: str  # "Eip public", "198.51.100.7"
    why: str


@dataclass(frozen=True, slots=True)
class SourceAsk:
    """What the IPAM of an Eip is asked for: some address for a key, or this one.

    *within*: only these will do; None: whatever it has. An address that is reserved already is
    asked for as long as its Service waits for another.
    """

    eip: EipName
    key: ReservationKey
    address: Address | None = None
    within: AddressSet | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The addresses a Service has after this plan, in order of its families, and why."""

    grants: tuple[Grant, ...]
    verdict: Verdict
    shared_as: str | None = None  # the annotation's value; None: not shared
    hints: tuple[tuple[EipName, Address], ...] = ()  # what it had once and no Eip gives it now
    refusals: tuple[Refusal, ...] = ()
    asks: tuple[SourceAsk, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of addresses per family; Python's integers are exact for a /48 of IPv6."""

    ipv4: int = 0
    ipv6: int = 0


@dataclass(frozen=True, slots=True)
class EipUsage:
    """What one Eip holds, and how much of it is used."""

    ready: Verdict
    capacity: Counts = Counts()
    allocated: Counts = Counts()
    available: Counts = Counts()
    services: int = 0
    in_use: bool = False  # the finalizer stays


@dataclass(frozen=True, slots=True)
class Allocations:
    """What allocation decides: every Service of ours, every Eip."""

    services: Mapping[ServiceKey, Allocation]
    eips: Mapping[EipName, EipUsage]
    failures: tuple[tuple[str, Exception], ...] = ()  # ("Service ns/name", what judging it raised)
    again_s: float | None = None  # until somebody leaves an address that it shared
    # What IPAMs are asked for, whose turn it is first; and what is given up by Services that have
    # it by their status yet, or by routes: with the Eip it is of, and who has it (None: nobody).
    asks: Mapping[ServiceKey, tuple[SourceAsk, ...]] = field(default_factory=dict)
    lingering: Mapping[Address, tuple[EipName, tuple[ServiceKey, ...]]] = field(
        default_factory=dict
    )
    # Of the Services' grants, those that an Eip counts as its own: what follows from them, so
    # it makes no difference.
    held: Container[Address] = field(default=frozenset(), repr=False, compare=False)
    common: frozenset[Address] = field(default=frozenset(), repr=False, compare=False)  # by several
    # Who holds each from which Eip, by IP version and number.
    holders: Mapping[tuple[int, int], Mapping[ServiceKey, EipName]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def holds(self, address: Address) -> bool:
        """Whether any Service has *address* from an Eip; what lies in none is nobody's VIP."""
        return address in self.held


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and whether it carries a Service's traffic; *excluded_by* says why not."""

    node: NodeName
    excluded_by: str = ""  # a clause such as "is not Ready"; "": it carries
    despite: str = ""  # it carries although this would exclude it ("" when nothing would)


@dataclass(frozen=True, slots=True)
class Announcement:
    """How the addresses of one Service become reachable, and why (not)."""

    verdict: Verdict
    candidates: tuple[Candidate, ...] = ()  # every node that was considered, by name


@dataclass(frozen=True, slots=True)
class SpeakerSession:
    """One session with a router: which of the replica's speakers has it, and from where."""

    speaker: int = 0
    source: Address | None = None  # None: whichever address the host chooses


@dataclass(frozen=True, slots=True)
class SpeakerPlan:
    """What one of this replica's speakers should run as, and advertise to whom."""

    identity: SpeakerIdentity | None = None  # None: no BgpConf; a running speaker keeps its own
    exports: Mapping[PeerName, Address] = field(default_factory=dict)
    routes: Mapping[RouteKey, Route] = field(default_factory=dict)
    neighbors: Mapping[PeerName, Neighbor] = field(default_factory=dict)
    nodes: Mapping[Address, NodeName] = field(default_factory=dict)  # whose each next hop is


@dataclass(frozen=True, slots=True)
class Plan:
    """The complete desired state and every verdict behind it."""

    allocations: Allocations
    announcements: Mapping[ServiceKey, Announcement]
    speakers: tuple[SpeakerPlan, ...]  # one for each speaker of the replica
    services: Mapping[ServiceKey, ServiceRecord]
    statuses: Mapping[ResourceKey, StatusRecord]
    announcers: Mapping[NodeName, AnnouncerRecord]  # of each Node
    left_alone: Mapping[ServiceKey, Verdict]  # not ours, though without class
    failures: tuple[tuple[str, Exception], ...] = ()  # what judging an object raised
    again_s: float | None = None  # after this time alone, the plan may be another
    # of the BgpPeers that are used
    sessions: Mapping[PeerName, tuple[SpeakerSession, ...]] = field(default_factory=dict)
    # What the IPAMs of Eips are asked for and told, by Eip.
    sources: Mapping[EipName, SourcePlan] = field(default_factory=dict)
    # Addresses that the leader answers for itself, on its own network, each with its node's MAC.
    answers: Mapping[Address, bytes] = field(default_factory=dict)

    @property
    def routes(self) -> Mapping[RouteKey, Route]:
        """Return what all speakers together should advertise, in order."""
        if len(self.speakers) == 1:
            return self.speakers[0].routes
        found = {key: route for one in self.speakers for key, route in one.routes.items()}
        return {key: found[key] for key in sorted(found, key=route_order)}


@dataclass(frozen=True, slots=True)
class Finished:
    """A plan, what it was made of, and how long that took, in seconds."""

    snapshot: Snapshot
    plan: Plan
    took_s: float = 0.0
