import os
from collections.abc import AsyncIterator

import pytest

from manager.ports import AddressSource
from tests.conformance.ipam.example import example
from tests.conformance.ipam.worlds import (
    REAL,
    NetboxWorld,
    World,
    fake_netbox,
    real_netbox,
    webhook,
)

REALS = {"real netbox": real_netbox} if REAL in os.environ else {}
NETBOXES = {"fake netbox": fake_netbox, **REALS}
OPENINGS = {"webhook": webhook, "example of a webhook": example, **NETBOXES}


@pytest.fixture(params=OPENINGS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with OPENINGS[request.param]() as made:
        yield made


@pytest.fixture(params=NETBOXES)
async def netbox(request: pytest.FixtureRequest) -> AsyncIterator[NetboxWorld]:
    async with NETBOXES[request.param]() as made:
        yield made


@pytest.fixture
def source(world: World) -> AddressSource:
    return world.source()
