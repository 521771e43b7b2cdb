"""BGP as a protocol of the plan: its context, its contribution, its part.

Each is worked out in a module of its own; here they are put together.
"""

from collections.abc import Collection
from dataclasses import dataclass

from manager.planner.bgp import advertise, finding
from manager.planner.bgp.conditions import (
    eip_conditions,
    joined,
    resource_records,
    time_to_remark,
)
from manager.planner.bgp.context import BgpContext, ContextMemo, bgp_context
from manager.planner.bgp.discards import DiscardsMemo, unguarded_conditions
from manager.planner.bgp.finding import Finding, Looked
from manager.planner.bgp.paths import ServicePaths
from manager.planner.bgp.sessions import time_to_no_session, time_to_speak
from manager.planner.bgp.speaker_plans import SpeakerPlansMemo, speaker_plans
from manager.planner.bgp.view import BgpView
from manager.planner.contribution import (
    Context,
    Contribution,
    Judged,
    ProtocolPart,
    RecordPart,
    ServiceCase,
    Standing,
)
from manager.planner.desired import Allocations
from manager.planner.grace_periods import NO_TIME
from manager.snapshot import Service, Snapshot
from pointsman.model.address import Address
from pointsman.model.route import PeerName


class BgpMemo:
    """The stages of this protocol."""

    def __init__(self) -> None:
        self.context = ContextMemo()
        self.speaker_plans = SpeakerPlansMemo()
        self.discards = DiscardsMemo()


@dataclass(frozen=True, slots=True)
class Bgp:
    """Protocol `bgp`: routers are sent a path for each address and next hop."""

    def memo(self) -> BgpMemo:
        """Return the stages of this protocol, empty."""
        return BgpMemo()

    def context(
        self, snapshot: Snapshot, allocations: Allocations, memo: BgpMemo
    ) -> Context[ServicePaths]:
        """Return routers, sessions and next hops, the same for all Services."""
        whole = bgp_context(snapshot, allocations, memo.context)
        return Context(whole.view, stated=whole.lost, whole=whole, terms=whole.policies)

    def observed(self, addresses: tuple[Address, ...], context: Context[ServicePaths]) -> Looked:
        """Return the paths to *addresses* that our speakers hold, and who is there to hear them."""
        whole: BgpContext = context.whole
        groups = [
            group for one in addresses for group in whole.observed.leading_to(one, whole.lengths)
        ]
        return Looked(tuple(groups), whole.fresh, whole.connected)

    def contribute(self, case: ServiceCase, view: BgpView) -> Contribution[Finding, ServicePaths]:
        """Return the paths of one Service, and what its record states of them."""
        return advertise.contribute(case, view)

    def holds(self, addresses: tuple[Address, ...], context: Context[ServicePaths]) -> bool:
        """Whether our speakers hold a path to one of *addresses*."""
        whole: BgpContext = context.whole
        return any(map(whole.observed.holds, addresses))

    def there(self, found: Finding, standing: Standing) -> Collection[str]:
        """Return the addresses that the speakers have all paths of, and a router to send them."""
        return finding.there(found)

    def record(
        self, service: Service, found: Finding, lost: frozenset[PeerName], standing: Standing
    ) -> RecordPart:
        """Return what the record of *service* states."""
        return finding.record(service, found, lost)

    def retained(
        self, addresses: tuple[Address, ...], context: Context[ServicePaths]
    ) -> ServicePaths:
        """Return the paths that our speakers hold and that lead to *addresses*."""
        whole: BgpContext = context.whole
        found = {
            key: route
            for address in addresses
            for key, route in whole.observed.covering(address).items()
        }
        return ServicePaths(retained=found)

    def part(
        self, context: Context[ServicePaths], judged: Judged[ServicePaths], memo: BgpMemo
    ) -> ProtocolPart:
        """Return what each speaker should be and send, and what our resources of BGP state."""
        whole: BgpContext = context.whole
        snapshot, records = whole.snapshot, resource_records(whole)
        sessions = {name: whole.peers.sessions_of(name) for name in whole.peers.usable}
        remarks = time_to_remark(whole)
        left = (
            remarks.total_seconds() if remarks > NO_TIME else None,
            time_to_speak(snapshot, records),
            time_to_no_session(snapshot, sessions),
        )
        speakers = speaker_plans(whole, judged, memo.speaker_plans)
        discards = memo.discards(snapshot, whole.owners, speakers)
        return ProtocolPart(
            speakers=speakers,
            announcers=discards.specs,
            sessions=sessions,
            records=records,
            conditions=joined(eip_conditions(whole), unguarded_conditions(whole, discards)),
            again_s=min((one for one in left if one is not None), default=None),
        )
