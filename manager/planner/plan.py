"""The plan: from one snapshot to the complete desired state, and the reasons for it.

Pure. It knows no protocol: each of them judges the Services of its Eips and adds a part of
its own. What judging one Service raises becomes that Service's verdict and is returned for
the shell to log; whatever else raises is a bug and goes through.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.addresses.ownership import PartitionMemo, partition_services
from manager.planner.addresses.pools import PoolsMemo, read_pools
from manager.planner.addresses.source_plans import SourcePlansMemo
from manager.planner.announcer_specs import joined
from manager.planner.contribution import Context, Judged, Plug
from manager.planner.desired import Allocations, Plan
from manager.planner.judging import Judgement, JudgingMemo, judge
from manager.planner.nodes.leaving import leaving
from manager.planner.nodes.manager_endpoints import Managers, heartbeat_spec, managers_of
from manager.planner.nodes.watched import WatchedMemo
from manager.planner.protocols import PROTOCOLS, lets_go
from manager.planner.records import eip_records, with_conditions
from manager.snapshot import Announcer, Node, NodeName, Snapshot
from pointsman.api import Protocol
from pointsman.model.memo import Each
from pointsman.model.record import AnnouncerRecord
from pointsman.model.version import changed, same

# What of a snapshot concerns single Services, and what no stage is worked out anew for: times, and
# what speakers hold, which changes with every path.
_BY_SERVICE: Final = frozenset({"services", "endpoint_slices", "pending", "speakers", "taken_at"})


class Memo:
    """What was worked out for the plan before: a plan with it is the plan without, sooner.

    Of one process, for one plan at a time. After a plan that raised, a new one is needed.
    """

    def __init__(self, protocols: Mapping[Protocol, Plug] = PROTOCOLS) -> None:
        self.protocols = protocols
        self.pools, self.partition = PoolsMemo(), PartitionMemo()
        self.allocation, self.sources = AllocationMemo(), SourcePlansMemo()
        self.judging = JudgingMemo(protocols)
        self.plugs = {name: plug.memo() for name, plug in protocols.items()}
        self.watched = WatchedMemo(lets_go)
        self.announcers = Each[NodeName, AnnouncerRecord](_announcer)
        self._seen: Snapshot | None = None

    def to_be_judged(self, snapshot: Snapshot) -> int:
        """Return how many Services a plan of *snapshot* looks at, or how many it might."""
        before, services = self._seen, snapshot.services
        if before is None or any(
            not same(getattr(before, one.name), getattr(snapshot, one.name))
            for one in fields(Snapshot)
            if one.name not in _BY_SERVICE
        ):
            return len(services)
        slices = changed(snapshot.endpoint_slices, before.endpoint_slices)
        return len(changed(services, before.services)) + len(slices)

    def saw(self, snapshot: Snapshot) -> None:
        """Note that a plan of *snapshot* was made."""
        self._seen = snapshot


def plan(
    snapshot: Snapshot,
    protocols: Mapping[Protocol, Plug] = PROTOCOLS,
    memo: Memo | None = None,
) -> Plan:
    """Return everything that should be, given everything that is.

    *memo*: of the same *protocols*; it makes no difference but to the time that it takes.
    """
    memo = memo or Memo(protocols)
    away = leaving(snapshot)
    snapshot = replace(snapshot, leaving=away.nodes) if away.nodes else snapshot
    memo.saw(snapshot)
    pools = read_pools(snapshot, memo.pools)
    services = partition_services(snapshot, pools, memo.partition)
    allocations = allocate(snapshot, services.ours, pools=pools, memo=memo.allocation)
    contexts = {
        name: plug.context(snapshot, allocations, memo.plugs[name])
        for name, plug in protocols.items()
    }
    judgement = judge(
        snapshot,
        services.ours,
        allocations,
        plugs=protocols,
        contexts=contexts,
        memo=memo.judging,
    )
    parts = [
        plug.part(
            contexts[name],
            _judged(name, plug, contexts[name], allocations, judgement),
            memo.plugs[name],
        )
        for name, plug in protocols.items()
    ]
    records = eip_records(snapshot, allocations)
    for part in parts:
        records.update(part.records)
    own = (away.again_s, allocations.again_s, judgement.again_s)
    waits = (*own, *(part.again_s for part in parts))
    return Plan(
        allocations=allocations,
        announcements=judgement.announcements,
        speakers=tuple(speaker for part in parts for speaker in part.speakers),
        services=judgement.records,
        statuses=with_conditions(records, [part.conditions for part in parts]),
        announcers=memo.announcers(
            managers_of(snapshot),
            snapshot.nodes,
            snapshot.announcers,
            away.specs,
            memo.watched(snapshot, pools, allocations),
            *[part.announcers for part in parts],
        ),
        left_alone=services.left_alone,
        failures=(*allocations.failures, *judgement.failures),
        again_s=min((one for one in waits if one is not None), default=None),
        sources=memo.sources(snapshot, services.ours, allocations),
        sessions={name: sessions for part in parts for name, sessions in part.sessions.items()},
        answers={address: mac for part in parts for address, mac in part.answers.items()},
    )


def _judged(
    name: Protocol,
    plug: Plug,
    context: Context[Any],
    allocations: Allocations,
    judgement: Judgement,
) -> Judged[Any]:
    """Return what came of all Services for one protocol.

    Of a Service that nobody could judge, each protocol keeps what it has that leads there.
    """
    unjudged = {
        key: plug.retained(
            tuple(grant.address for grant in allocations.services[key].grants), context
        )
        for key in judgement.unjudged
    }
    return Judged(judgement.hops[name], unjudged, judgement.announcements)


def _announcer(
    managers: Managers,
    node: Node,
    announcer: Announcer | None,
    *specs: Mapping[str, object] | None,
) -> AnnouncerRecord:
    """Return the Announcer of one Node: its owner, and what each protocol asks of its agent."""
    heard = heartbeat_spec(managers, node, announcer)
    return AnnouncerRecord(owner=node.uid, spec=joined((heard, *specs)))
