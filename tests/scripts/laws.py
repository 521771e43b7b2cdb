"""What must be so whenever a story has settled, however it was told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from manager.planner.announcer_specs import as_read_back
from manager.planner.desired import Plan
from manager.snapshot import Snapshot
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.delta import delta
from pointsman.model.names import ANNOUNCED, ANNOUNCED_BY
from pointsman.model.record import ServiceRecord
from pointsman.model.reservation import ReservationState
from pointsman.model.verdicts.announcement import Announced
from tests.manager.planner.evolving.compared import differences
from tests.manager.planner.evolving.warm import WarmPlanner
from tests.scripts.readings import assigned, on_nodes, written
from tests.scripts.world import Paths, World


def hold(world: World, decided: Plan) -> None:
    """Raise unless the laws hold for *world*, which has settled on *decided*."""
    snapshot = world.snapshot()
    same_snapshot_same_plan(world.planner, snapshot, decided)
    applied_means_converged(snapshot, decided)
    no_address_twice(snapshot)
    exactly_one_owner(world, snapshot, decided)
    whoever_is_named_has_it(snapshot, decided)
    what_is_held_is_written_there(world, decided)


def what_is_held_is_written_there(world: World, decided: Plan) -> None:
    """At rest each IPAM that answers has what its Eip's Services have, and nothing else of ours."""
    for name, source in decided.sources.items():
        ipam = world.ipams.get(name)
        if ipam is None or ipam.away:
            continue
        held = {
            address: one.key
            for address, one in ipam.entries.items()
            if one.state is ReservationState.HELD and address not in ipam.foreign
        }
        mine = dict(source.owners)
        assert source.held.keys() == mine.keys()
        waiting = {key for key in source.requests if key not in ipam.refusals}
        assert not waiting, "what is asked for and not refused is there, and then granted"
        foreign = ipam.foreign.keys()
        assert held == {address: key for address, key in mine.items() if address not in foreign}
        for key, allocation in decided.allocations.services.items():
            for grant in allocation.grants:
                if grant.eip == name:
                    assert key in source.held[grant.address].services


def same_snapshot_same_plan(planner: WarmPlanner, snapshot: Snapshot, decided: Plan) -> None:
    for seen in (snapshot, turned(snapshot)):
        assert not differences(planner(seen), decided)


def applied_means_converged(snapshot: Snapshot, decided: Plan) -> None:
    for speaker_plan, observed in zip(decided.speakers, snapshot.speakers, strict=True):
        assert not delta(speaker_plan.routes, observed.routes)
        assert not delta(speaker_plan.neighbors, observed.neighbors)
        assert not delta(speaker_plan.exports, observed.exports)
        assert speaker_plan.identity in (None, observed.identity)
    there = written(snapshot)
    assert not delta(decided.services, there.services)
    assert not delta(decided.statuses, there.statuses)
    for name, one in snapshot.announcers.items():
        record = decided.announcers.get(name)
        assert as_read_back(one, record.spec if record is not None else {}) is one


def no_address_twice(snapshot: Snapshot) -> None:
    holders: dict[str, list[str]] = {}
    for key, service in snapshot.services.items():
        for entry in service.ingress:
            if "pointsman.dev/shared-as" not in service.annotations:
                holders.setdefault(entry.ip, []).append(key)
    assert not {ip: keys for ip, keys in holders.items() if len(keys) > 1}


def exactly_one_owner(world: World, snapshot: Snapshot, decided: Plan) -> None:
    """No address stood at two nodes at any moment, and at rest it stands where it may."""
    for moment in world.assigned:
        assert not {address: at for address, at in moment.items() if len(at) > 1}
    announced = {
        owner.address: f"{owner.node}/{owner.interface}"
        for one in decided.announcements.values()
        if isinstance(one.verdict, Announced)
        for owner in one.verdict.owners
    }
    there = {address: at for address, (at,) in assigned(snapshot).items()}
    assert announced.items() <= there.items()
    # And whom the record names is who has it.
    for key, record in decided.services.items():
        mine = {one for one in _places(record) if not one.endswith(f"/{KERNEL_INTERFACE}")}
        assert mine <= {there[ip] for ip in record.ingress if ip in there}, key


def whoever_is_named_has_it(snapshot: Snapshot, decided: Plan) -> None:
    """Of protocol kernel: at rest a record names the nodes whose specs have its addresses."""
    have = on_nodes(snapshot)
    for key, record in decided.services.items():
        named = {one for one in _places(record) if one.endswith(f"/{KERNEL_INTERFACE}")}
        there = {place for ip in record.ingress for place in have.get(ip, ())}
        assert named <= there, key
        announced = record.conditions.get(ANNOUNCED)
        if announced is not None and announced.reason == "Announced":
            assert named == there, key


def _places(record: ServiceRecord) -> set[str]:
    return set(record.annotations.get(ANNOUNCED_BY, "").split(",")) - {"", "bgp", "kernel"}


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
        endpoint_slices=back(snapshot.endpoint_slices),
        nodes=back(snapshot.nodes),
        namespaces=back(snapshot.namespaces),
        eips=back(snapshot.eips),
        bgp_confs=back(snapshot.bgp_confs),
        bgp_peers=back(snapshot.bgp_peers),
        announcers=back(snapshot.announcers),
        sources=back(snapshot.sources),
        speakers=speakers,
    )
