"""The API server in trouble for minutes: nothing is withdrawn for it, and dead nodes are.

When it is back, all that changed meanwhile is caught up with, once: what arrives there is counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from manager.adapters.kubernetes.client import Overloaded
from pointsman.runtime.target import Unavailable
from tests.sim.two_managers import LAN_NODES, ROUTER, Two, address_of, running, until
from tests.sim.wires import Weather

# asyncio never sleeps while a task can run: looptime need not wait and see.
pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

MINUTES_S = 120.0
SOON_S = 2.0  # a dead node, whatever becomes of the API
KINDS = 8  # that are watched
Trouble = Callable[[Two], None]


def unreachable(two: Two) -> None:
    two.without_api(two.a, two.b)


def slow(two: Two) -> None:
    for one in two.world.replicas:
        one.wire.weather = Weather(latency_s=2.0)


def overloaded(code: int) -> Trouble:
    def trouble(two: Two) -> None:
        error = Overloaded(f"the API server answered {code}: not now", 1.0)
        two.world.api.fault = lambda verb, kind, name: error
        two.world.api.cut_watches()

    trouble.__name__ = f"answers_{code}"
    return trouble


def hanging_up(two: Two) -> None:
    two.world.api.fault = lambda verb, kind, name: Unavailable("connection reset")
    two.world.api.cut_watches()


def mended(two: Two) -> None:
    two.world.api.fault = lambda verb, kind, name: None
    two.with_api(two.a, two.b)


@contextmanager
def counted(two: Two) -> Iterator[Counter[str]]:
    """Count what arrives meanwhile, by verb and kind; leases come by the clock."""
    found: Counter[str] = Counter()
    began = len(two.world.api.requests)
    yield found
    for verb, kind, _ in two.world.api.requests[began:]:
        if kind != "leases":
            found[f"{verb} {kind}"] += 1


@pytest.mark.parametrize(
    "trouble", [unreachable, slow, overloaded(429), overloaded(500), hanging_up]
)
async def test_minutes_of_it(trouble: Trouble) -> None:
    async with running() as two:
        web, api = address_of(two, "web"), address_of(two, "api")
        trouble(two)
        await asyncio.sleep(MINUTES_S)
        assert two.changes == []
        two.lan.nodes["node3"].alive = False
        living = frozenset({LAN_NODES["node1"], LAN_NODES["node2"]})
        took_s = await until("its end", lambda: set(two.hops().values()) == {living})
        assert took_s < SOON_S
        two.users.endpoints("web", "node2")  # nobody can know it yet, but where it is only slow
        await asyncio.sleep(10)
        assert two.hops()[api] == living
        before = len(two.changes)
        with counted(two) as calls:
            mended(two)
            one = frozenset({LAN_NODES["node2"]})
            await until("what changed", lambda: two.hops()[web] == one, most_s=90)
            await asyncio.sleep(60)
        assert {address for _, address, _ in two.changes[before:]} <= {web}
        assert two.hops() == {web: one, api: living}
        # Both list each kind a few times: after the absence, and since a leader does not trust
        # what it knew; nobody asks again and again.
        lists = {kind: number for kind, number in calls.items() if kind.startswith("list ")}
        assert max(lists.values()) <= 4 * len(two.world.replicas), calls
        writes = sum(n for kind, n in calls.items() if kind.startswith(("patch", "create")))
        assert writes <= 40, calls


async def test_every_watch_is_too_old_when_it_is_back() -> None:
    async with running() as two:
        web = address_of(two, "web")
        two.without_api(two.a, two.b)
        await asyncio.sleep(MINUTES_S)
        two.users.endpoints("web", "node2")
        two.world.api.forget_history()
        with counted(two) as calls:
            mended(two)
            one = frozenset({LAN_NODES["node2"]})
            await until("what changed", lambda: two.hops()[web] == one, most_s=90)
            await asyncio.sleep(60)
        assert {address for _, address, _ in two.changes} == {web}
        lists = {kind: number for kind, number in calls.items() if kind.startswith("list ")}
        assert max(lists.values()) <= 4 * len(two.world.replicas), calls


async def test_its_state_is_an_older_one_when_it_is_back() -> None:
    """What was recorded since is gone; what is recorded in it is what both then advertise."""
    async with running() as two:
        web, api = address_of(two, "web"), address_of(two, "api")
        backup = two.world.api.snapshot()
        two.users.create("later")
        two.users.endpoints("later", "node1")
        await until("a third", lambda: len(two.hops()) == 3)
        later = address_of(two, "later")
        two.without_api(two.a, two.b)
        await asyncio.sleep(MINUTES_S)
        two.world.api.restore(backup)
        mended(two)
        await until("its end", lambda: later not in two.hops(), most_s=120)
        await asyncio.sleep(120)
        assert {address for _, address, _ in two.changes} == {later}
        every = frozenset(LAN_NODES.values())
        assert two.hops() == {web: every, api: every}
        assert all(set(one.daemon.received(ROUTER)) == {web, api} for one in two.world.replicas)
