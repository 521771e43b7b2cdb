"""What routers are sent of a prefix: without ADD-PATH the one path meant for them, with it all.

Each state is reached from the one before, so that what a router has could depend on the way.
"""

from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address, ip_network

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.model.delta import delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.conformance.gobgp.bed import Bed, FakeBed, Router, eventually, peered, started

SEVERAL, ONE = PeerName("several"), PeerName("one")
AT = {SEVERAL: "127.0.0.2", ONE: "127.0.0.3"}
FULL = 255  # one byte in gobgpd: more paths of a prefix are not sent

# The nodes that carry, and the one that the router without ADD-PATH is sent.
WALK = ["1230:1", "1230:2", "1230:1", "230:2", "30:3", "1230:3", "120:2", "1230:2", "2:2", "12:1"]
PREFIXES = {4: ("198.51.100.1/32", "192.0.2.1{}"), 6: ("2001:db8:5::1/128", "2001:db8:2::1{}")}


def table(state: str, version: int, **more: object) -> dict[RouteKey, Route]:
    nodes, chosen = state.split(":")
    prefix, hop = PREFIXES[version]
    return {
        RouteKey(ip_network(prefix), ip_address(hop.format(node))): Route(
            PathAttributes(best=node == chosen, **more),  # type: ignore[arg-type]
            frozenset(AT) if node == chosen else frozenset({SEVERAL}),
        )
        for node in nodes
    }


async def converge(speaker: GobgpSpeaker, desired: Mapping[RouteKey, Route]) -> None:
    await speaker.routes.apply(delta(desired, await speaker.routes.observe()))
    assert await speaker.routes.observe() == desired


async def both(bed: Bed, asn: int = 64500) -> tuple[GobgpSpeaker, Router, Router]:
    speaker = await started(bed)
    found = [await bed.router(at, asn, add_path=name == SEVERAL) for name, at in sorted(AT.items())]
    for name, at in AT.items():
        await peered(bed, name, at, asn=asn)
    one, several = found
    return speaker, one, several


def hops(router: Router) -> Callable[[], Awaitable[set[RouteKey]]]:
    async def asked() -> set[RouteKey]:
        return set(await router.received())

    return asked


@pytest.mark.parametrize("asn", [pytest.param(64500, id="eBGP"), pytest.param(64501, id="iBGP")])
@pytest.mark.parametrize("version", [4, 6])
async def test_a_router_without_add_path_has_the_path_that_is_meant_for_it(
    bed: Bed, asn: int, version: int
) -> None:
    speaker, one, several = await both(bed, asn)
    for state in WALK:
        desired = table(state, version, med=7)
        await converge(speaker, desired)
        await eventually(hops(several), set(desired))
        chosen = {key for key, route in desired.items() if ONE in route.peers}
        await eventually(hops(one), chosen)
        reports = await speaker.sessions()
        assert reports[ONE].advertised_paths == 1
        assert reports[SEVERAL].advertised_paths == len(desired)
        for router in (one, several):
            for paths in (await router.received()).values():
                assert [a.origin.origin for p in paths for a in p.pattrs if a.HasField("origin")] \
                    == [0]  # fmt: skip


async def test_a_session_that_begins_later_has_it_too(bed: Bed) -> None:
    speaker = await started(bed)
    desired = table("123:2", 4)
    for name, at in AT.items():
        await bed.router(at, 64500, add_path=name == SEVERAL)
        await speaker.exports.apply(delta({name: ip_address(at)}, {}))
    await converge(speaker, desired)
    for name, at in AT.items():
        await peered(bed, name, at)
    reports = await speaker.sessions()
    assert (reports[ONE].advertised_paths, reports[SEVERAL].advertised_paths) == (1, 3)


def wide(first: int, *, best: bool = True, peers: frozenset[PeerName]) -> dict[RouteKey, Route]:
    """Return a full set of paths; *first*: which of the nodes it begins with."""
    start = int(ip_address("10.77.0.0")) + first
    route = Route(PathAttributes(best=best), peers)
    return {
        RouteKey(ip_network("198.51.100.1/32"), ip_address(start + n)): route for n in range(FULL)
    }


@pytest.mark.parametrize(
    "there_first",
    [pytest.param(True, id="session, then paths"), pytest.param(False, id="paths, then session")],
)
async def test_a_full_prefix_is_replaced_whole(bed: Bed, there_first: bool) -> None:
    """Each put is one too many for a moment; what was dropped for it must come in the end."""
    speaker = await started(bed)
    router = await bed.router(AT[SEVERAL], 64500)
    every = frozenset(AT)
    await speaker.exports.apply(delta({n: ip_address(at) for n, at in AT.items()}, {}))
    if there_first:
        await peered(bed, SEVERAL, AT[SEVERAL])
    await converge(speaker, wide(0, peers=every))
    if not there_first:
        await peered(bed, SEVERAL, AT[SEVERAL])
    for desired in (
        wide(0, peers=every),
        wide(1, peers=every),  # one node for another
        wide(300, peers=every),  # all for others
        wide(300, peers=frozenset({SEVERAL})),  # narrowed: all are put anew
        wide(300, peers=every),
        wide(300, best=False, peers=every),
        wide(200, peers=every),
    ):
        await converge(speaker, desired)
        await eventually(hops(router), set(desired))
        assert (await speaker.sessions())[SEVERAL].advertised_paths == FULL
    if isinstance(bed, FakeBed):
        assert not bed.daemon.routers[AT[SEVERAL]].beyond


@pytest.mark.parametrize("there_first", [True, False])
async def test_the_count_is_of_what_was_sent(bed: Bed, there_first: bool) -> None:
    """Nobody should put more than a full set; whoever does gets no wrong report."""
    speaker = await started(bed)
    router = await bed.router(AT[SEVERAL], 64500)
    await speaker.exports.apply(delta({n: ip_address(at) for n, at in AT.items()}, {}))
    more = wide(0, peers=frozenset({SEVERAL})) | wide(45, peers=frozenset({SEVERAL}))
    if there_first:
        await peered(bed, SEVERAL, AT[SEVERAL])
    await converge(speaker, more)
    if not there_first:
        await peered(bed, SEVERAL, AT[SEVERAL])
    sent = FULL if there_first else len(more)  # an initial dump asks for no send_max

    async def received() -> tuple[int, int]:
        count = (await speaker.sessions())[SEVERAL].advertised_paths
        return len(await router.received()), count

    await eventually(received, (sent, sent))
