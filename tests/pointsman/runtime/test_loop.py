import asyncio

import pytest

from pointsman.runtime.loop import Loop
from pointsman.runtime.target import Unavailable

pytestmark = [pytest.mark.looptime]


def now() -> float:
    return asyncio.get_running_loop().time()


class Rig:
    """A loop whose step notes when it ran; *failures* steps fail first, each lasts *lasts_s*."""

    def __init__(self, *, failures: int = 0, lasts_s: float = 0.0, retry_after_s=0.0, **numbers):
        self.steps: list[float] = []
        self.running = 0
        self._failures, self._lasts_s, self._retry_after_s = failures, lasts_s, retry_after_s
        self.loop = Loop(self._step, **numbers)

    async def _step(self) -> None:
        assert self.running == 0
        self.running += 1
        self.steps.append(now())
        await asyncio.sleep(self._lasts_s)
        self.running -= 1
        if len(self.steps) <= self._failures:
            raise Unavailable("not yet", self._retry_after_s)

    async def run(self, until_s: float, *wakes_at: float) -> list[float]:
        task = asyncio.create_task(self.loop.run())
        for at in wakes_at:
            if at > now():
                await asyncio.sleep(at - now())
            self.loop.wake()
        await asyncio.sleep(until_s - now())
        task.cancel()
        return self.steps


async def test_the_first_wake_after_silence_acts_at_once() -> None:
    assert await Rig().run(100, 10) == pytest.approx([0, 10])


async def test_the_wakes_that_follow_coalesce() -> None:
    wakes = [10 + number / 1000 for number in range(250)]
    assert await Rig().run(100, *wakes) == pytest.approx([0, 10, 10.1, 10.2, 10.3], abs=0.002)


async def test_a_thousand_wakes_at_one_moment_are_one_step() -> None:
    assert await Rig().run(100, *[10] * 1000) == pytest.approx([0, 10])


async def test_a_long_step_is_followed_after_as_long_a_rest() -> None:
    steps = await Rig(lasts_s=5, rest=1.0).run(100, 2)
    assert steps == pytest.approx([0, 10])


async def test_a_wake_during_a_step_is_not_lost() -> None:
    assert await Rig(lasts_s=5).run(100, 2) == pytest.approx([0, 5.1])


async def test_silence_is_bounded() -> None:
    assert await Rig(resync_s=30).run(70) == pytest.approx([0, 30, 60])


async def test_failures_back_off_then_resync() -> None:
    steps = await Rig(failures=3, resync_s=300).run(700)
    assert steps == pytest.approx([0, 0.25, 0.75, 1.75, 301.75, 601.75])


async def test_a_wake_does_not_wait_for_the_back_off() -> None:
    steps = await Rig(failures=9).run(20, 17)
    assert steps == pytest.approx([0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 17])


async def test_the_other_side_says_how_long_to_leave_it_alone() -> None:
    assert await Rig(failures=1, retry_after_s=7).run(20) == pytest.approx([0, 7])


async def test_a_bug_ends_the_loop() -> None:
    async def step() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Loop(step).run()


async def test_a_stalled_step_can_be_seen() -> None:
    rig = Rig(lasts_s=5)
    task = asyncio.create_task(rig.loop.run())
    await asyncio.sleep(1)
    seen = [rig.loop.busy_since]
    await asyncio.sleep(5)
    seen.append(rig.loop.busy_since)
    assert seen == [0, None]
    task.cancel()


async def test_what_was_unavailable_is_told() -> None:
    reasons: list[str] = []
    rig = Rig(failures=1, on_unavailable=lambda error: reasons.append(str(error)))
    await rig.run(1)
    assert reasons == ["not yet"]


async def test_a_step_knows_when_that_happened_which_it_answers() -> None:
    causes: list[float | None] = []
    loop = Loop(lambda: _noted(causes, loop), min_interval_s=1.0, resync_s=10.0)
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0.5)
    loop.wake()  # while the interval lasts; the second one is the same look
    await asyncio.sleep(0.2)
    loop.wake()
    await asyncio.sleep(20)
    running.cancel()
    began = causes[0]
    assert began is None  # nobody woke the first
    assert causes[1] == pytest.approx(0.5)
    assert causes[2] is None  # the resync


async def _noted(causes: list[float | None], loop: Loop) -> None:
    causes.append(loop.caused_at)
