"""One change, one call: counted between the adapter and the daemon, whichever it is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta, delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.runtime.target import Unavailable
from tests.conformance.gobgp.bed import PATIENCE_S, US, Bed, held, plain_path

A, B = PeerName("tor-a"), PeerName("tor-b")
EXPORTS = {A: ip_address("127.0.0.2"), B: ip_address("127.0.0.3")}
FIRST = int(IPv4Address("198.18.0.0"))
ROUTE = Route(PathAttributes(), frozenset({A}))
Table = dict[RouteKey, Route]


@dataclass
class Counting:
    """The daemon's API; notes every call, and which prefixes a listing named."""

    stub: Any
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.stub, name)

        def noted(request: Any, **how: Any) -> Any:
            named = [one.prefix for one in getattr(request, "prefixes", ())]
            self.calls.append(" ".join([name, *named]))
            return call(request, **how)

        return noted

    def since(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


def key(number: int, hop: int) -> RouteKey:
    return RouteKey(ip_network(FIRST + number), ip_address(f"192.0.2.{hop}"))


TABLE: Table = {key(number, hop): ROUTE for number in range(200) for hop in (11, 12)}
PREFIX = str(key(7, 11).prefix)


async def settled(bed: Bed) -> tuple[Counting, GobgpSpeaker]:
    """Return a speaker that holds TABLE, and has read it."""
    counting = Counting(bed.stub)
    speaker = GobgpSpeaker(counting)  # type: ignore[arg-type]  # the generated stub's type
    await speaker.start(US)
    await speaker.exports.apply(Delta(EXPORTS, frozenset()))
    await change(speaker, TABLE, await speaker.routes.observe())
    assert await speaker.routes.observe() == TABLE
    counting.since()
    return counting, speaker


async def change(
    speaker: GobgpSpeaker, desired: Mapping[RouteKey, Route], before: Mapping[RouteKey, Route]
) -> None:
    await speaker.routes.apply(delta(desired, before))


@pytest.mark.parametrize(
    ("put", "drop", "calls"),
    [
        pytest.param(
            {key(7, 13): ROUTE},
            [],
            ["AddPathStream", f"ListPath {PREFIX}"],
            id="one next hop more is read back, and nothing else",
        ),
        pytest.param({}, [key(7, 11)], ["AddPathStream"], id="one next hop less"),
        pytest.param({}, [key(7, 11), key(7, 12)], ["AddPathStream"], id="a prefix less"),
        pytest.param(
            {key(7, 11): Route(PathAttributes(med=5), frozenset({A}))},
            [],
            ["AddPathStream"],
            id="an attribute",
        ),
        pytest.param(
            {key(7, 13): ROUTE},
            [key(7, 11)],
            ["AddPathStream", f"ListPath {PREFIX}", "AddPathStream"],
            id="moved: what comes is there before what goes is withdrawn",
        ),
        pytest.param(
            {key(7, 11): Route(PathAttributes(), frozenset({B}))},
            [],
            ["AddPathStream", f"ListPath {PREFIX}", "AddPathStream"],
            id="another router",
        ),
        pytest.param({key(7, 11): ROUTE}, [], [], id="nothing"),
    ],
)
async def test_calls_of_one_change(
    bed: Bed, put: Table, drop: list[RouteKey], calls: list[str]
) -> None:
    counting, speaker = await settled(bed)
    await speaker.routes.apply(Delta(put, frozenset(drop)))
    assert counting.since() == calls
    desired = {k: r for k, r in (TABLE | put).items() if k not in drop}
    assert await speaker.routes.observe() == desired


async def test_a_long_life_without_reading_keeps_every_identifier_apart(bed: Bed) -> None:
    counting, speaker = await settled(bed)
    before: Mapping[RouteKey, Route] = TABLE
    for turn in range(12):
        peers = frozenset({A, B}) if turn % 3 else frozenset({B})
        desired = dict(TABLE)
        for number in range(turn % 4, 9):
            desired[key(number, 11 + turn % 2)] = Route(PathAttributes(med=turn), peers)
            desired[key(number, 13 + turn % 3)] = ROUTE
            desired.pop(key(number, 12 - turn % 2))
        await change(speaker, desired, before)
        before = desired
    assert not [call for call in counting.since() if call == "ListPath"]  # of the whole table
    paths = await held(bed.stub)
    assert len(paths) == len(before)
    assert await speaker.routes.observe() == before


async def test_what_somebody_else_did_is_respected_once_read(bed: Bed) -> None:
    _, speaker = await settled(bed)
    theirs = plain_path(PREFIX)
    theirs.identifier = 3  # the one we would take next
    request = pb.AddPathRequest(table_type=pb.TABLE_TYPE_GLOBAL, path=theirs)
    await bed.stub.AddPath(request, timeout=PATIENCE_S)
    await speaker.routes.observe()
    await speaker.routes.apply(Delta({key(7, 13): ROUTE}, frozenset()))
    paths = await held(bed.stub, key(7, 13).prefix)
    assert sorted(path.identifier for key, path in paths if key is None) == [3]
    assert len(paths) == 4


async def test_a_change_while_the_table_is_read_is_not_lost(bed: Bed) -> None:
    _, speaker = await settled(bed)
    before: Mapping[RouteKey, Route] = TABLE
    for turn in range(6):
        desired = dict(before)
        for hop in (11, 12, 13):
            desired.pop(key(turn, hop), None)
        desired[key(turn, 14)] = desired[key(7, 20 + turn)] = ROUTE
        reading = asyncio.create_task(speaker.routes.observe())
        for _ in range(turn):
            await asyncio.sleep(0)
        await change(speaker, desired, before)
        await reading
        before = desired
    await change(speaker, TABLE, before)
    assert await speaker.routes.observe() == TABLE
    assert len(await held(bed.stub)) == len(TABLE)


async def test_a_fresh_daemon_takes_nothing_that_was_meant_for_the_last(bed: Bed) -> None:
    _, speaker = await settled(bed)
    await bed.replace_the_daemon()
    with pytest.raises(Unavailable):
        await speaker.routes.apply(Delta({key(7, 13): ROUTE}, frozenset()))
    assert await speaker.identity() is None
    await speaker.start(US)
    await speaker.exports.apply(Delta(EXPORTS, frozenset()))
    assert await speaker.routes.observe() == {}
    await change(speaker, TABLE, {})
    assert await speaker.routes.observe() == TABLE


async def test_what_was_known_of_the_last_daemon_is_forgotten_at_the_start(bed: Bed) -> None:
    _, speaker = await settled(bed)
    await bed.replace_the_daemon()
    await speaker.start(US)  # it was never asked who it is
    await speaker.exports.apply(Delta(EXPORTS, frozenset()))
    await change(speaker, TABLE, {})
    assert len(await held(bed.stub)) == len(TABLE)
