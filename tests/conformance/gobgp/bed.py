"""What the suite stands on: a speaker's daemon and routers, faked or real (`real_bed`)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Protocol

from manager.adapters.gobgp.path_codec import IPV4
from manager.adapters.gobgp.paths import LocalPath
from manager.adapters.gobgp.rpc import Stub
from manager.adapters.gobgp.speaker import GobgpSpeaker
from manager.adapters.gobgp.table import local_paths
from pointsman.gobgp_api import attribute_pb2 as at
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import nlri_pb2 as nl
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.model.route import Neighbor, PeerName, RouteKey, SpeakerIdentity
from tests.fakes.gobgp import FakeGobgpd, FakeRouter

US = SpeakerIdentity(64501, IPv4Address("198.18.0.1"))
PORT = 1790
OURS4, OURS6 = ip_address("127.0.0.1"), ip_address("2001:db8::1")
PATIENCE_S = 60.0


async def eventually(question: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Ask until the answer is *wanted*; fail with the last answer."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := await question()) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert answer == wanted


def neighbor(address: str, asn: int, **changed: Any) -> Neighbor:
    """Return the speaker's side of a session to a router of the bed."""
    router = ip_address(address)
    source = OURS4 if router.version == 4 else OURS6
    settings: dict[str, Any] = {
        "port": PORT,
        "source_address": source,
        "connect_retry_seconds": 2,
        **changed,
    }
    return Neighbor(router, asn, **settings)


async def held(stub: Stub, *prefixes: Prefix) -> list[tuple[RouteKey | None, LocalPath]]:
    """Return every local path of *prefixes* (none: of all), under its key if it is ours."""
    return [
        (RouteKey(one.prefix, path.hop) if path.hop else None, path)
        for one in await local_paths(stub, US.asn, prefixes or None)
        for path in one.paths.values()
    ]


class Router(Protocol):
    async def received(self) -> dict[RouteKey, list[pb.Path]]: ...
    async def flood(self, prefixes: list[str]) -> None: ...


class Bed(Protocol):
    """A daemon with a speaker on it."""

    speaker: GobgpSpeaker
    stub: Stub  # for somebody else at the API

    async def router(
        self,
        address: str,
        asn: int,
        *,
        add_path: bool = True,
        calls: bool = False,
        us: int = US.asn,
    ) -> Router: ...
    async def lose_the_daemon(self) -> None: ...
    async def replace_the_daemon(self) -> None: ...


async def started(bed: Bed) -> GobgpSpeaker:
    """Return the bed's speaker, running as US."""
    await bed.speaker.start(US)
    return bed.speaker


async def introduce(bed: Bed, name: str, address: str, **changed: Any) -> None:
    """Add export rule and neighbor; the session comes when it comes."""
    asn = changed.pop("asn", 64500)
    add = neighbor(address, asn, **changed)
    await bed.speaker.exports.apply(_put(PeerName(name), add.address))
    await bed.speaker.neighbors.apply(_put(PeerName(name), add))


async def peered(bed: Bed, name: str, address: str, **changed: Any) -> None:
    """Add export rule and neighbor, and wait for the session."""
    await introduce(bed, name, address, **changed)
    await eventually(lambda: state(bed.speaker, name), "Established")


async def state(speaker: GobgpSpeaker, name: str) -> str | None:
    """Return the state of a session, None: there is none."""
    reports = await speaker.sessions()
    return reports[PeerName(name)].state if name in reports else None


def _put(key: Any, value: Any) -> Any:

    return Delta(put={key: value}, drop=frozenset())


def keyed(destination: str, paths: list[pb.Path]) -> Iterator[tuple[RouteKey, pb.Path]]:
    """Yield each path under what it leads to."""
    prefix: Prefix = ip_network(destination)
    for path in paths:
        for attribute in path.pattrs:
            hop = attribute.next_hop.next_hop or next(iter(attribute.mp_reach.next_hops), "")
            if hop:
                yield RouteKey(prefix, ip_address(hop)), path


# --- fake -----------------------------------------------------------------------------------


@dataclass
class FakeBedRouter:
    router: FakeRouter

    async def received(self) -> dict[RouteKey, list[pb.Path]]:
        found: dict[RouteKey, list[pb.Path]] = {}
        for (_, prefix, _), path in self.router.received.items():
            for key, one in keyed(prefix, [path]):
                found.setdefault(key, []).append(one)
        return found

    async def flood(self, prefixes: list[str]) -> None:
        """The fake has no import from routers at all."""


class FakeBed:
    def __init__(self) -> None:
        self.daemon = FakeGobgpd()
        self.stub = self.daemon.as_stub()
        self.speaker = GobgpSpeaker(self.stub)

    async def router(
        self,
        address: str,
        asn: int,
        *,
        add_path: bool = True,
        calls: bool = False,
        us: int = US.asn,
    ) -> Router:
        made = self.daemon.routers[address] = FakeRouter(asn, add_path)
        return FakeBedRouter(made)

    async def lose_the_daemon(self) -> None:
        self.daemon.kill()

    async def replace_the_daemon(self) -> None:
        self.daemon.replace()


# --- somebody else's ------------------------------------------------------------------------


def plain_path(prefix: str, hop: str = "192.0.2.99") -> pb.Path:
    """Return a path as somebody else would put it: no mark, no identifier."""
    network = ip_network(prefix)
    return pb.Path(
        family=IPV4,
        nlri=nl.NLRI(
            prefix=nl.IPAddressPrefix(
                prefix=str(network.network_address), prefix_len=network.prefixlen
            )
        ),
        pattrs=[
            at.Attribute(origin=at.OriginAttribute(origin=0)),
            at.Attribute(next_hop=at.NextHopAttribute(next_hop=hop)),
        ],
    )


def foreign_peer(address: str) -> pb.Peer:
    """Return a neighbor as somebody else would configure it."""
    return pb.Peer(
        conf=pb.PeerConf(neighbor_address=address, peer_asn=64511, description="not ours"),
        timers=pb.Timers(config=pb.TimersConfig(hold_time=90)),
    )
