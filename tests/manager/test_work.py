"""What is written in which order, and which transitions are told."""

from dataclasses import replace

import pytest

from manager.planner.plan import plan
from manager.snapshot import Observed, ServiceKey, Snapshot
from manager.work import Written, cluster_work, notices, speaker_work
from pointsman.model.record import ResourceKey, ServiceRecord, Stated, StatusRecord
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


def test_what_is_recorded_as_planned_is_no_work() -> None:
    decided = plan(scene())
    work = cluster_work(decided, Written(decided.services, decided.statuses, decided.announcers))
    assert not any((work.holds, work.services, work.statuses, work.announcers))


def test_who_is_no_longer_ours_is_dropped() -> None:
    decided = plan(scene())
    left = {**decided.services, ServiceKey("a/left"): ServiceRecord(("198.51.100.9",))}
    work = cluster_work(decided, Written(left, decided.statuses, decided.announcers))
    assert not work.services.put
    assert set(work.services.drop) == {ServiceKey("a/left")}


def test_a_speaker_that_says_what_it_should_has_no_work() -> None:
    speech = plan(scene()).speech
    said = Observed(exports=speech.exports, routes=speech.routes, neighbors=speech.neighbors)
    assert not speaker_work(speech, said)


PLAIN = ServiceKey("a/plain")
RECORD = ServiceRecord(
    ("198.51.100.0",),
    {"pointsman.dev/allocated-from": "public/198.51.100.0", "pointsman.dev/status": "s"},
    {"pointsman.dev/Allocated": Stated("True", "Allocated", "has 198.51.100.0")},
)
BARE = ServiceRecord()
WAITS = ServiceRecord(
    (), {}, {"pointsman.dev/Allocated": Stated("False", "AddressPoolExhausted", "none is free")}
)
ELSEWHERE = ServiceRecord(
    ("198.51.100.1",),
    {},
    {"pointsman.dev/Allocated": Stated("True", "Allocated", "has 198.51.100.1")},
)
SHARED = replace(RECORD, annotations={**RECORD.annotations, "pointsman.dev/shared-as": "k"})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(BARE, RECORD, ["Allocated"], id="a first address"),
        pytest.param(RECORD, RECORD, [], id="nothing new"),
        pytest.param(RECORD, WAITS, ["AddressPoolExhausted"], id="another reason"),
        pytest.param(RECORD, ELSEWHERE, ["Allocated"], id="another address, the same reason"),
        pytest.param(replace(RECORD, ingress=()), RECORD, ["Repaired"], id="a wiped status"),
        pytest.param(
            replace(RECORD, ingress=("203.0.113.9",)), RECORD, ["Repaired"], id="another's address"
        ),
        pytest.param(replace(RECORD, annotations={}), RECORD, ["Repaired"], id="lost annotations"),
        pytest.param(
            replace(RECORD, ingress=(), conditions={}),
            RECORD,
            ["Allocated"],
            id="lost conditions are transitions",
        ),
        pytest.param(RECORD, SHARED, [], id="terms of sharing are recorded silently"),
    ],
)
def test_transitions(before: ServiceRecord, after: ServiceRecord, told: list[str]) -> None:
    found = notices(
        scene(),
        Written({PLAIN: before}, {}, {}),
        after=Written({PLAIN: after}, {}, {}),
        planned={PLAIN: after},
    )
    assert [notice.reason for notice in found] == told
    assert {(notice.kind, notice.namespace, notice.name) for notice in found} <= {
        ("Service", "a", "plain")
    }


def test_a_repair_names_what_was_written_again() -> None:
    before = replace(RECORD, ingress=(), annotations={"pointsman.dev/status": "s"})
    (notice,) = notices(
        scene(),
        Written({PLAIN: before}, {}, {}),
        after=Written({PLAIN: RECORD}, {}, {}),
        planned={PLAIN: RECORD},
    )
    assert not notice.warning
    assert notice.message.startswith(
        "Service a/plain: somebody changed status.loadBalancer and annotation "
        "pointsman.dev/allocated-from"
    )


def test_what_somebody_changes_during_a_step_is_not_told_as_our_deed() -> None:
    wiped = replace(RECORD, ingress=())
    assert not notices(
        scene(),
        Written({PLAIN: RECORD}, {}, {}),
        after=Written({PLAIN: wiped}, {}, {}),
        planned={PLAIN: RECORD},
    )


def test_the_status_of_a_resource_is_told_when_it_turns() -> None:
    ready = StatusRecord({"Ready": Stated("True", "Ready", "m")})
    fuller = StatusRecord({"Ready": Stated("True", "Ready", "m")}, {"services": 2})
    bad = StatusRecord({"Ready": Stated("False", "Overlap", "m")})

    def told(before: StatusRecord, after: StatusRecord) -> list[tuple[str, str, bool]]:
        found = notices(
            scene(),
            Written({}, {PUBLIC: before}, {}),
            after=Written({}, {PUBLIC: after}, {}),
            planned={},
        )
        return [(one.kind, one.reason, one.warning) for one in found]

    assert told(ready, fuller) == []
    assert told(ready, bad) == [("Eip", "Overlap", True)]
    off = StatusRecord({"Ready": Stated("False", "Disabled", "m")})
    assert told(ready, off) == [("Eip", "Disabled", False)]
    assert told(StatusRecord(), ready) == [("Eip", "Ready", False)]
