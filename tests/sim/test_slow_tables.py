"""A table that takes long to read, and changes under the reader: what was told meanwhile counts."""

import asyncio
import random
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.model.delta import Delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey, SpeakerIdentity
from tests.fakes.gobgp import FakeGobgpd
from tests.sim.wires import Line, Weather
from tests.sim.world import now

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

US = SpeakerIdentity(64501, IPv4Address("198.18.0.1"))
TOR, OTHER = PeerName("tor-a"), PeerName("tor-b")
FIRST = int(IPv4Address("198.18.0.0"))
RULES = {TOR: ip_address("192.0.2.1"), OTHER: ip_address("192.0.2.2")}
ROUTE = Route(PathAttributes(), frozenset({TOR}))


def key(number: int, hop: int) -> RouteKey:
    return RouteKey(ip_network(FIRST + number), ip_address(f"192.0.2.{hop}"))


def work(put: Iterable[RouteKey] = (), drop: Iterable[RouteKey] = ()) -> Delta[RouteKey, Route]:
    return Delta(put=dict.fromkeys(put, ROUTE), drop=frozenset(drop))


async def started() -> tuple[FakeGobgpd, Line, GobgpSpeaker]:
    """Return a speaker that runs and may tell both routers, and what is behind it."""
    daemon = FakeGobgpd()
    line = Line(daemon, random.Random(1))
    stub: Any = line  # as the fake: any stub
    speaker = GobgpSpeaker(stub)
    await speaker.start(US)
    await speaker.exports.apply(Delta(RULES, frozenset()))
    return daemon, line, speaker


async def test_what_was_told_and_acknowledged_during_one_reading_is_known_after_it() -> None:
    daemon, line, speaker = await started()
    await speaker.routes.apply(work(key(number, 11) for number in range(100)))
    await speaker.routes.observe()

    line.weather = Weather(reading_s=1.0)  # the whole table: a hundred seconds
    reading = asyncio.create_task(speaker.routes.observe())
    await asyncio.sleep(20)
    began = now()
    await speaker.routes.apply(work(put=[key(7, 12)]))
    await speaker.routes.apply(work(drop=[key(8, 11)]))
    assert now() - began < 10  # a change waits for no reading
    assert not reading.done()
    assert key(7, 12) not in await reading  # old news

    line.weather = Weather()
    await speaker.routes.apply(work(put=[key(8, 13)], drop=[key(7, 11), key(7, 12)]))
    seen = await speaker.routes.observe()
    assert {one for one in seen if one.prefix in (key(7, 0).prefix, key(8, 0).prefix)} == {
        key(8, 13)
    }
    assert len(daemon.table) == len(seen) == 99


@pytest.mark.parametrize("after_s", [0.5 * turn for turn in range(1, 13)])
async def test_export_rules_that_change_while_they_are_read_count(after_s: float) -> None:
    _, line, speaker = await started()
    shared = Route(PathAttributes(), frozenset({TOR, OTHER}))
    await speaker.routes.apply(Delta({key(1, 11): shared}, frozenset()))

    line.weather = Weather(reading_s=1.0)
    reading = asyncio.create_task(speaker.routes.observe())
    await asyncio.sleep(after_s)
    line.weather = Weather()  # for others; the reading goes on as slowly as it began
    # The first router goes, and its name stands for a number anew: another one.
    await speaker.exports.apply(Delta({}, frozenset({TOR})))
    await speaker.exports.apply(Delta({TOR: RULES[TOR]}, frozenset()))
    await reading

    await speaker.routes.apply(Delta({key(2, 11): ROUTE}, frozenset()))
    seen = await speaker.routes.observe()
    assert seen[key(2, 11)] == ROUTE
