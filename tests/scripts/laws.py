"""What must be so whenever a story has settled, however it was told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.snapshot import Snapshot
from pointsman.model.delta import delta
from tests.scripts.world import Paths, World, written


def hold(world: World, decided: Plan) -> None:
    """Raise unless the laws hold for *world*, which has settled on *decided*."""
    snapshot = world.snapshot()
    same_snapshot_same_plan(snapshot, decided)
    applied_means_converged(snapshot, decided)
    no_address_twice(snapshot)


def same_snapshot_same_plan(snapshot: Snapshot, decided: Plan) -> None:
    for seen in (snapshot, turned(snapshot)):
        found = plan(seen)
        assert found == decided
        assert list(found.routes) == list(decided.routes)
        assert list(found.services) == list(decided.services)
        assert list(found.statuses) == list(decided.statuses)


def applied_means_converged(snapshot: Snapshot, decided: Plan) -> None:
    for speaker_plan, observed in zip(decided.speakers, snapshot.speakers, strict=True):
        assert not delta(speaker_plan.routes, observed.routes)
        assert not delta(speaker_plan.neighbors, observed.neighbors)
        assert not delta(speaker_plan.exports, observed.exports)
        assert speaker_plan.identity in (None, observed.identity)
    there = written(snapshot)
    assert not delta(decided.services, there.services)
    assert not delta(decided.statuses, there.statuses)


def no_address_twice(snapshot: Snapshot) -> None:
    holders: dict[str, list[str]] = {}
    for key, service in snapshot.services.items():
        for entry in service.ingress:
            if "pointsman.dev/shared-as" not in service.annotations:
                holders.setdefault(entry.ip, []).append(key)
    assert not {ip: keys for ip, keys in holders.items() if len(keys) > 1}


def nothing_lost_on_the_way(tables: list[Paths]) -> None:
    """A path that is there before and after a change is there all the while."""
    lasting = tables[0] & tables[-1]
    for number, between in enumerate(tables):
        assert lasting <= between, f"round {number} lost {lasting - between}"


def turned(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with every mapping and every bag of objects the other way round."""

    def back(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
        return dict(reversed(list(mapping.items())))

    speakers = tuple(
        replace(
            seen,
            exports=back(seen.exports),
            routes=back(seen.routes),
            neighbors=back(seen.neighbors),
            sessions=back(seen.sessions),
        )
        for seen in snapshot.speakers
    )
    return replace(
        snapshot,
        services=back(snapshot.services),
        endpoint_slices=tuple(reversed(snapshot.endpoint_slices)),
        nodes=back(snapshot.nodes),
        namespaces=back(snapshot.namespaces),
        eips=back(snapshot.eips),
        bgp_confs=back(snapshot.bgp_confs),
        bgp_peers=back(snapshot.bgp_peers),
        announcers=back(snapshot.announcers),
        speakers=speakers,
    )
