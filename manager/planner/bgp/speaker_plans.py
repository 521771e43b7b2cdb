"""What each of our speakers should be and send: the paths of all Services put together.

Where nothing can be decided, what a speaker has stays: without a BgpConf all of it, of a
router whose BgpPeer cannot be read its share.
"""

from collections.abc import Mapping
from dataclasses import replace

from manager.planner.bgp.context import BgpContext
from manager.planner.bgp.negotiated import takes_several
from manager.planner.bgp.path_limits import with_best_for, within_limits
from manager.planner.bgp.paths import Paths, ServicePaths
from manager.planner.bgp.peers import Peers, exports, identities, neighbors
from manager.planner.bgp.unreadable_peers import carried, with_retained
from manager.planner.contribution import Judged
from manager.planner.desired import SpeakerPlan
from manager.planner.nodes.address_owners import address_owners
from manager.snapshot import NodeName, Observed, Snapshot
from pointsman.api import BgpConfSpec
from pointsman.model.address import Address
from pointsman.model.route import PeerName, Route, RouteKey, route_order
from pointsman.model.verdicts.readiness import Disabled


def speaker_plans(context: BgpContext, judged: Judged[ServicePaths]) -> tuple[SpeakerPlan, ...]:
    """Return the plan of each speaker, in their order."""
    snapshot, peers = context.snapshot, context.peers
    if peers.conf is None:
        whose = address_owners(snapshot)
        return tuple(_unchanged(peers, observed, whose) for observed in snapshot.speakers)
    decided = _decided(context, peers.conf, judged)
    return _with_unreadable(context, judged, decided) if peers.unreadable else decided


def _decided(
    context: BgpContext, conf: BgpConfSpec, judged: Judged[ServicePaths]
) -> tuple[SpeakerPlan, ...]:
    snapshot, peers, paths = context.snapshot, context.peers, _together(context, judged)
    whose = address_owners(snapshot)
    routes = _by_speaker(
        within_limits(context, paths.all(), paths.joint), speakers=len(snapshot.speakers)
    )
    return tuple(
        SpeakerPlan(
            identity=one,
            exports=exports(peers, index),
            routes=routes[index],
            neighbors=neighbors(snapshot, peers, index),
            nodes=whose,
        )
        for index, one in enumerate(identities(snapshot, conf))
    )


def _together(context: BgpContext, judged: Judged[ServicePaths]) -> Paths:
    """Return the paths of all Services."""
    found = Paths()
    for key, each in judged.hops.items():
        grants = context.allocations.services[key].grants
        several = any(grant.address in context.common for grant in grants)
        for one in each:
            found.decide(one.routes)
            found.retain(one.retained)
            if several:
                found.join(route.prefix for route in one.routes)
    return found


def _by_speaker(every: dict[RouteKey, Route], *, speakers: int) -> list[dict[RouteKey, Route]]:
    if speakers == 1:  # nearly always, and a table may be large
        return [every]
    found: list[dict[RouteKey, Route]] = [{} for _ in range(speakers)]
    for key, route in every.items():
        found[key.speaker][key] = route
    return found


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
        first = replace(first, routes=routes)
    return (first, *further)


def _keeps_one_path(snapshot: Snapshot, name: PeerName) -> bool:
    """Whether a router whose BgpPeer cannot be read keeps one path, as far as is known."""
    session = snapshot.speakers[0].neighbors.get(name)
    off = session is not None and not session.add_path
    return off or takes_several(snapshot, name) is False


def _unchanged(peers: Peers, observed: Observed, whose: Mapping[Address, NodeName]) -> SpeakerPlan:
    """A running speaker keeps what it has, but for sessions ended by hand."""
    wanted = {n for n, verdict in peers.verdicts.items() if not isinstance(verdict, Disabled)}
    return SpeakerPlan(
        identity=None,
        exports=dict(sorted(observed.exports.items())),
        routes={key: observed.routes[key] for key in sorted(observed.routes, key=route_order)},
        neighbors={n: one for n, one in sorted(observed.neighbors.items()) if n in wanted},
        nodes=whose,
    )
