"""Prepending: eBGP routers hear our AS as often as asked, iBGP routers never."""

from ipaddress import ip_address, ip_network

import pytest

from manager.adapters.gobgp.exports import numbers
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.model.delta import delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.conformance.gobgp.bed import US, Bed, Router, eventually, introduce, peered, started

OUT, IN = PeerName("tor-out"), PeerName("tor-in")
KEY = RouteKey(ip_network("198.51.100.1/32"), ip_address("192.0.2.11"))
EBGP, IBGP = "127.0.0.2", "127.0.0.3"


async def advertise(speaker: GobgpSpeaker, times: int, *peers: PeerName) -> None:
    desired = {KEY: Route(PathAttributes(as_path_prepend=times), frozenset(peers))}
    await speaker.routes.apply(delta(desired, await speaker.routes.observe()))
    assert await speaker.routes.observe() == desired


async def assert_received(router: Router, times: int, *, asn: int = US.asn) -> None:
    """Wait until the path at *router* has *asn* so often, and none of our marks."""

    async def found() -> list[list[int]]:
        paths = [path for each in (await router.received()).values() for path in each]
        assert not any(
            one.local_data1 == 0
            for path in paths
            for attribute in path.pattrs
            for one in attribute.large_communities.communities
        )
        return [
            [
                number
                for attribute in path.pattrs
                for segment in attribute.as_path.segments
                for number in segment.numbers
            ]
            for path in paths
        ]

    await eventually(found, [[asn] * times])


@pytest.mark.parametrize("times", [0, 1, 3, 32])
async def test_an_ebgp_router_hears_it_and_an_ibgp_router_does_not(bed: Bed, times: int) -> None:
    speaker = await started(bed)
    out, own = await bed.router(EBGP, 64500), await bed.router(IBGP, US.asn)
    await peered(bed, OUT, EBGP)
    await peered(bed, IN, IBGP, asn=US.asn)
    await advertise(speaker, times, OUT, IN)
    await assert_received(out, times + 1)
    await assert_received(own, 0)


async def test_it_changes_in_place(bed: Bed) -> None:
    speaker = await started(bed)
    out = await bed.router(EBGP, 64500)
    await peered(bed, OUT, EBGP)
    for times in (5, 2, 0, 31):
        await advertise(speaker, times, OUT)
        await assert_received(out, times + 1)


async def test_another_as_of_ours_is_the_one_that_is_repeated(bed: Bed) -> None:
    speaker = await started(bed)
    out = await bed.router(EBGP, 64500, us=64599)
    await peered(bed, OUT, EBGP, local_as=64599)
    await advertise(speaker, 2, OUT)
    await assert_received(out, 3, asn=64599)


async def test_its_marks_are_nobodys_number(bed: Bed) -> None:
    speaker = await started(bed)
    await bed.router(EBGP, 64500)
    await peered(bed, OUT, EBGP)
    await advertise(speaker, 32, OUT)
    await introduce(bed, IN, IBGP, asn=US.asn)
    assert await numbers(bed.stub, US.asn) == {OUT: 1, IN: 2}
