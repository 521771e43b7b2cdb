"""What each of our speakers should be and send: the paths of all Services put together.

Where nothing can be decided, what a speaker has stays: without a BgpConf all of it, of a
router whose BgpPeer cannot be read its share.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from operator import itemgetter

from manager.planner.bgp.bidding import BiddingMemo, among_replicas
from manager.planner.bgp.context import BgpContext
from manager.planner.bgp.graceful_shutdown import Marks, leaving_hops, marked_group
from manager.planner.bgp.negotiated import takes_several
from manager.planner.bgp.path_limits import with_best_for, within_limits
from manager.planner.bgp.paths import PrefixPaths, ServicePaths, together
from manager.planner.bgp.peers import Peers, exports, identities, neighbors
from manager.planner.bgp.unreadable_peers import carried, with_retained
from manager.planner.bgp.view import BgpView
from manager.planner.contribution import Judged
from manager.planner.desired import SpeakerPlan
from manager.snapshot import NodeName, Observed, ServiceKey, Snapshot
from pointsman.api import BgpConfSpec
from pointsman.model.address import Address, prefix_order
from pointsman.model.memo import Each, Index, Once
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.table import Group, Order, Table
from pointsman.model.verdicts.readiness import Disabled


class SpeakerPlansMemo:
    """The stages from the paths of each Service to the table of each speaker."""

    def __init__(self) -> None:
        self.retained = Each[ServiceKey, Mapping[RouteKey, Route]](_retained)
        self.wanted = Index[ServiceKey, Order, PrefixPaths](_wanted)
        self.groups = Each[Order, Group](_group)
        self.marks = Once[Marks](Marks)
        self.marked = Each[Order, Group](marked_group)
        self.bidding = BiddingMemo()
        self._shares: list[Each[Order, Group]] = []

    def share(self, speaker: int) -> Each[Order, Group]:
        """Return the last stage: what is one speaker's, as far as it holds it as it holds it."""
        while len(self._shares) <= speaker:
            self._shares.append(Each[Order, Group](_share))
        return self._shares[speaker]


def speaker_plans(
    context: BgpContext, judged: Judged[ServicePaths], memo: SpeakerPlansMemo
) -> tuple[SpeakerPlan, ...]:
    """Return the plan of each speaker, in their order."""
    snapshot, peers = context.snapshot, context.peers
    if peers.conf is None:
        held = zip(snapshot.speakers, context.observed.tables, strict=True)
        return tuple(_unchanged(peers, one, table, context.owners) for one, table in held)
    decided = _decided(context, peers.conf, judged, memo)
    return _with_unreadable(context, judged, decided) if peers.unreadable else decided


def _decided(
    context: BgpContext, conf: BgpConfSpec, judged: Judged[ServicePaths], memo: SpeakerPlansMemo
) -> tuple[SpeakerPlan, ...]:
    snapshot, peers = context.snapshot, context.peers
    groups, several = _together(context, judged, memo), len(snapshot.speakers) > 1
    if away := leaving_hops(snapshot, context.owners):  # it costs nothing while nobody leaves
        groups = memo.marked(memo.marks(away), groups)
    groups = among_replicas(snapshot, groups, memo.bidding)
    return tuple(
        SpeakerPlan(
            identity=one,
            exports=exports(peers, index),
            routes=Table(
                memo.share(index)(
                    index if several else None, groups, context.observed.tables[index].groups
                )
            ),
            neighbors=neighbors(snapshot, peers, index),
            nodes=context.owners,
        )
        for index, one in enumerate(identities(snapshot, conf))
    )


def _together(
    context: BgpContext, judged: Judged[ServicePaths], memo: SpeakerPlansMemo
) -> Mapping[Order, Group]:
    """Return the paths of all Services, by prefix."""
    groups = memo.groups(context.view, memo.wanted(judged.hops))
    retained = [
        *memo.retained(None, judged.hops).values(),
        *(one.retained for one in judged.unjudged.values()),
    ]
    return _with_retained(context.view, groups, retained) if any(retained) else groups


def _wanted(_: ServiceKey, each: tuple[ServicePaths, ...]) -> Iterator[tuple[Order, PrefixPaths]]:
    """Yield the paths of one Service, by prefix: several of its addresses may lie in one."""
    if len(each) == 1 and len(each[0].wanted) == 1:  # nearly always
        one = each[0].wanted[0]
        yield prefix_order(one.prefix), one
        return
    found: dict[Order, list[PrefixPaths]] = {}
    for one in (paths for service in each for paths in service.wanted):
        found.setdefault(prefix_order(one.prefix), []).append(one)
    for order, many in found.items():
        yield order, PrefixPaths(many[0].prefix, together(one.hops for one in many))


def _retained(_: None, each: tuple[ServicePaths, ...]) -> Mapping[RouteKey, Route] | None:
    return {key: route for one in each for key, route in one.retained.items()} or None


def _group(view: BgpView, wanted: Mapping[ServiceKey, PrefixPaths]) -> Group:
    """Return the paths of one prefix, of all who contribute to it."""
    first, *rest = wanted.values()
    if not rest:
        return Group(first.prefix, first.hops)
    hops = together(one.hops for one in wanted.values())
    alike = all(one.hops is first.hops or one.hops == first.hops for one in rest)
    return Group(first.prefix, hops if alike else within_limits(view, first.prefix, hops))


def _with_retained(
    view: BgpView, groups: Mapping[Order, Group], retained: Iterable[Mapping[RouteKey, Route]]
) -> Mapping[Order, Group]:
    """Return *groups* with what stays that nobody decides; what is decided comes first."""
    table = Table.of({key: route for one in retained for key, route in one.items()})
    found: dict[Order, Group] = {}
    for order, group in table.groups.items():
        decided = groups.get(order)
        hops = {**group.hops, **decided.hops} if decided is not None else group.hops
        found[order] = Group(group.prefix, within_limits(view, group.prefix, hops))
    return dict(sorted({**groups, **found}.items(), key=itemgetter(0)))


def _share(speaker: int | None, group: Group, observed: Group | None) -> Group | None:
    """Return what one *speaker* sends of a prefix: *observed* itself, where that is the same.

    None: there is only one.
    """
    if speaker is not None:
        hops = {hop: route for hop, route in group.hops.items() if hop[1] == speaker}
        group = Group(group.prefix, hops)
    if observed is not None and observed == group:
        return observed
    return group or None


def _with_unreadable(
    context: BgpContext, judged: Judged[ServicePaths], decided: tuple[SpeakerPlan, ...]
) -> tuple[SpeakerPlan, ...]:
    """Return *decided* with what speakers have of routers whose BgpPeer cannot be read."""
    snapshot, unreadable = context.snapshot, context.peers.unreadable
    by = carried(context.allocations.services, judged.announcements)
    pairs = zip(decided, snapshot.speakers, strict=True)
    first, *further = (
        with_retained(plan, observed, unreadable=unreadable, by=by) for plan, observed in pairs
    )
    single = frozenset(n for n in unreadable if _keeps_one_path(snapshot, n))
    if single:
        routes = with_best_for(first.routes, single, context.peers.single)
        first = replace(first, routes=Table.of(routes))
    return (first, *further)


def _keeps_one_path(snapshot: Snapshot, name: PeerName) -> bool:
    """Whether a router whose BgpPeer cannot be read keeps one path, as far as is known."""
    session = snapshot.speakers[0].neighbors.get(name)
    off = session is not None and not session.add_path
    return off or takes_several(snapshot, name) is False


def _unchanged(
    peers: Peers, observed: Observed, table: Table, whose: Mapping[Address, NodeName]
) -> SpeakerPlan:
    """A running speaker keeps what it has, but for sessions ended by hand."""
    wanted = {n for n, verdict in peers.verdicts.items() if not isinstance(verdict, Disabled)}
    return SpeakerPlan(
        identity=None,
        exports=dict(sorted(observed.exports.items())),
        routes=table,
        neighbors={n: one for n, one in sorted(observed.neighbors.items()) if n in wanted},
        nodes=whose,
    )
