"""The events of a watch, however their bytes arrive."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.kubernetes.event_lines import BACKLOG, events


def line(name: str, **more: object) -> bytes:
    thing = {"metadata": {"name": name}, **more}
    return json.dumps({"type": "MODIFIED", "object": thing}).encode() + b"\n"


async def names(chunks: AsyncIterator[bytes], gather_s: float = 0.0) -> list[str]:
    return [event["object"]["metadata"]["name"] async for event in events(chunks, gather_s)]


@given(st.sets(st.integers(0, 300)))
def test_lines_may_be_cut_anywhere(cuts: set[int]) -> None:
    whole = b"".join(line(f"node{n}") for n in range(5))

    async def cut() -> AsyncIterator[bytes]:
        ends = [0, *sorted(cuts), len(whole)]
        for at, end in pairwise(ends):
            yield whole[at:end]

    assert asyncio.run(names(cut())) == [f"node{n}" for n in range(5)]


class Wire:
    """What a server sends at which time, as it is read: all that has come since the last look."""

    def __init__(self, *sent: tuple[float, bytes]) -> None:
        self.sent, self.reads = list(sent), 0

    async def chunks(self) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        while self.sent:
            await asyncio.sleep(max(0.0, self.sent[0][0] - now()))
            found = b""
            while self.sent and self.sent[0][0] <= now() and len(found) < BACKLOG:
                found += self.sent.pop(0)[1]
            self.reads += 1
            yield found


@pytest.mark.looptime
async def test_what_comes_in_a_while_is_read_together() -> None:
    began = asyncio.get_running_loop().time()
    wire = Wire(*((began + n / 100, line(f"node{n}")) for n in range(100)))
    assert await names(wire.chunks(), 0.1) == [f"node{n}" for n in range(100)]
    assert wire.reads <= 12


@pytest.mark.looptime
async def test_nobody_waits_before_a_backlog_is_read() -> None:
    began = asyncio.get_running_loop().time()
    wire = Wire(*((began, line(f"node{n}", images="x" * BACKLOG)) for n in range(100)))
    assert len(await names(wire.chunks(), 0.1)) == 100
    assert asyncio.get_running_loop().time() - began < 0.2
