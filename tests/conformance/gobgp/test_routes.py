"""The routes target, read back from the daemon's own table."""

import time
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta, delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.runtime.target import Unavailable
from tests.conformance.gobgp.bed import PATIENCE_S, Bed, FakeBed, held, plain_path, started

A, B, C = PeerName("tor-a"), PeerName("tor-b"), PeerName("tor-c")
EXPORTS = {A: ip_address("127.0.0.2"), B: ip_address("127.0.0.3"), C: ip_address("127.0.0.4")}


def key(prefix: str, hop: str) -> RouteKey:
    return RouteKey(ip_network(prefix), ip_address(hop))


def route(*peers: PeerName, **attributes: object) -> Route:
    return Route(PathAttributes(**attributes), frozenset(peers))  # type: ignore[arg-type]


VIP = key("198.51.100.1/32", "192.0.2.11")
VIP_TOO = key("198.51.100.1/32", "192.0.2.12")


async def exporting(bed: Bed) -> GobgpSpeaker:
    speaker = await started(bed)
    await speaker.exports.apply(Delta(EXPORTS, frozenset()))
    return speaker


async def converge(speaker: GobgpSpeaker, desired: Mapping[RouteKey, Route]) -> None:
    await speaker.routes.apply(delta(desired, await speaker.routes.observe()))
    assert await speaker.routes.observe() == desired


async def identifiers(bed: Bed) -> dict[RouteKey, int]:
    return {key: path.identifier for key, path in await held(bed.stub) if key is not None}


async def test_two_next_hops_of_one_prefix_are_two_paths(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A), VIP_TOO: route(A)})
    assert len(set((await identifiers(bed)).values())) == 2


@pytest.mark.parametrize(
    ("prefix", "hop"),
    [
        pytest.param("198.51.100.0/24", "192.0.2.11", id="an IPv4 aggregate"),
        pytest.param("2001:db8:5::1/128", "2001:db8:2::11", id="an IPv6 host route"),
        pytest.param("2001:db8:5::/64", "2001:db8:2::11", id="an IPv6 aggregate"),
        pytest.param("198.51.100.1/32", "2001:db8:2::11", id="IPv4 behind IPv6, RFC 8950"),
        pytest.param("0.0.0.0/0", "192.0.2.11", id="a default route"),
    ],
)
async def test_prefixes_come_back_as_they_went(bed: Bed, prefix: str, hop: str) -> None:
    await converge(await exporting(bed), {key(prefix, hop): route(A)})


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({}, id="none"),
        pytest.param({"communities": ("64500:100", "no-export")}, id="communities"),
        pytest.param({"communities": ("0:0", "65535:65535")}, id="communities at the edges"),
        pytest.param({"large_communities": ("64500:0:9", "64501:7:1")}, id="large communities"),
        pytest.param({"local_pref": 0}, id="local preference 0"),
        pytest.param({"local_pref": 4_294_967_295}, id="the highest local preference"),
        pytest.param({"med": 0}, id="MED 0 is not no MED"),
        pytest.param({"as_path_prepend": 3}, id="AS path prepended"),
        pytest.param({"weight": 1}, id="the smallest weight"),
        pytest.param({"weight": 65_535}, id="the largest weight"),
        pytest.param({"weight": 333, "med": 7, "communities": ("blackhole",)}, id="several"),
    ],
)
async def test_attributes_come_back_as_they_went(bed: Bed, attributes: dict[str, object]) -> None:
    await converge(await exporting(bed), {VIP: route(A, **attributes)})


async def test_a_route_may_be_for_nobody_yet(bed: Bed) -> None:
    await converge(await exporting(bed), {VIP: route()})


async def test_attributes_change_in_place(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A, med=1)})
    before = await identifiers(bed)
    await converge(speaker, {VIP: route(A, med=2)})
    assert await identifiers(bed) == before


async def test_more_peers_are_a_change_in_place(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A)})
    before = await identifiers(bed)
    await converge(speaker, {VIP: route(A, B)})
    assert await identifiers(bed) == before


@pytest.mark.parametrize(
    "narrowed", [pytest.param(route(A), id="fewer peers"), pytest.param(route(C), id="others")]
)
async def test_a_peer_less_is_a_new_path_and_the_old_one_goes(bed: Bed, narrowed: Route) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A, B), VIP_TOO: route(A, B)})
    before = await identifiers(bed)
    await converge(speaker, {VIP: narrowed, VIP_TOO: route(A, B)})
    after = await identifiers(bed)
    assert after[VIP] not in before.values()
    assert after[VIP_TOO] == before[VIP_TOO]
    assert len(await held(bed.stub)) == 2


async def test_freed_identifiers_are_used_again(bed: Bed) -> None:
    speaker = await exporting(bed)
    for peers in ((A, B), (A,), (B,), (A,), (B,)):
        await converge(speaker, {VIP: route(*peers)})
    assert max((await identifiers(bed)).values()) <= 2


async def test_a_crash_between_put_and_withdraw_is_mended(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A, B)})
    ((_, path),) = await held(bed.stub)
    request = pb.ListPathRequest(table_type=pb.TABLE_TYPE_GLOBAL)
    request.family.CopyFrom(plain_path("0.0.0.0/0").family)
    listed = [reply async for reply in bed.stub.ListPath(request, timeout=PATIENCE_S)]
    twin = pb.Path()
    twin.CopyFrom(listed[0].destination.paths[0])
    twin.identifier = path.identifier + 1
    await bed.stub.AddPath(
        pb.AddPathRequest(table_type=pb.TABLE_TYPE_GLOBAL, path=twin), timeout=PATIENCE_S
    )
    assert await speaker.routes.observe() != {VIP: route(A, B)}
    await converge(speaker, {VIP: route(A, B)})
    assert len(await held(bed.stub)) == 1


async def test_the_same_again_sends_nothing(bed: Bed) -> None:
    speaker = await exporting(bed)
    desired = {VIP: route(A, med=1), VIP_TOO: route(A, B)}
    await converge(speaker, desired)
    before = await held(bed.stub)
    assert not delta(desired, await speaker.routes.observe())
    await speaker.routes.apply(Delta(desired, frozenset()))  # an impatient caller
    assert sorted(map(str, await held(bed.stub))) == sorted(map(str, before))


async def test_dropped_is_gone_and_dropping_it_again_is_fine(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A), VIP_TOO: route(A)})
    for _ in range(2):
        await speaker.routes.apply(Delta({}, frozenset({VIP})))
        assert await speaker.routes.observe() == {VIP_TOO: route(A)}


async def test_foreign_paths_are_not_seen_and_not_touched(bed: Bed) -> None:
    speaker = await exporting(bed)
    for prefix in ("198.51.100.1/32", "203.0.113.0/24"):
        request = pb.AddPathRequest(table_type=pb.TABLE_TYPE_GLOBAL, path=plain_path(prefix))
        await bed.stub.AddPath(request, timeout=PATIENCE_S)
    assert await speaker.routes.observe() == {}
    await converge(speaker, {VIP: route(A)})
    await converge(speaker, {})
    assert len(await held(bed.stub)) == 2


async def test_a_path_for_an_unknown_peer_waits_and_the_others_go(bed: Bed) -> None:
    speaker = await exporting(bed)
    stranger = PeerName("tor-z")
    work = {VIP: route(A, stranger), VIP_TOO: route(A)}
    with pytest.raises(Unavailable, match="no export rule yet for tor-z"):
        await speaker.routes.apply(Delta(work, frozenset()))
    assert await speaker.routes.observe() == {VIP_TOO: route(A)}
    await speaker.exports.apply(Delta({stranger: ip_address("127.0.0.9")}, frozenset()))
    await speaker.routes.apply(Delta(work, frozenset()))
    assert await speaker.routes.observe() == work


async def test_20000_paths_in_a_couple_of_seconds(bed: Bed) -> None:
    speaker = await exporting(bed)
    first, desired = int(IPv4Address("198.18.0.0")), route(A, B, communities=("64500:1",))
    many = {
        RouteKey(ip_network(first + number), ip_address(f"192.0.2.{11 + hop}")): desired
        for number in range(500 if isinstance(bed, FakeBed) else 5000)  # a fake proves no speed
        for hop in range(4)
    }
    start = time.monotonic()
    await speaker.routes.apply(Delta(many, frozenset()))
    put = time.monotonic()
    assert await speaker.routes.observe() == many
    read = time.monotonic()
    print(f"put in {put - start:.2f} s, observed in {read - put:.2f} s")
    assert read - start < 40  # "a couple of seconds" on a machine with nothing else to do
    one = next(iter(many))
    await speaker.routes.apply(Delta({}, frozenset({one})))
    assert time.monotonic() - read < max(5.0, read - put)  # one change is not a sweep
    await speaker.routes.apply(Delta({}, frozenset(many)))
    assert await speaker.routes.observe() == {}


@pytest.mark.parametrize(
    ("at", "desired", "sentence"),
    [
        (key("198.51.100.1/32", "0.0.0.0"), route(A), "next hop must be"),
        (key("198.51.100.1/32", "224.0.0.1"), route(A), "next hop must be"),
        (key("2001:db8:5::1/128", "fe80::1"), route(A), "next hop must be"),
        (key("2001:db8:5::1/128", "192.0.2.1"), route(A), "needs an IPv6 next hop"),
        (key("2001:db8:5::1/128", "::ffff:192.0.2.1"), route(A), "IPv4-mapped"),
        (key("224.0.0.0/24", "192.0.2.1"), route(A), "multicast"),
        (VIP, route(A, med=2**32), "med 4294967296"),
        (VIP, route(A, local_pref=-1), "localPref -1"),
        (VIP, route(A, as_path_prepend=33), "asPathPrepend 33"),
        (VIP, route(A, weight=0), "weight 0"),
        (VIP, route(A, communities=("65535:65281",)), "not canonical"),
        (VIP, route(A, communities=("64500",)), "no community"),
        (VIP, route(A, communities=("64500:2", "64500:1")), "not sorted"),
        (VIP, route(A, large_communities=("1:2",)), "no large community"),
        (VIP, route(A, large_communities=("64501:0:1",)), "Pointsman's own"),
    ],
)
async def test_what_bgp_has_no_place_for_is_refused_before_it_is_sent(
    bed: Bed, at: RouteKey, desired: Route, sentence: str
) -> None:
    speaker = await exporting(bed)
    with pytest.raises(ValueError, match=sentence):
        await speaker.routes.apply(Delta({VIP_TOO: route(A), at: desired}, frozenset()))
    assert await speaker.routes.observe() == {}


async def test_a_narrowed_route_reads_as_it_is_when_its_export_rule_is_gone(bed: Bed) -> None:
    speaker = await exporting(bed)
    await converge(speaker, {VIP: route(A, B)})
    await speaker.exports.apply(Delta({}, frozenset({B})))
    observed = await speaker.routes.observe()
    assert observed[VIP].peers - {A} == {"#2"}
    await converge(speaker, {VIP: replace(observed[VIP], peers=frozenset({A}))})
