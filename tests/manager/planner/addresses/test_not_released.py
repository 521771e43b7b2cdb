"""Releases that fail: what the Eip says of them, and that nobody else does."""

from dataclasses import replace

from pointsman.model.reservation import (
    SourceReading,
)
from tests.manager.planner.addresses.from_ipam import (
    BLOCKS,
    POOL,
    entry,
    planned,
    pool,
    reason,
    web,
)


def test_of_releases_that_fail_the_eip_speaks_and_no_service_that_waits() -> None:
    clauses = ("198.51.100.3 is not taken back: a rule", "nor are 2 more")
    keeps = SourceReading(
        BLOCKS, (entry(3, "gone"),), unreleased=clauses, withheld="2026-01-01T00:00:00Z"
    )
    found = planned(pool(), keeps, web())
    verdict = found.allocations.services[web().key].verdict
    assert (reason(found), "not available" in str(verdict)) == ("WaitingForSource", False)
    ready = found.allocations.eips[POOL].ready
    assert (ready.ok, ready.reason) == (True, "NotReleased")
    assert "since 2026-01-01T00:00:00Z: 198.51.100.3 is not taken back: a rule; nor are" in str(
        ready
    )
    away = replace(keeps, problem="it said 503", since="2026-01-02T00:00:00Z")
    found = planned(pool(), away, web())
    assert "since 2026-01-02T00:00:00Z: it said 503" in str(
        found.allocations.services[web().key].verdict
    )
    assert found.allocations.eips[POOL].ready.reason == "SourceUnavailable"


def test_an_eip_does_not_wait_for_what_is_not_taken_back() -> None:
    leaving = replace(pool(), deleting=True, finalizers=("pointsman.dev/in-use",))
    reading = SourceReading(BLOCKS, (entry(3, "gone"),), unreleased=("a rule",), withheld="T")
    assert not planned(leaving, reading).allocations.eips[POOL].in_use
    assert planned(pool(), reading).allocations.eips[POOL].in_use
