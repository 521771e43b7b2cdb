"""Which transitions are told."""

import pytest

from manager.notices import is_told
from manager.snapshot import ServiceKey, Snapshot
from manager.work import Written, notices
from pointsman.model.record import ServiceRecord, Stated
from tests.manager.planner.addressing import service

WEB = ServiceKey("a/web")


@pytest.mark.parametrize(
    ("reason", "told"), [("NoAddress", False), ("NoServingEndpoint", True), ("NotConnected", True)]
)
def test_a_consequence_is_not_told_beside_its_cause(reason: str, told: bool) -> None:
    assert is_told(Stated("False", reason, "")) is told


def test_a_service_that_waits_for_an_address_is_warned_of_once() -> None:
    full = Stated("False", "AddressPoolExhausted", "full")
    none = Stated("False", "NoAddress", "none")
    record = ServiceRecord(
        conditions={"pointsman.dev/Allocated": full, "pointsman.dev/Announced": none}
    )
    told = notices(
        Snapshot(services={WEB: service("a/web")}),
        Written({}, {}, {}),
        after=Written({WEB: record}, {}, {}),
        planned={WEB: record},
    )
    assert [(one.reason, one.warning) for one in told] == [("AddressPoolExhausted", True)]
