"""The path identifiers routers hear: the same from the next daemon as from the last."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.model.delta import Delta, delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.conformance.gobgp.bed import Bed, held, started

A = PeerName("tor-a")
FOR_A = Route(PathAttributes(), frozenset({A}))
Table = Mapping[RouteKey, Route]


def table(*hops: int) -> dict[RouteKey, Route]:
    """Return a prefix of each family behind these hosts."""
    places = (("198.51.100.1/32", "192.0.2."), ("2001:db8:5::1/128", "2001:db8:2::"))
    return {
        RouteKey(ip_network(prefix), ip_address(f"{net}{hop}")): FOR_A
        for prefix, net in places
        for hop in hops
    }


async def filled(bed: Bed, *history: Table) -> GobgpSpeaker:
    speaker = await started(bed)
    await speaker.exports.apply(Delta({A: ip_address("127.0.0.2")}, frozenset()))
    for desired in history:
        await speaker.routes.apply(delta(desired, await speaker.routes.observe()))
    return speaker


async def wire(bed: Bed) -> dict[RouteKey, int]:
    return {key: path.wire for key, path in await held(bed.stub) if key is not None}


HISTORIES = [
    pytest.param((table(11, 12, 13),), id="none"),
    pytest.param((table(13), table(11, 12, 13)), id="added one by one, the last first"),
    pytest.param((table(11), table(), table(11, 12, 13)), id="withdrawn, given again"),
    pytest.param((table(11, 12), table(12), table(13, 12), table(13, 11, 12)), id="moved about"),
]


@pytest.mark.parametrize("history", HISTORIES)
async def test_a_fresh_daemon_says_each_path_under_its_former_number(
    bed: Bed, history: tuple[Table, ...]
) -> None:
    await filled(bed, *history)
    before = await wire(bed)
    assert len(before) == 6
    await bed.replace_the_daemon()
    speaker = await filled(bed, history[-1])
    assert await wire(bed) == before
    assert len(await held(bed.stub)) == len(before)  # no placeholder is left
    assert await speaker.routes.observe() == history[-1]


async def test_a_path_that_is_gone_leaves_its_number_and_a_new_one_takes_another(bed: Bed) -> None:
    await filled(bed, table(11), table(), table(11, 12, 13))
    before = await wire(bed)
    await bed.replace_the_daemon()
    await filled(bed, table(12, 13, 14))
    after = await wire(bed)
    for key in table(12, 13):
        assert after[key] == before[key]
    assert not {(k.prefix, after[k]) for k in table(14)} & {
        (k.prefix, n) for k, n in before.items()
    }


async def test_a_prefix_taken_back_begins_anew(bed: Bed) -> None:
    await filled(bed, table(11), table(), table(12), table())
    await bed.replace_the_daemon()
    await filled(bed, table(12))
    assert set((await wire(bed)).values()) == {1}


async def test_a_long_past_is_passed_over_quickly(bed: Bed) -> None:
    await filled(bed, *[table(11), table(12)] * 150, table(11, 12, 13))
    before = await wire(bed)
    assert max(before.values()) > 300
    await bed.replace_the_daemon()
    async with asyncio.timeout(20):
        await filled(bed, table(11, 12, 13))
    assert await wire(bed) == before
    assert len(await held(bed.stub)) == len(before)
