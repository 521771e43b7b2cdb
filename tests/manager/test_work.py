"""What is written in which order: an address waits for the finalizer of its Eip."""

from manager.planner.plan import plan
from manager.snapshot import Snapshot
from manager.work import Written, cluster_work
from pointsman.model.record import ResourceKey, StatusRecord
from tests.manager.planner.addressing import cluster, eip, service

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
    assert work.holds.put.keys() == {PUBLIC, OTHER}
    assert work.services.put.keys() == {"a/waits"}


def test_an_eip_that_cannot_be_held_delays_its_own_services_only() -> None:
    work = cluster_work(plan(scene()), Written({}, {PUBLIC: StatusRecord(held=True)}, {}))
    assert work.holds.put.keys() == {OTHER}
    assert work.services.put.keys() == {"a/plain", "a/waits"}


def test_what_is_recorded_already_waits_for_no_finalizer() -> None:
    decided = plan(scene())
    services = {key: record for key, record in decided.services.items() if key == "a/second"}
    before = {key: type(record)(record.ingress) for key, record in services.items()}
    work = cluster_work(decided, Written(before, {}, {}))
    assert "a/second" in work.services.put
