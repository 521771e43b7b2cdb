"""What a router at the other end receives, and what the speaker reports of the session."""

from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address, ip_network

from manager.adapters.gobgp.path_codec import IPV4
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta, delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.conformance.gobgp.bed import (
    PATIENCE_S,
    Bed,
    FakeBed,
    Router,
    eventually,
    introduce,
    neighbor,
    peered,
    started,
    state,
)

A, B = PeerName("tor-a"), PeerName("tor-b")


def key(prefix: str, hop: str) -> RouteKey:
    return RouteKey(ip_network(prefix), ip_address(hop))


V4 = [key("198.51.100.1/32", f"192.0.2.{last}") for last in (11, 12, 13)]
V6 = [key("2001:db8:5::1/128", f"2001:db8:2::{last}") for last in (11, 12, 13)]
BEHIND6 = key("198.51.100.9/32", "2001:db8:2::11")


def route(*peers: PeerName, **attributes: object) -> Route:
    return Route(PathAttributes(**attributes), frozenset(peers))  # type: ignore[arg-type]


async def converge(speaker: GobgpSpeaker, desired: Mapping[RouteKey, Route]) -> None:
    await speaker.routes.apply(delta(desired, await speaker.routes.observe()))
    assert await speaker.routes.observe() == desired


async def assert_received(router: Router, *keys: RouteKey) -> None:
    async def received() -> set[RouteKey]:
        return set(await router.received())

    await eventually(received, set(keys))


EVERY_WAY = {
    PeerName("ebgp-over-4"): ("127.0.0.2", 64500),
    PeerName("ibgp-over-4"): ("127.0.0.3", 64501),
    PeerName("ebgp-over-6"): ("2001:db8::2", 64500),
    PeerName("ibgp-over-6"): ("2001:db8::3", 64501),
}


async def test_three_next_hops_of_both_families_over_each_kind_of_session(bed: Bed) -> None:
    speaker = await started(bed)
    routers = {}
    for name, (address, asn) in EVERY_WAY.items():
        routers[name] = await bed.router(address, asn)
        await introduce(bed, name, address, asn=asn)
    for name in EVERY_WAY:
        await eventually(partial(state, speaker, name), "Established")
    for wanted in ([*V4, *V6, BEHIND6], [V4[1], V6[0]], []):
        await converge(speaker, dict.fromkeys(wanted, route(*EVERY_WAY)))
        for router in routers.values():
            await assert_received(router, *wanted)


async def test_paths_put_before_the_neighbor_are_told_at_once(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await speaker.exports.apply(Delta({A: ip_address("127.0.0.2")}, frozenset()))
    await converge(speaker, dict.fromkeys(V4, route(A)))
    await peered(bed, "tor-a", "127.0.0.2")
    await assert_received(router, *V4)


async def test_a_path_whose_peers_shrink_is_withdrawn_from_the_one_that_left(bed: Bed) -> None:
    speaker = await started(bed)
    left, stays = await bed.router("127.0.0.2", 64500), await bed.router("127.0.0.3", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    await peered(bed, "tor-b", "127.0.0.3")
    await converge(speaker, dict.fromkeys(V4, route(A, B)))
    await assert_received(left, *V4)
    await assert_received(stays, *V4)
    await converge(speaker, {V4[0]: route(B), V4[1]: route(A, B), V4[2]: route()})
    await assert_received(left, V4[1])
    await assert_received(stays, V4[0], V4[1])
    await converge(speaker, dict.fromkeys(V4, route(A, B)))
    await assert_received(left, *V4)


async def test_each_router_hears_what_is_for_it(bed: Bed) -> None:
    speaker = await started(bed)
    one, two = await bed.router("127.0.0.2", 64500), await bed.router("2001:db8::3", 64511)
    await peered(bed, "tor-a", "127.0.0.2")
    await peered(bed, "tor-b", "2001:db8::3", asn=64511)
    await converge(speaker, {V4[0]: route(A), V4[1]: route(B), V4[2]: route(A, B), V6[0]: route()})
    await assert_received(one, V4[0], V4[2])
    await assert_received(two, V4[1], V4[2])


async def test_nothing_of_ours_marks_what_leaves(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    advertised = route(
        A, communities=("64500:7",), large_communities=("64501:7:1",), weight=5, med=9
    )
    await converge(speaker, {V4[0]: advertised})
    await assert_received(router, V4[0])
    [path] = (await router.received())[V4[0]]
    large = [
        (one.global_admin, one.local_data1, one.local_data2)
        for attribute in path.pattrs
        for one in attribute.large_communities.communities
    ]
    assert large == [(64501, 7, 1)]
    kinds = {attribute.WhichOneof("attr") for attribute in path.pattrs}
    assert kinds >= {"communities", "extended_communities", "multi_exit_disc"}


async def test_a_changed_attribute_reaches_the_router(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")

    async def meds() -> list[int]:
        paths = (await router.received()).get(V4[0], [])
        return [
            a.multi_exit_disc.med for path in paths for a in path.pattrs if a.multi_exit_disc.med
        ]

    for med in (7, 8):
        await converge(speaker, {V4[0]: route(A, med=med)})
        await eventually(meds, [med])


async def test_the_same_next_hop_is_told_once(bed: Bed) -> None:
    """Between put and withdraw a router has it twice; then it must be once again."""
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    await speaker.exports.apply(Delta({B: ip_address("127.0.0.3")}, frozenset()))
    await converge(speaker, {V4[0]: route(A, B)})
    await converge(speaker, {V4[0]: route(A)})

    async def times() -> list[int]:
        return [len(paths) for paths in (await router.received()).values()]

    await eventually(times, [1])


async def test_an_export_rule_that_changes_reaches_sessions_that_are_up(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    await converge(speaker, dict.fromkeys(V4, route(A)))
    await assert_received(router, *V4)
    await speaker.exports.apply(Delta({}, frozenset({A})))
    await assert_received(router)
    await speaker.exports.apply(Delta({B: ip_address("127.0.0.2")}, frozenset()))
    await converge(speaker, {V4[0]: route(B)})
    await assert_received(router, V4[0])


async def test_foreign_paths_are_never_exported(bed: Bed) -> None:
    from tests.conformance.gobgp.bed import plain_path

    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    request = pb.AddPathRequest(table_type=pb.TABLE_TYPE_GLOBAL, path=plain_path("203.0.113.0/24"))
    await bed.stub.AddPath(request, timeout=PATIENCE_S)
    await converge(speaker, {V4[0]: route(A)})
    await assert_received(router, V4[0])


async def test_a_router_that_floods_us_gets_nothing_into_the_table(bed: Bed) -> None:
    if isinstance(bed, FakeBed):
        return  # the fake has no import from routers: nothing there to leak
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await router.flood([f"10.{n >> 8}.{n & 255}.0/24" for n in range(10_000)])
    await peered(bed, "tor-a", "127.0.0.2")
    await converge(speaker, {V4[0]: route(A)})
    await assert_received(router, V4[0])

    async def received() -> int:
        listed = bed.stub.ListPeer(pb.ListPeerRequest(), timeout=PATIENCE_S)
        return sum([one.state.received async for reply in listed for one in reply.peer.afi_safis])

    await eventually(received, 10_000)
    table = pb.GetTableRequest(table_type=pb.TABLE_TYPE_GLOBAL, family=IPV4)
    assert (await bed.stub.GetTable(table, timeout=PATIENCE_S)).num_path == 1
    assert await speaker.routes.observe() == {V4[0]: route(A)}


async def test_the_session_report_of_a_router_that_takes_several_paths(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2", hold_seconds=9)
    await converge(speaker, dict.fromkeys([*V4, *V6], route(A)))
    await assert_received(router, *V4, *V6)
    report = (await speaker.sessions())[A]
    assert report.add_path_negotiated
    assert report.families == ("ipv4-unicast", "ipv6-unicast")
    assert (report.hold_seconds, report.last_error) == (9, "")
    assert (report.advertised_prefixes, report.advertised_paths) == (2, 6)
    assert report.established_at_s is not None


async def test_the_session_report_of_a_router_that_takes_one(bed: Bed) -> None:
    speaker = await started(bed)
    router = await bed.router("127.0.0.2", 64500, add_path=False)
    await peered(bed, "tor-a", "127.0.0.2")
    await converge(speaker, dict.fromkeys(V4, route(A)))

    async def how_many() -> int:
        return len(await router.received())

    await eventually(how_many, 1)
    report = (await speaker.sessions())[A]
    assert not report.add_path_negotiated
    assert report.advertised_prefixes == 1


async def test_the_session_report_of_a_router_that_isnt_there(bed: Bed) -> None:
    speaker = await started(bed)
    put = Delta({A: neighbor("127.0.0.2", 64500)}, frozenset())
    await speaker.neighbors.apply(put)
    assert await state(speaker, "tor-a") not in {None, "Established"}
    report = (await speaker.sessions())[A]
    assert (report.established_at_s, report.families, report.hold_seconds) == (None, (), None)
    await speaker.neighbors.apply(Delta({}, frozenset({A})))
    assert await speaker.sessions() == {}
