"""Lists that come in pages: all of them, and what becomes of one that is forgotten midway."""

import asyncio
from collections.abc import Mapping

import pytest

from manager.adapters.kubernetes.client import EIPS, Kind, Refused
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.pages import GONE, PAGE, pages, whole_list
from tests.fakes.kube import FakeKube

pytestmark = pytest.mark.looptime


def filled(count: int) -> FakeKube:
    kube = FakeKube()
    for number in range(count):
        kube.put(EIPS, {"metadata": {"name": f"eip-{number:05}"}, "spec": {}})
    return kube


def names(found: list[Json]) -> list[str]:
    return [one["metadata"]["name"] for page in found for one in page["items"]]


class Forgetful:
    """An API that forgets a list so many times, just before its second page is asked for."""

    def __init__(self, kube: FakeKube, times: int) -> None:
        self._kube, self._times = kube, times

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json:
        if after and self._times:
            self._times -= 1
            self._kube.forget_history()
        return await self._kube.list_page(kind, params, limit=limit, after=after)


class Slow:
    """An API that takes a minute for a page."""

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json:
        await asyncio.sleep(60)
        return {}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
async def test_every_object_comes_once_in_order(count: int) -> None:
    found = [page async for page in pages(filled(count), EIPS, limit=2)]
    assert names(found) == [f"eip-{number:05}" for number in range(count)]
    assert len(found) == max(1, -(-count // 2))


async def test_whoever_has_seen_enough_asks_no_further() -> None:
    kube = filled(5)
    async for _ in pages(kube, EIPS, limit=2):
        break
    assert len(kube.requests) == 1


async def test_a_selection_holds_for_every_page() -> None:
    seen: list[Mapping[str, str]] = []

    class Noting:
        async def list_page(
            self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
        ) -> Json:
            seen.append(params)
            return {"metadata": {"continue": "" if after else "more"}}

    only = {"fieldSelector": "metadata.name=a"}
    assert len([page async for page in pages(Noting(), EIPS, only)]) == 2
    assert seen == [only, only]


async def test_a_list_that_is_forgotten_midway_is_begun_anew_once() -> None:
    found = names(await whole_list(Forgetful(filled(PAGE + 1), 1), EIPS))
    assert len(found) == len(set(found)) == PAGE + 1


async def test_one_that_is_forgotten_again_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        await whole_list(Forgetful(filled(PAGE + 1), 2), EIPS)
    assert refused.value.code == GONE


async def test_a_page_may_take_so_long_and_no_longer() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        [page async for page in pages(Slow(), EIPS, within_s=10)]
    assert asyncio.get_running_loop().time() - began == pytest.approx(10)
