"""Requests side by side: how many, which never, and what follows a failure."""

import asyncio
from collections.abc import Hashable

import pytest

from manager.ipam.bounded import Bounded
from manager.ports import NotLeading
from pointsman.runtime.target import Unavailable

pytestmark = pytest.mark.looptime
MOST = 4


class Asked:
    """Requests that take a second; some *fail*, some are *skipped*."""

    def __init__(self, fail: dict[int, Unavailable] | None = None, skip: range = range(0)) -> None:
        self.fail, self.skip = fail or {}, skip
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.widths: list[int] = []

    async def __call__(self, item: int) -> bool:
        self.begun.append(item)
        self.widths.append(len(self.begun) - len(self.ended))
        if item in self.skip:
            self.ended.append(item)
            return False
        try:
            await asyncio.sleep(0.5 if item in self.fail else 1)
        finally:
            self.ended.append(item)
        if item in self.fail:
            raise self.fail[item]
        return True


def itself(item: int) -> frozenset[Hashable]:
    return frozenset({item})


async def test_it_begins_with_one_and_comes_to_the_bound() -> None:
    asked = Asked()
    await Bounded(MOST).do(range(40), asked, touches=itself)
    assert asked.begun == list(range(40))
    assert asked.widths[:3] == [1, 1, 2]
    assert max(asked.widths) == MOST


async def test_what_was_not_sent_proves_nothing() -> None:
    asked = Asked(skip=range(20))
    await Bounded(MOST).do(range(30), asked, touches=itself)
    assert asked.widths[20:22] == [1, 1]


async def test_none_is_asked_beside_another_that_touches_the_same() -> None:
    asked, bounded = Asked(), Bounded(MOST)
    await bounded.do(range(10), asked, touches=itself)
    running: list[int] = []

    async def ask(item: int) -> bool:
        assert item % 3 not in {one % 3 for one in running}
        running.append(item)
        await asyncio.sleep(1)
        running.remove(item)
        return True

    await bounded.do(range(20), ask, touches=lambda item: frozenset({item % 3}))
    assert running == []


async def test_after_a_failure_none_is_begun_and_what_is_under_way_ends() -> None:
    bounded = Bounded(MOST)
    await bounded.do(range(10), Asked(), touches=itself)
    asked = Asked({2: Unavailable("it is away")})
    with pytest.raises(Unavailable, match="it is away"):
        await bounded.do(range(100), asked, touches=itself)
    assert asked.begun == list(range(MOST))
    assert sorted(asked.ended) == asked.begun


async def test_then_one_is_sent_alone() -> None:
    bounded = Bounded(MOST)
    await bounded.do(range(10), Asked(), touches=itself)
    with pytest.raises(Unavailable):
        await bounded.do(range(100), Asked({0: Unavailable("it is away")}), touches=itself)
    failing = Asked({0: Unavailable("it is away")})
    with pytest.raises(Unavailable):
        await bounded.do(range(100), failing, touches=itself)
    assert failing.begun == [0]
    asked = Asked()
    await bounded.do(range(10), asked, touches=itself)
    assert asked.widths[:2] == [1, 1]


@pytest.mark.parametrize("order", [1, -1])
async def test_of_several_the_longest_pause_is_kept_and_of_the_ipam_rather_than_ours(
    order: int,
) -> None:
    bounded = Bounded(MOST)
    await bounded.do(range(10), Asked(), touches=itself)
    errors = [NotLeading("not leading"), Unavailable("429", 120.0), Unavailable("away")][::order]
    with pytest.raises(Unavailable, match="429"):
        await bounded.do(range(9), Asked(dict(enumerate(errors))), touches=itself)


async def test_a_bug_ends_it() -> None:
    async def ask(_item: int) -> bool:
        raise RuntimeError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        await Bounded(MOST).do(range(3), ask, touches=itself)
    assert caught.group_contains(RuntimeError)
