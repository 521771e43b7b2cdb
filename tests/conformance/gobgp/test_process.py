"""The daemon itself: empty, foreign, stopped, gone in the middle, back."""

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

import pytest

from manager.adapters.gobgp.path_codec import IPV4
from manager.ports import Speaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta
from pointsman.model.route import (
    Confederation,
    PathAttributes,
    PeerName,
    Route,
    RouteKey,
    SpeakerIdentity,
)
from pointsman.runtime.target import Unavailable
from tests.conformance.gobgp.bed import (
    OURS4,
    OURS6,
    PATIENCE_S,
    PORT,
    US,
    Bed,
    FakeBed,
    foreign_peer,
    peered,
    started,
)
from tests.conformance.gobgp.real_bed import RealBed

OTHER = SpeakerIdentity(64999, US.router_id)
TOR = PeerName("tor-1")


async def test_an_empty_daemon_is_nobody_and_nothing_can_be_concluded_from_it(bed: Bed) -> None:
    assert await bed.speaker.identity() is None
    for target in (bed.speaker.exports, bed.speaker.routes, bed.speaker.neighbors):
        with pytest.raises(Unavailable, match="not started"):
            await target.observe()


async def test_the_adapter_is_the_managers_speaker(bed: Bed) -> None:
    speaker: Speaker = bed.speaker  # mypy's to judge
    assert speaker.changes is not None


async def test_started_it_is_who_it_should_be_and_holds_nothing(bed: Bed) -> None:
    speaker = await started(bed)
    assert await speaker.identity() == US
    assert await speaker.exports.observe() == {}
    assert await speaker.routes.observe() == {}
    assert await speaker.neighbors.observe() == {}
    assert await speaker.sessions() == {}


async def test_starting_twice_keeps_what_is_there(bed: Bed) -> None:
    speaker = await started(bed)
    await speaker.exports.apply(Delta({TOR: ip_address("127.0.0.2")}, frozenset()))
    key = RouteKey(ip_network("198.51.100.1/32"), ip_address("192.0.2.11"))
    route = Route(PathAttributes(), frozenset({TOR}))
    await speaker.routes.apply(Delta({key: route}, frozenset()))
    await speaker.start(US)
    assert await speaker.routes.observe() == {key: route}


async def test_a_foreign_as_is_stopped_and_the_next_process_is_ours(bed: Bed) -> None:
    await bed.speaker.start(OTHER)
    with pytest.raises(Unavailable, match=r"AS 64999.*comes back as AS 64501"):
        await bed.speaker.start(US)
    await bed.replace_the_daemon()
    assert await bed.speaker.identity() is None
    assert await (await started(bed)).identity() == US


async def test_another_router_id_is_another_speaker(bed: Bed) -> None:
    await bed.speaker.start(SpeakerIdentity(US.asn, IPv4Address("198.18.0.9")))
    with pytest.raises(Unavailable, match=r"router id 198\.18\.0\.9"):
        await bed.speaker.start(US)


async def test_a_listener_is_part_of_the_identity(bed: Bed) -> None:
    listening = replace(US, listen_port=PORT, listen_addresses=(OURS4, OURS6))
    await bed.speaker.start(listening)
    assert await bed.speaker.identity() == listening
    with pytest.raises(Unavailable, match=rf"listening on port {PORT}: it was stopped and comes"):
        await bed.speaker.start(US)
    await bed.replace_the_daemon()
    assert await (await started(bed)).identity() == US


async def test_a_confederation_is_part_of_the_identity(bed: Bed) -> None:
    member = replace(US, confederation=Confederation(64500, (64496, 64505)))
    await bed.speaker.start(member)
    assert await bed.speaker.identity() == member
    with pytest.raises(Unavailable, match=r"AS 64501 of confederation 64500.*was stopped"):
        await bed.speaker.start(US)
    await bed.replace_the_daemon()
    assert await (await started(bed)).identity() == US
    with pytest.raises(Unavailable, match="comes back as AS 64501 of confederation 64500"):
        await bed.speaker.start(member)


async def test_a_router_opens_the_session_where_we_listen_and_are_passive(
    bed: Bed,
) -> None:
    await bed.speaker.start(replace(US, listen_port=PORT, listen_addresses=(OURS4,)))
    await bed.router("127.0.0.2", 64500, calls=True)
    await peered(bed, "tor-1", "127.0.0.2", passive=True, port=1)  # nobody is behind that port


async def test_a_port_that_is_taken_is_said_and_used_once_it_is_free(bed: Bed) -> None:
    if isinstance(bed, FakeBed):  # it has no ports
        bed.daemon.port_taken = True
    await bed.router("127.0.0.2", 64500)  # listens on its own address only
    taken = replace(US, listen_port=PORT, listen_addresses=(ip_address("127.0.0.2"),))
    with pytest.raises(Unavailable, match=rf"cannot listen on port {PORT}.*Free the port"):
        await bed.speaker.start(taken)
    if isinstance(bed, FakeBed):
        bed.daemon.port_taken = False
    elsewhere = replace(taken, listen_addresses=(OURS4,))
    await bed.speaker.start(elsewhere)
    assert await bed.speaker.identity() == elsewhere


async def test_a_zombie_is_unavailable_in_every_way(bed: Bed) -> None:
    speaker = await started(bed)
    await bed.stub.StopBgp(pb.StopBgpRequest(), timeout=PATIENCE_S)
    work = Delta({TOR: ip_address("127.0.0.2")}, frozenset())
    for deed in (
        speaker.identity,
        speaker.sessions,
        speaker.exports.observe,
        speaker.routes.observe,
        speaker.neighbors.observe,
        lambda: speaker.exports.apply(work),
        lambda: speaker.start(US),
    ):
        with pytest.raises(Unavailable, match="server stopped"):
            await deed()


async def test_a_daemon_that_is_away_is_unavailable(bed: Bed) -> None:
    speaker = await started(bed)
    await bed.lose_the_daemon()
    for deed in (speaker.identity, speaker.routes.observe, speaker.sessions):
        with pytest.raises(Unavailable):
            await deed()
    await bed.replace_the_daemon()
    assert await speaker.identity() is None


async def test_gone_mid_apply_the_second_run_cures_it(bed: Bed) -> None:
    speaker = await started(bed)
    exports = Delta({TOR: ip_address("127.0.0.2")}, frozenset())
    await speaker.exports.apply(exports)
    first = int(IPv4Address("198.18.0.0"))
    many = {
        RouteKey(ip_network(first + number), ip_address("192.0.2.11")): Route(
            PathAttributes(), frozenset({TOR})
        )
        for number in range(5_000 if isinstance(bed, FakeBed) else 20_000)
    }
    with pytest.raises(Unavailable):
        await _interrupted(bed, speaker.routes.apply(Delta(many, frozenset())))
    await bed.replace_the_daemon()
    await speaker.start(US)
    await speaker.exports.apply(exports)
    assert await speaker.routes.observe() == {}
    await speaker.routes.apply(Delta(many, frozenset()))
    assert await speaker.routes.observe() == many


async def _interrupted(bed: Bed, apply: object) -> None:
    """Run *apply* and lose the daemon while it streams."""
    if isinstance(bed, FakeBed):
        bed.daemon.die_after_batches = 3
        await apply  # type: ignore[misc]
        return
    assert isinstance(bed, RealBed)
    running = asyncio.ensure_future(apply)  # type: ignore[call-overload]
    table = pb.GetTableRequest(table_type=pb.TABLE_TYPE_GLOBAL, family=IPV4)
    while (await bed.stub.GetTable(table, timeout=PATIENCE_S)).num_path == 0:
        await asyncio.sleep(0)
    await bed.lose_the_daemon()
    await running


async def test_changes_yields_for_sessions_and_survives_the_daemon(bed: Bed) -> None:
    speaker = await started(bed)
    yielded = 0

    async def listen() -> None:
        nonlocal yielded
        async for _ in speaker.changes():
            yielded += 1

    async def yielded_more_than(before: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while yielded <= before:
                await asyncio.sleep(0.02)

    listener = asyncio.create_task(listen())
    try:
        await yielded_more_than(0)
        before = yielded
        await bed.stub.AddPeer(
            pb.AddPeerRequest(peer=foreign_peer("127.0.0.9")), timeout=PATIENCE_S
        )
        await yielded_more_than(before)
        before = yielded
        await bed.lose_the_daemon()
        await yielded_more_than(before)
        before = yielded
        await bed.replace_the_daemon()
        await yielded_more_than(before)
    finally:
        listener.cancel()
