"""What a protocol is to the plan: what it is given of a Service, and what it gives back.

A protocol that an Eip names is one object in `planner.protocols`, a `ProtocolPlug`. The plan
asks it in this order: once for what it shares between Services (`context`), for each Service
and Eip what it contributes (`contribute`) and what of that its record states (`record`), and
once for its own part of the Plan (`part`). It refuses to know any protocol: what only one of
them reads is of a type of its own.

What stands of single addresses (a node's spec holds one, say) is the context's `standing`: each
Service's record is given what stands of its own addresses, and states it anew only when that
changes. Where the protocol of an Eip is changed, the old one goes on with an address until the new
one has it `there`: it is asked what it contributes to a case of which nothing is `recorded`, which
is what it has already and nothing new.

Services are judged anew only where what they depend on changed. So what `contribute` may look at
is the case, with the context's `terms` of its Eip and what stands of its own addresses, and the
context's `view`; what `record` may look at is the finding and the context's `stated`: frozen
values, which are compared with those of the plan before. Nothing in them may change by time alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from manager.planner.desired import (
    Allocations,
    Announcement,
    Candidate,
    Grant,
    SpeakerPlan,
    SpeakerSession,
)
from manager.planner.nodes.election import Number
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.serving import Serving
from manager.snapshot import EipName, NodeName, Service, ServiceKey, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family
from pointsman.model.record import ConditionValue, ResourceKey, StatusRecord
from pointsman.model.route import PeerName
from pointsman.model.verdicts.base import Verdict

F = TypeVar("F")  # what a protocol finds of a Service: its record states it
H = TypeVar("H")  # the hops that a protocol contributes
Conditions = Mapping[str, ConditionValue]  # by condition type
Standing = Mapping[Number, Any]  # what stands of each address: frozen values


@dataclass(frozen=True, slots=True)
class ServiceCase:
    """A Service with those of its addresses that one Eip gave: hence of one protocol."""

    service: Service
    eip: EipName
    spec: EipSpec | None  # None: the Eip cannot be read; its addresses keep being served
    grants: tuple[Grant, ...]  # of this Eip, in order
    recorded: frozenset[Address]  # of these: already in the Service's status
    shared: frozenset[Address]  # of these: other Services have them, too
    nodes: Nodes
    serving: Mapping[Family, Serving]  # of the families that have an EndpointSlice
    slices_awaited: bool = False  # it is too early to say that it has none
    # What `observed` returned; None: all is recorded and announced, so nobody has to look.
    observed: Any = None
    terms: Any = None  # what the context has for its Eip; None: nothing
    # What stands of the Service's addresses by this protocol.
    standing: Standing = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(grant.address for grant in self.grants)


@dataclass(frozen=True, slots=True)
class RecordPart:
    """What the Service's own record says of it."""

    verdict: Verdict
    carriers: tuple[str, ...] = ()  # for the annotation announced-by


@dataclass(frozen=True, slots=True)
class Contribution(Generic[F, H]):
    """What one protocol finds of one Service and Eip.

    *hops* say through which nodes its packets come in; only the protocol itself reads them. They
    change with the nodes; the *finding* is all that the record depends on, and seldom does.
    """

    finding: F
    hops: H
    candidates: tuple[Candidate, ...] = ()  # every node that was considered, by name


@dataclass(frozen=True, slots=True)
class Context(Generic[H]):
    """What one protocol shares between the Services of one plan."""

    view: Any  # what `contribute` may look at: frozen
    stated: Any = None  # what `record` may look at: frozen
    whole: Any = None  # what the others look at, once in every plan
    # What stands of each address that anything stands of. None: that is not known by address, and
    # a Service is taken to be announced while its condition says so.
    standing: Standing | None = None
    # How a word of announced-by ends that says that agents have done what stands. Until a record
    # has one, it is looked at again; (): what stands is announced at once.
    confirmed_by: tuple[str, ...] = ()
    # By Eip, what `contribute` may look at for its Services only: nobody else is judged for it.
    terms: Mapping[EipName, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged(Generic[H]):
    """What came of all Services: the hops that one protocol gave, and every announcement."""

    hops: Mapping[ServiceKey, tuple[H, ...]]
    unjudged: Mapping[ServiceKey, H]  # of Services that nobody could judge: what is retained
    announcements: Mapping[ServiceKey, Announcement]

    def of_all(self) -> Mapping[ServiceKey, tuple[H, ...]]:
        """Return the hops, and what is retained; while all is judged, the very same mapping."""
        if not self.unjudged:
            return self.hops
        retained = {key: (one,) for key, one in self.unjudged.items()}
        return dict(sorted({**self.hops, **retained}.items()))


@dataclass(frozen=True, slots=True)
class ProtocolPart:
    """A protocol's own part of the Plan."""

    speakers: tuple[SpeakerPlan, ...] = ()
    sessions: Mapping[PeerName, tuple[SpeakerSession, ...]] = field(default_factory=dict)
    # Keys of the spec of each Node's Announcer: see `manager.planner.announcer_specs`.
    announcers: Mapping[NodeName, Mapping[str, object]] = field(default_factory=dict)
    records: Mapping[ResourceKey, StatusRecord] = field(default_factory=dict)  # of its own kinds
    conditions: Mapping[ResourceKey, Conditions] = field(default_factory=dict)  # on other records
    # Addresses that the leading manager answers for itself, each with its node's MAC.
    answers: Mapping[Address, bytes] = field(default_factory=dict)
    again_s: float | None = None  # after this time alone, its part may be another


class ProtocolPlug(Protocol[F, H]):
    """How a protocol makes addresses of Services reachable.

    It promises to be a function of what it is given: no memory but its memo, no order. It may
    not touch what another protocol contributes.
    """

    def memo(self) -> Any:
        """Return a new memo of its own stages (pointsman.model.memo): it only saves work."""
        ...

    def context(self, snapshot: Snapshot, allocations: Allocations, memo: Any) -> Context[H]:
        """Return what is the same for all Services of one plan, as values."""
        ...

    def observed(self, addresses: tuple[Address, ...], context: Context[H]) -> object:
        """Return what is there now of *addresses* that are not all recorded and announced.

        A frozen value, for `contribute`: whatever else is there, nobody has to look at.
        """
        ...

    def contribute(self, case: ServiceCase, view: Any) -> Contribution[F, H]:
        """Return what one Service comes to. What this raises becomes that Service's verdict.

        Nothing is contributed anew to addresses that are not recorded: what is there may stay.
        """
        ...

    def holds(self, addresses: tuple[Address, ...], context: Context[H]) -> bool:
        """Whether anything is there now by which *addresses* are reached."""
        ...

    def there(self, finding: F, standing: Standing) -> Collection[str]:
        """Return the addresses of *finding* that are reachable now: other protocols let go of them.

        *standing*: what stands of the Service's addresses.
        """
        ...

    def record(self, service: Service, finding: F, stated: Any, standing: Standing) -> RecordPart:
        """Return what the record of *service* states. What this raises becomes its verdict.

        *standing*: what stands of its addresses.
        """
        ...

    def retained(self, addresses: tuple[Address, ...], context: Context[H]) -> H:
        """Return the hops that there are now to *addresses*, of a Service nobody could judge."""
        ...

    def part(self, context: Context[H], judged: Judged[H], memo: Any) -> ProtocolPart:
        """Return what this protocol adds to the plan for all Services together."""
        ...


Plug = ProtocolPlug[Any, Any]
