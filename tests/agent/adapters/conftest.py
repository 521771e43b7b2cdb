"""A LAN for each test, and a node on it that answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.agent.adapters.answering import Answering
from tests.agent.adapters.lan import Lan, lan


@pytest.fixture
def wires() -> Iterator[Lan]:
    with lan() as made:
        yield made


@pytest.fixture
async def node(wires: Lan) -> AsyncIterator[Answering]:
    made = Answering(wires)
    # The whole test is on the node: what a responder opens later is opened there, too.
    with wires.inside():
        running = asyncio.create_task(made.responders.run(made.woken))
        yield made
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
