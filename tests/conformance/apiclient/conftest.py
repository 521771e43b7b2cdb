from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.apiclient.worlds import Client, FakeWorld, World, served


@pytest.fixture(params=["fake", "served"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    async with served(tmp_path) as made:
        yield made


@pytest.fixture
def client(world: World) -> Client:
    return world.client
