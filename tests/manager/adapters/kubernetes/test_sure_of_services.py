"""When a Service that is not there was surely deleted, so that what it had may be given back."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from manager.adapters.kubernetes.client import SERVICES, Refused
from manager.adapters.kubernetes.cluster_view import YOUNG_S, ClusterView
from tests.fakes.kube import FakeKube
from tests.manager.beside import beside

pytestmark = pytest.mark.looptime
SERVICE = {"metadata": {"name": "web", "namespace": "shop", "uid": "1"}, "spec": {}}


@asynccontextmanager
async def viewed(api: FakeKube) -> AsyncIterator[ClusterView]:
    view = ClusterView(api, wake=lambda: None, rng=random.Random(1))
    async with beside(view.run()):
        await asyncio.sleep(1)
        yield view


def is_sure(view: ClusterView) -> bool:
    return view.sure_of_services


async def test_not_within_a_minute_after_the_first_list() -> None:
    async with viewed(FakeKube()) as view:
        assert not view.sure_of_services
        await asyncio.sleep(YOUNG_S - 2)
        assert not view.sure_of_services
        await asyncio.sleep(2)
        assert view.sure_of_services


async def test_not_within_a_minute_after_they_had_to_be_listed_again() -> None:
    async with viewed(FakeKube()) as view:
        await asyncio.sleep(YOUNG_S)
        view.doubt()
        assert not view.sure_of_services
        await asyncio.sleep(YOUNG_S - 2)
        assert not view.sure_of_services
        await asyncio.sleep(3)
        assert view.sure_of_services


async def test_not_while_they_cannot_be_read() -> None:
    api = FakeKube()
    async with viewed(api) as view:
        await asyncio.sleep(YOUNG_S)

        def refuse(verb: str, plural: str, name: str) -> Exception | None:
            return Refused(403, "Forbidden", "no") if plural == SERVICES.plural else None

        api.fault = refuse
        view.doubt()
        await asyncio.sleep(2 * YOUNG_S)
        assert not view.sure_of_services


async def test_not_while_their_versions_are_lower_than_some_that_were_seen() -> None:
    api = FakeKube()
    backup = api.snapshot()
    for _ in range(50):
        api.put(SERVICES, SERVICE)
    async with viewed(api) as view:
        await asyncio.sleep(YOUNG_S)
        assert is_sure(view)
        api.restore(backup)
        view.distrust()
        await asyncio.sleep(5 * YOUNG_S)
        assert not is_sure(view)
        for _ in range(50):
            api.put(SERVICES, SERVICE)
        await asyncio.sleep(YOUNG_S)
        assert is_sure(view)
