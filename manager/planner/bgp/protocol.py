"""BGP as a protocol of the plan: its context, its contribution, its part.

Each is worked out in a module of its own; here they are put together.
"""

from dataclasses import dataclass

from manager.planner.bgp import advertise
from manager.planner.bgp.conditions import eip_conditions, resource_records, time_to_remark
from manager.planner.bgp.context import BgpContext, bgp_context
from manager.planner.bgp.paths import ServicePaths
from manager.planner.bgp.sessions import time_to_no_session, time_to_speak
from manager.planner.bgp.speaker_plans import speaker_plans
from manager.planner.contribution import Contribution, Judged, ProtocolPart, ServiceCase
from manager.planner.desired import Allocations
from manager.planner.grace_periods import NO_TIME
from manager.snapshot import Snapshot
from pointsman.model.address import Address


@dataclass(frozen=True, slots=True)
class Bgp:
    """Protocol `bgp`: routers are sent a path for each address and next hop."""

    def context(self, snapshot: Snapshot, allocations: Allocations) -> BgpContext:
        """Return routers, sessions and next hops, the same for all Services."""
        return bgp_context(snapshot, allocations)

    def contribute(self, case: ServiceCase, context: BgpContext) -> Contribution[ServicePaths]:
        """Return the paths of one Service and the verdict on them."""
        return advertise.contribute(case, context)

    def retained(self, addresses: tuple[Address, ...], context: BgpContext) -> ServicePaths:
        """Return the paths that our speakers hold and that lead to *addresses*."""
        found = {
            key: route
            for address in addresses
            for key, route in context.observed.covering(address).items()
        }
        return ServicePaths(retained=found)

    def part(self, context: BgpContext, judged: Judged[ServicePaths]) -> ProtocolPart:
        """Return what each speaker should be and send, and what our resources of BGP state."""
        snapshot, records = context.snapshot, resource_records(context)
        sessions = {name: context.peers.sessions_of(name) for name in context.peers.usable}
        remarks = time_to_remark(context)
        left = (
            remarks.total_seconds() if remarks > NO_TIME else None,
            time_to_speak(snapshot, records),
            time_to_no_session(snapshot, sessions),
        )
        return ProtocolPart(
            speakers=speaker_plans(context, judged),
            sessions=sessions,
            records=records,
            conditions=eip_conditions(context),
            again_s=min((one for one in left if one is not None), default=None),
        )
