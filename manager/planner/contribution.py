"""What a protocol is to the plan: what it is given of a Service, and what it gives back.

A protocol that an Eip names is one object in `planner.protocols`, a `ProtocolPlug`. The plan
asks it in this order: once for what it shares between Services (`context`), for each Service
and Eip what it contributes (`contribute`), and once for its own part of the Plan (`part`).
It refuses to know any protocol: what only one of them reads is of a type of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from manager.planner.desired import (
    Allocations,
    Announcement,
    Candidate,
    SpeakerPlan,
    SpeakerSession,
)
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.serving import Serving
from manager.snapshot import EipName, NodeName, Service, ServiceKey, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family
from pointsman.model.record import ConditionValue, ResourceKey, StatusRecord
from pointsman.model.route import PeerName
from pointsman.model.verdicts.base import Verdict

C = TypeVar("C")  # the context of a protocol
H = TypeVar("H")  # the hops that a protocol contributes
Conditions = Mapping[str, ConditionValue]  # by condition type


@dataclass(frozen=True, slots=True)
class ServiceCase:
    """A Service with those of its addresses that one Eip gave: hence of one protocol."""

    service: Service
    eip: EipName
    spec: EipSpec | None  # None: the Eip cannot be read; its addresses keep being served
    addresses: tuple[Address, ...]  # granted, in order
    recorded: frozenset[Address]  # of these: already in the Service's status
    nodes: Nodes
    serving: Mapping[Family, Serving]  # of the families that have an EndpointSlice


@dataclass(frozen=True, slots=True)
class RecordPart:
    """What the Service's own record says of it."""

    verdict: Verdict
    candidates: tuple[Candidate, ...] = ()
    carriers: tuple[str, ...] = ()  # for the annotation announced-by


@dataclass(frozen=True, slots=True)
class Contribution(Generic[H]):
    """What one protocol adds to the plan for one Service: what is written, and what is sent.

    *hops* say through which nodes its packets come in; only the protocol itself reads them.
    """

    record: RecordPart
    hops: H


@dataclass(frozen=True, slots=True)
class Judged(Generic[H]):
    """What came of all Services: the hops that one protocol gave, and every announcement."""

    hops: Mapping[ServiceKey, tuple[H, ...]]
    announcements: Mapping[ServiceKey, Announcement]


@dataclass(frozen=True, slots=True)
class ProtocolPart:
    """A protocol's own part of the Plan."""

    speakers: tuple[SpeakerPlan, ...] = ()
    sessions: Mapping[PeerName, tuple[SpeakerSession, ...]] = field(default_factory=dict)
    # Keys of the spec of each Node's Announcer, which are this protocol's alone.
    announcers: Mapping[NodeName, Mapping[str, object]] = field(default_factory=dict)
    records: Mapping[ResourceKey, StatusRecord] = field(default_factory=dict)  # of its own kinds
    conditions: Mapping[ResourceKey, Conditions] = field(default_factory=dict)  # on other records
    again_s: float | None = None  # after this time alone, its part may be another


class ProtocolPlug(Protocol[C, H]):
    """How a protocol makes addresses of Services reachable.

    It promises to be a function of what it is given: no memory, no order. It may not touch
    what another protocol contributes.
    """

    def context(self, snapshot: Snapshot, allocations: Allocations) -> C:
        """Return what is the same for all Services of one plan, as a value."""
        ...

    def contribute(self, case: ServiceCase, context: C) -> Contribution[H]:
        """Return what one Service comes to. What this raises becomes that Service's verdict."""
        ...

    def retained(self, addresses: tuple[Address, ...], context: C) -> H:
        """Return the hops that there are now to *addresses*, of a Service nobody could judge."""
        ...

    def part(self, context: C, judged: Judged[H]) -> ProtocolPart:
        """Return what this protocol adds to the plan for all Services together."""
        ...


Plug = ProtocolPlug[Any, Any]
