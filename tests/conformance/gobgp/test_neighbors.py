"""The neighbors target: the configured side of sessions, and what flaps them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta, delta
from pointsman.model.route import Bfd, Neighbor, PeerName, resets_session
from pointsman.runtime.target import Unavailable
from tests.conformance.gobgp.bed import (
    PATIENCE_S,
    Bed,
    eventually,
    foreign_peer,
    introduce,
    neighbor,
    peered,
    started,
    state,
)

A, B = PeerName("tor-a"), PeerName("tor-b")
PLAIN = Neighbor(ip_address("127.0.0.2"), 64500)
V6 = ("ipv6-unicast",)


async def converge(speaker: GobgpSpeaker, desired: Mapping[PeerName, Neighbor]) -> None:
    await speaker.neighbors.apply(delta(desired, await speaker.neighbors.observe()))
    assert await speaker.neighbors.observe() == desired


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"asn": 64501}, id="iBGP"),
        pytest.param({"asn": 4_200_000_000, "port": 1179}, id="a four-octet AS, another port"),
        pytest.param({"hold_seconds": 0}, id="hold time off"),
        pytest.param({"hold_seconds": 3, "keepalive_seconds": 1}, id="the shortest hold time"),
        pytest.param({"hold_seconds": 240, "connect_retry_seconds": 1}, id="other timers"),
        pytest.param({"families": V6, "add_path": False}, id="one family, one path"),
        pytest.param({"local_as": 64502}, id="local AS"),
        pytest.param({"local_as": 64501}, id="local AS, set although it is the speaker's"),
        pytest.param({"source_address": ip_address("127.0.0.1")}, id="source address"),
        pytest.param({"password": "correct horse: battery=staple"}, id="MD5 password"),
        pytest.param({"multihop_ttl": 4}, id="multihop"),
        pytest.param({"ttl_security": True}, id="GTSM"),
        pytest.param({"passive": True}, id="passive"),
        pytest.param({"graceful_restart_seconds": 120}, id="graceful restart"),
        pytest.param({"bfd": Bfd(150, 200, 5)}, id="BFD"),
        pytest.param({"address": ip_address("2001:db8::2")}, id="IPv6"),
    ],
)
async def test_settings_come_back_as_they_went(bed: Bed, changed: dict[str, Any]) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: replace(PLAIN, **changed)})
    await converge(speaker, {A: PLAIN})


async def test_add_update_remove_leave_the_others_alone(bed: Bed) -> None:
    speaker = await started(bed)
    other = replace(PLAIN, address=ip_address("127.0.0.3"))
    await converge(speaker, {A: PLAIN})
    await converge(speaker, {A: PLAIN, B: other})
    await converge(speaker, {A: PLAIN, B: replace(other, asn=64511)})
    await converge(speaker, {B: other})
    await converge(speaker, {})


async def test_a_peer_that_moves_is_put_there_and_gone_here(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: PLAIN})
    await converge(speaker, {A: replace(PLAIN, address=ip_address("2001:db8::2"))})
    assert await _addresses(bed) == {"2001:db8::2"}


async def test_a_peer_that_is_renamed_keeps_its_place(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: PLAIN})
    await converge(speaker, {B: PLAIN})
    await speaker.neighbors.apply(Delta({}, frozenset({A})))  # a late drop finds nothing
    assert await speaker.neighbors.observe() == {B: PLAIN}


async def test_a_crash_while_it_moved_is_mended(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: PLAIN})
    twin = foreign_peer("127.0.0.3")
    twin.conf.description = "pointsman/tor-a"
    await bed.stub.AddPeer(pb.AddPeerRequest(peer=twin), timeout=PATIENCE_S)
    assert (await speaker.neighbors.observe())[A].asn == 0
    await converge(speaker, {A: PLAIN})
    assert await _addresses(bed) == {"127.0.0.2"}


async def test_foreign_neighbors_are_not_seen_not_touched_and_not_replaced(bed: Bed) -> None:
    speaker = await started(bed)
    request = pb.AddPeerRequest(peer=foreign_peer("127.0.0.2"))
    await bed.stub.AddPeer(request, timeout=PATIENCE_S)
    assert await speaker.neighbors.observe() == {}
    assert await speaker.sessions() == {}
    other = replace(PLAIN, address=ip_address("127.0.0.3"))
    with pytest.raises(Unavailable, match="at the address of tor-a that Pointsman did not make"):
        await speaker.neighbors.apply(Delta({A: PLAIN, B: other}, frozenset()))
    assert await speaker.neighbors.observe() == {B: other}  # one in the way, the rest goes on
    await converge(speaker, {})
    assert await _addresses(bed) == {"127.0.0.2"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"address": ip_address("0.0.0.0")}, "address 0.0.0.0 is not"),
        ({"address": ip_address("fe80::1")}, "address fe80::1 is not"),
        ({"source_address": ip_address("::")}, "source :: is not"),
        ({"source_address": ip_address("2001:db8::1")}, "must be of one family"),
        ({"asn": 0}, "AS 0 is not within 1"),
        ({"asn": 2**32}, "AS 4294967296"),
        ({"local_as": 0}, "local AS 0"),
        ({"port": 0}, "port 0"),
        ({"port": 65_536}, "port 65536"),
        ({"hold_seconds": 2}, r"use 0 \(off\) or at least 3"),
        ({"hold_seconds": 65_536}, "hold time 65536"),
        ({"keepalive_seconds": 0}, "keepalive 0"),
        ({"connect_retry_seconds": 0}, "connect retry 0"),
        ({"families": ()}, "families"),
        ({"families": ("ipv6-unicast", "ipv4-unicast")}, "families"),
        ({"multihop_ttl": 0}, "multihop TTL 0"),
        ({"multihop_ttl": 256}, "multihop TTL 256"),
        ({"multihop_ttl": 2, "ttl_security": True}, "exclude each other"),
        ({"password": ""}, "1 to 80 bytes"),
        ({"password": "x" * 81}, "1 to 80 bytes"),
        ({"graceful_restart_seconds": 4096}, "graceful restart 4096"),
        ({"bfd": Bfd(5)}, "10 to 60000 ms"),
        ({"bfd": Bfd(multiplier=0)}, "multipliers 1 to 255"),
    ],
)
async def test_what_no_session_can_come_of_is_refused_before_it_is_sent(
    bed: Bed, changed: dict[str, Any], sentence: str
) -> None:
    speaker = await started(bed)
    other = replace(PLAIN, address=ip_address("127.0.0.3"))
    with pytest.raises(ValueError, match=sentence) as caught:
        await speaker.neighbors.apply(Delta({B: other, A: replace(PLAIN, **changed)}, frozenset()))
    assert "xxx" not in str(caught.value)  # never the password
    assert await speaker.neighbors.observe() == {}


async def test_two_neighbors_at_one_address_are_refused(bed: Bed) -> None:
    speaker = await started(bed)
    with pytest.raises(ValueError, match="tor-a, tor-b: two neighbors have one address"):
        await speaker.neighbors.apply(Delta({A: PLAIN, B: PLAIN}, frozenset()))


LIVE: dict[str, Any] = {
    "hold_seconds": 30,
    "keepalive_seconds": 10,
    "connect_retry_seconds": 9,
    "bfd": Bfd(),
}
ANEW: dict[str, Any] = {
    "asn": 64500,
    "families": ("ipv4-unicast",),
    "add_path": False,
    "source_address": None,
    "password": "secret",
    "multihop_ttl": 5,
    "ttl_security": True,
    "graceful_restart_seconds": 60,
}


async def test_timers_change_and_bfd_comes_while_the_session_lives(bed: Bed) -> None:
    speaker = await started(bed)
    await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    before = (await speaker.sessions())[A].established_at_s
    for name, value in LIVE.items():
        observed = (await speaker.neighbors.observe())[A]
        changed = replace(observed, **{name: value})
        assert resets_session(observed, changed) == ()
        await converge(speaker, {A: changed})
        assert await state(speaker, "tor-a") == "Established"
    assert (await speaker.sessions())[A].established_at_s == before


async def test_what_an_open_carries_starts_the_session_anew(bed: Bed) -> None:
    """Each change on a session of its own, all at once: a reset costs seconds each."""
    speaker = await started(bed)
    names = {f"tor-{number}": name for number, name in enumerate(sorted(ANEW.keys() - {"asn"}))}
    routers = {tor: f"127.0.0.{11 + number}" for number, tor in enumerate(names)}
    for tor, address in routers.items():
        await bed.router(address, 64500)
        await introduce(bed, tor, address)
    for tor in names:
        await eventually(partial(state, speaker, tor), "Established")
    observed, before = await speaker.neighbors.observe(), await speaker.sessions()
    changed = {
        PeerName(tor): replace(observed[PeerName(tor)], **{name: ANEW[name]})
        for tor, name in names.items()
    }
    for tor, name in names.items():
        assert resets_session(observed[PeerName(tor)], changed[PeerName(tor)]) == (name,)
    await converge(speaker, changed)
    for tor, name in names.items():
        if name in {"password", "ttl_security"}:  # of these the router knows nothing
            assert await state(speaker, tor) != "Established"
            continue
        await eventually(partial(state, speaker, tor), "Established")
        was = before[PeerName(tor)].established_at_s
        now = (await speaker.sessions())[PeerName(tor)].established_at_s
        assert was is not None
        assert now is not None
        assert now > was, name
    assert await speaker.neighbors.observe() == changed  # also while they are up


async def test_a_neighbor_reads_the_same_before_and_while_it_is_up(bed: Bed) -> None:
    speaker = await started(bed)
    await bed.router("127.0.0.2", 64500)
    await peered(bed, "tor-a", "127.0.0.2")
    assert await speaker.neighbors.observe() == {A: neighbor("127.0.0.2", 64500)}


async def test_passwords_are_never_shown(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: replace(PLAIN, password="hunter2")})
    observed = await speaker.neighbors.observe()
    work = delta({A: replace(PLAIN, password="hunter3")}, observed)
    assert work.put  # rotated: a difference
    assert "hunter" not in f"{observed} {work} {await speaker.sessions()}"


async def _addresses(bed: Bed) -> set[str]:
    listed = bed.stub.ListPeer(pb.ListPeerRequest(), timeout=PATIENCE_S)
    return {reply.peer.conf.neighbor_address async for reply in listed}
