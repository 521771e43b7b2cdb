"""What a whole manager logs and tells: lines whatever anybody writes, and nothing while at rest."""

import asyncio
import contextlib
import copy
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.client import Kind
from pointsman.model.printable import printable
from pointsman.runtime import logs
from tests.manager.planner.test_user_text import EVIL, MARK, _places, cluster
from tests.sim.world import World

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]
TEXT = f"{EVIL}{MARK * 200},"
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in vars(client).values()
    if isinstance(kind, Kind) and kind.name not in ("Lease", "Event", "CustomResourceDefinition")
}
# What an object is, and where it is kept: an API server lets nobody write nonsense there.
IDENTITY = {"apiVersion", "kind", "name", "namespace", "creationTimestamp"}


class Lines(logging.Handler):
    """Every record, as both formats write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text: list[str] = []
        self.json: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(logs.formatter("text").format(record))
        self.json.append(logs.formatter("json").format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    made, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(made)
    root.setLevel(logging.INFO)
    yield made
    root.removeHandler(made)
    root.setLevel(level)


@contextlib.asynccontextmanager
async def settled() -> AsyncIterator[World]:
    """Run two managers in a cluster of one of everything, and yield it at rest."""
    made = World(2, compared=False)
    for one in cluster():
        put(made, one)
    try:
        await asyncio.sleep(120)
        yield made
    finally:
        for replica in made.replicas:
            await replica.stop()


def put(world: World, raw: dict[str, Any]) -> None:
    """Write *raw* as its user does: what stands in its status, or only there, stays."""
    kind = KINDS[raw["kind"]]
    raw = copy.deepcopy(raw)
    raw["metadata"].setdefault("generation", 1)
    world.api.put(kind, raw)


def mutants() -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(cluster()):
        for place in _places(raw):
            if place[-1] in IDENTITY and len(place) <= 2:
                continue
            objects = cluster()
            inner: Any = objects[number]
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = TEXT
            yield objects[number]


async def test_while_nothing_changes_nothing_is_logged(lines: Lines) -> None:
    async with settled() as world:
        assert lines.text
        lines.text.clear()
        await asyncio.sleep(1800)
        world.check()
        assert lines.text == []


async def test_whatever_anybody_writes_it_is_told_in_lines(lines: Lines) -> None:
    whole = {(one["kind"], one["metadata"]["name"]): one for one in cluster()}
    async with settled() as world:
        for mutant in mutants():
            put(world, mutant)
            await asyncio.sleep(3)
            put(world, whole[mutant["kind"], mutant["metadata"]["name"]])
            await asyncio.sleep(3)
        world.check()
    assert any(MARK * 5 in line for line in lines.text), "nothing repeated what was written"
    for line in lines.text:
        assert printable(line) == line
        assert MARK * 65 not in line
    for line in lines.json:
        assert line.isascii()
        for text in json.loads(line).values():
            assert printable(text) == text
    events = [raw for (kind, _, _), raw in world.api.objects.items() if kind == "events"]
    assert events
    for event in events:
        for text in (event["message"], event["reason"], event["metadata"]["name"]):
            assert text.isprintable(), text
            assert MARK * 65 not in text
