"""Which transitions are told, as what."""

from dataclasses import replace

import pytest

from manager.notices import service_notices, status_notices
from pointsman.model.record import Notice, ResourceKey, ServiceRecord, Stated, StatusRecord
from tests.manager.planner.addresses.addressing import service

PUBLIC = ResourceKey("Eip", "public")
PLAIN = service("a/plain")
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
    found = list(service_notices(PLAIN, before, after, planned=after))
    assert [notice.reason for notice in found] == told
    assert {(notice.kind, notice.namespace, notice.name) for notice in found} <= {
        ("Service", "a", "plain")
    }


def test_a_repair_names_what_was_written_again() -> None:
    before = replace(RECORD, ingress=(), annotations={"pointsman.dev/status": "s"})
    (notice,) = service_notices(PLAIN, before, RECORD, planned=RECORD)
    assert not notice.warning
    assert notice.message.startswith(
        "Service a/plain: somebody changed status.loadBalancer and annotation "
        "pointsman.dev/allocated-from"
    )


def test_what_somebody_changes_meanwhile_is_not_told_as_our_deed() -> None:
    wiped = replace(RECORD, ingress=())
    assert not list(service_notices(PLAIN, RECORD, wiped, planned=RECORD))


def test_the_status_of_a_resource_is_told_when_it_turns() -> None:
    ready = StatusRecord({"Ready": Stated("True", "Ready", "m")})
    fuller = StatusRecord({"Ready": Stated("True", "Ready", "m")}, {"services": 2})
    bad = StatusRecord({"Ready": Stated("False", "Overlap", "m")})

    def told(before: StatusRecord, after: StatusRecord) -> list[tuple[str, str, bool]]:
        found: list[Notice] = list(status_notices(PUBLIC, "u", before, after))
        return [(one.kind, one.reason, one.warning) for one in found]

    assert told(ready, fuller) == []
    assert told(ready, bad) == [("Eip", "Overlap", True)]
    unknown = StatusRecord({"Ready": Stated("Unknown", "SpeakerSilent", "m")})
    assert told(ready, unknown) == [("Eip", "SpeakerSilent", True)]
    off = StatusRecord({"Ready": Stated("False", "Disabled", "m")})
    assert told(ready, off) == [("Eip", "Disabled", False)]
    assert told(StatusRecord(), ready) == [("Eip", "Ready", False)]


def test_a_service_that_waits_for_an_address_is_warned_of_once() -> None:
    full = Stated("False", "AddressPoolExhausted", "full")
    none = Stated("False", "NoAddress", "none")
    record = ServiceRecord(
        conditions={"pointsman.dev/Allocated": full, "pointsman.dev/Announced": none}
    )
    told = service_notices(PLAIN, None, record, planned=record)
    assert [(one.reason, one.warning) for one in told] == [("AddressPoolExhausted", True)]
