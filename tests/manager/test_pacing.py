"""The sentence about a missing session comes to thousands of Services in handfuls."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from manager.pacing import EVERY_S, HANDFUL, Pacing
from manager.snapshot import ServiceKey
from manager.work import ClusterWork, Written
from pointsman.model.delta import Delta, delta
from pointsman.model.record import ServiceRecord, Stated
from pointsman.runtime.clock import Clock

pytestmark = pytest.mark.looptime
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTHING: Delta = Delta(put={}, drop=frozenset())


def record(reason: str) -> ServiceRecord:
    said = Stated("True" if reason == "Announced" else "False", reason, "because")
    return ServiceRecord(("198.51.100.1",), {}, {"pointsman.dev/Announced": said})


def services(count: int, reason: str) -> dict[ServiceKey, ServiceRecord]:
    return {ServiceKey(f"d/{number:05}"): record(reason) for number in range(count)}


class Bench:
    """What stands on Services, and when somebody was woken."""

    def __init__(self, there: dict[ServiceKey, ServiceRecord]) -> None:
        self.there, self.wakes = there, list[float]()
        now = asyncio.get_running_loop().time
        clock = Clock(monotonic=now, wall=lambda: NOON)
        self.pacing = Pacing(clock, wake=lambda: self.wakes.append(now()))

    def pass_(self, wanted: dict[ServiceKey, ServiceRecord]) -> int:
        """Write what may be written; return how many Services that were."""
        work = ClusterWork(NOTHING, delta(wanted, self.there), NOTHING, NOTHING)
        done = self.pacing.sift(work, Written(self.there, {}, {})).services
        self.there = {**self.there, **done.put}
        return len(done.put)


@pytest.mark.parametrize(
    ("before", "after"), [("Announced", "NoSession"), ("NoSession", "Announced")]
)
async def test_a_handful_each_second(before: str, after: str) -> None:
    bench = Bench(services(250, before))
    wanted = services(250, after)
    assert [bench.pass_(wanted) for _ in range(3)] == [HANDFUL, 0, 0]
    assert bench.wakes == []
    written = []
    for _ in range(2):
        await asyncio.sleep(EVERY_S)
        assert bench.wakes
        bench.wakes.clear()
        written.append(bench.pass_(wanted))
    assert written == [HANDFUL, 50]
    await asyncio.sleep(5)
    assert bench.wakes == []
    assert bench.there == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("Announced", "NoServingEndpoint", id="another verdict"),
        pytest.param("NotAnnounced", "Announced", id="a first announcement"),
    ],
)
async def test_everything_else_is_written_at_once(before: str, after: str) -> None:
    bench = Bench(services(250, before))
    assert bench.pass_(services(250, after)) == 250


async def test_an_address_waits_for_nothing() -> None:
    bench = Bench(services(250, "Announced"))
    moved = {
        key: replace(one, ingress=("198.51.100.2",))
        for key, one in services(250, "NoSession").items()
    }
    assert bench.pass_(moved) == 250
    assert Bench({}).pass_(services(250, "NoSession")) == 250


async def test_a_sentence_that_changes_while_there_is_no_session_is_written_at_once() -> None:
    bench = Bench(services(250, "NoSession"))
    said = Stated("False", "NoSession", "another router")
    other = replace(record("NoSession"), conditions={"pointsman.dev/Announced": said})
    assert bench.pass_(dict.fromkeys(bench.there, other)) == 250


async def test_who_is_no_longer_ours_is_let_go_at_once() -> None:
    bench = Bench({})
    gone = frozenset(services(3, "NoSession"))
    work = ClusterWork(NOTHING, Delta(services(250, "NoSession"), gone), NOTHING, NOTHING)
    before = Written(services(250, "Announced"), {}, {})
    assert bench.pacing.sift(work, before).services.drop == gone
