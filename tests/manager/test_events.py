"""Which transitions make an Event, and which."""

from dataclasses import replace

import pytest

from manager.events import service_events, status_events
from pointsman.model.record import (
    ConditionValue,
    EventRecord,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from tests.manager.planner.addresses.addressing import service

PUBLIC = ResourceKey("Eip", "public")
PLAIN = service("a/plain")
RECORD = ServiceRecord(
    ("198.51.100.0",),
    {"pointsman.dev/allocated-from": "public/198.51.100.0", "pointsman.dev/status": "s"},
    {"pointsman.dev/Allocated": ConditionValue("True", "Allocated", "has 198.51.100.0")},
)
BARE = ServiceRecord()
WAITS = ServiceRecord(
    (),
    {},
    {"pointsman.dev/Allocated": ConditionValue("False", "AddressPoolExhausted", "none is free")},
)
ELSEWHERE = ServiceRecord(
    ("198.51.100.1",),
    {},
    {"pointsman.dev/Allocated": ConditionValue("True", "Allocated", "has 198.51.100.1")},
)


def by(*nodes: str) -> ServiceRecord:
    places = ",".join(f"{node}/dummy-pointsman" for node in nodes)
    return replace(RECORD, annotations={"pointsman.dev/announced-by": places})


SHARED = replace(RECORD, annotations={**RECORD.annotations, "pointsman.dev/shared-as": "k"})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
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
        pytest.param(by("node1"), by("node1", "node2"), [], id="a node has the address, too"),
        pytest.param(replace(RECORD, annotations={}), by("node1"), ["Repaired"], id="no node had"),
    ],
)
def test_transitions(before: ServiceRecord, after: ServiceRecord, expected: list[str]) -> None:
    found = list(service_events(PLAIN, before, after, planned=after))
    assert [event.reason for event in found] == expected
    assert {(event.kind, event.namespace, event.name) for event in found} <= {
        ("Service", "a", "plain")
    }


def test_a_repair_names_what_was_written_again() -> None:
    before = replace(RECORD, ingress=(), annotations={"pointsman.dev/status": "s"})
    (event,) = service_events(PLAIN, before, RECORD, planned=RECORD)
    assert not event.warning
    assert event.message.startswith(
        "Service a/plain: somebody changed status.loadBalancer and annotation "
        "pointsman.dev/allocated-from"
    )


def test_what_somebody_changes_meanwhile_is_not_told_as_our_deed() -> None:
    wiped = replace(RECORD, ingress=())
    assert not list(service_events(PLAIN, RECORD, wiped, planned=RECORD))


def test_the_status_of_a_resource_is_told_when_it_turns() -> None:
    ready = StatusRecord({"Ready": ConditionValue("True", "Ready", "m")})
    fuller = StatusRecord({"Ready": ConditionValue("True", "Ready", "m")}, {"services": 2})
    bad = StatusRecord({"Ready": ConditionValue("False", "Overlap", "m")})

    def events_of(before: StatusRecord, after: StatusRecord) -> list[tuple[str, str, bool]]:
        found: list[EventRecord] = list(status_events(PUBLIC, "u", before, after))
        return [(one.kind, one.reason, one.warning) for one in found]

    assert events_of(ready, fuller) == []
    assert events_of(ready, bad) == [("Eip", "Overlap", True)]
    unknown = StatusRecord({"Ready": ConditionValue("Unknown", "SpeakerSilent", "m")})
    assert events_of(ready, unknown) == [("Eip", "SpeakerSilent", True)]
    off = StatusRecord({"Ready": ConditionValue("False", "Disabled", "m")})
    assert events_of(ready, off) == [("Eip", "Disabled", False)]
    assert events_of(StatusRecord(), ready) == [("Eip", "Ready", False)]


def test_a_service_that_waits_for_an_address_is_warned_of_once() -> None:
    full = ConditionValue("False", "AddressPoolExhausted", "full")
    none = ConditionValue("False", "NoAddress", "none")
    record = ServiceRecord(
        conditions={"pointsman.dev/Allocated": full, "pointsman.dev/Announced": none}
    )
    found = service_events(PLAIN, None, record, planned=record)
    assert [(one.reason, one.warning) for one in found] == [("AddressPoolExhausted", True)]
