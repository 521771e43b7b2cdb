"""What is left to write, and what waits for a finalizer."""

from manager.planner.plan import plan
from manager.snapshot import Observed, ServiceKey, Snapshot
from manager.work import Written, cluster_work, speaker_work
from pointsman.model.record import ResourceKey, ServiceRecord, StatusRecord
from tests.manager.planner.addresses.addressing import cluster, eip, service

PUBLIC, OTHER = ResourceKey("Eip", "public"), ResourceKey("Eip", "other")


def scene() -> Snapshot:
    return cluster(
        eip("public", "198.51.100.0/28", default=True),
        eip("other", "203.0.113.0/28"),
        service("a/plain"),
        service("a/second", notes={"eip": "other"}),
        service("a/waits", notes={"eip": "nowhere"}),
    )


def test_an_eip_is_held_before_the_first_service_has_an_address_of_it() -> None:
    work = cluster_work(plan(scene()), Written({}, {}, {}))
    assert {k for k, r in work.statuses.put.items() if r.has_finalizer} == {PUBLIC, OTHER}
    assert work.services.put.keys() == {"a/waits"}


def test_an_eip_that_cannot_be_held_delays_its_own_services_only() -> None:
    work = cluster_work(plan(scene()), Written({}, {PUBLIC: StatusRecord(has_finalizer=True)}, {}))
    assert OTHER in work.statuses.put
    assert work.services.put.keys() == {"a/plain", "a/waits"}


def test_what_is_recorded_already_waits_for_no_finalizer() -> None:
    decided = plan(scene())
    services = {key: record for key, record in decided.services.items() if key == "a/second"}
    before = {key: type(record)(record.ingress) for key, record in services.items()}
    work = cluster_work(decided, Written(before, {}, {}))
    assert "a/second" in work.services.put


def test_what_is_recorded_as_planned_is_no_work() -> None:
    decided = plan(scene())
    work = cluster_work(decided, Written(decided.services, decided.statuses, decided.announcers))
    assert not any((work.services, work.statuses, work.announcers))


def test_who_is_no_longer_ours_is_dropped() -> None:
    decided = plan(scene())
    left = {**decided.services, ServiceKey("a/left"): ServiceRecord(("198.51.100.9",))}
    work = cluster_work(decided, Written(left, decided.statuses, decided.announcers))
    assert not work.services.put
    assert set(work.services.drop) == {ServiceKey("a/left")}


def test_a_speaker_that_holds_what_it_should_has_no_work() -> None:
    desired = plan(scene()).speakers[0]
    observed = Observed(exports=desired.exports, routes=desired.routes, neighbors=desired.neighbors)
    assert not speaker_work(desired, observed)


def test_an_eip_whose_finalizer_may_be_gone_is_held_again_before_it_gives_an_address() -> None:
    decided = plan(scene())
    seen = {key: record for key, record in decided.statuses.items() if record.has_finalizer}
    work = cluster_work(decided, Written({}, seen, {}, loosening=frozenset({PUBLIC})))
    assert work.statuses.put.keys() & {PUBLIC, OTHER} == {PUBLIC}
    assert work.services.put.keys() == {"a/second", "a/waits"}
