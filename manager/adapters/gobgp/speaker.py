"""A gobgpd (4.8 or newer) as the manager's Speaker. No other module knows that GoBGP exists.

It starts the daemon's BGP side, locks it down, converges it and reads it; the process is
its parent's business (`sidecars.gobgp`). It never calls StartBgp twice: the second call
would empty the table while routers keep the routes (measured).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import grpc

from manager.adapters.gobgp import lockdown, neighbor_codec, session_codec
from manager.adapters.gobgp.advertised import Advertised
from manager.adapters.gobgp.exports import GobgpExports
from manager.adapters.gobgp.known_state import Known
from manager.adapters.gobgp.neighbors import GobgpNeighbors
from manager.adapters.gobgp.reasons import Reasons
from manager.adapters.gobgp.routes import GobgpRoutes
from manager.adapters.gobgp.rpc import (
    ANSWER_WITHIN_S,
    Stub,
    asked_to,
    channel_to,
    heals,
)
from manager.ports import Refused
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.route import PeerName, SessionReport, SpeakerIdentity
from pointsman.runtime.target import Unavailable

NO_LISTENER = -1  # 0 would be port 179 (measured)
REASONS_EVERY_S = 0.5
RECONNECT_FIRST_S, RECONNECT_LAST_S = 0.1, 2.0

log = logging.getLogger(__name__)


class GobgpSpeaker:
    """manager.ports.Speaker on one gobgpd."""

    def __init__(self, stub: Stub, reasons: Reasons | None = None) -> None:
        self._stub, self._known, self._reasons = stub, Known(), reasons or Reasons()
        self.exports = GobgpExports(stub, self._known)
        self.routes = GobgpRoutes(stub, self._known)
        self.neighbors = GobgpNeighbors(stub)
        self._advertised = Advertised(stub, self._known)

    async def identity(self) -> SpeakerIdentity | None:
        """Return who the daemon runs as; None: not started, or not yet locked down."""
        with self._known.sure():
            running = await self._running()
        locked = await lockdown.read(self._stub) if running is not None else None
        if running is None or locked is None or not locked.complete:
            self._known.forget()
            return None
        return _identity(running, locked)

    async def probe(self) -> None:
        """Return once the daemon answers.

        Raises:
            Unavailable: it is away, or hangs.
        """
        await self._running()

    async def start(self, identity: SpeakerIdentity) -> None:
        """Make it run as *identity*, locked down; a crash midway is cured by further calls.

        Raises:
            ValueError: no speaker can have this identity.
            Unavailable: the daemon is away, or runs as somebody else, or does not show as whom,
                since nothing of the lock-down is there: it was asked to stop, its parent
                replaces it, and a later call finds it empty.
        """
        if not 1 <= identity.asn <= 0xFFFF_FFFF or int(identity.router_id) == 0:
            raise ValueError(f"{identity}: an AS is 1 to 4294967295, a router id not 0.0.0.0")
        if not 0 <= identity.listen_port <= 65_535:
            raise ValueError(f"{identity}: a listener's port is 1 to 65535, or 0 for none")
        self._known.forget()  # whatever was known was known of another
        running = await self._running()
        if running is None:
            await self._begin(identity)
        else:
            locked = await lockdown.read(self._stub)
            found = _identity(running, locked)
            if found != identity or not locked.begun:
                await self._stop(keep_routes=found.asn == identity.asn)
                unfinished = "" if locked.begun else ", and its start was not completed"
                raise Unavailable(
                    f"GoBGP ran as {_words(found)}{unfinished}: it was stopped "
                    f"and comes back as {_words(identity)}."
                )
        await lockdown.lock_down(self._stub, identity.asn, identity.confederation)

    async def _begin(self, identity: SpeakerIdentity) -> None:
        wanted = pb.Global(
            asn=identity.asn,
            router_id=str(identity.router_id),
            listen_port=identity.listen_port or NO_LISTENER,
            listen_addresses=[str(address) for address in identity.listen_addresses],
            confederation=_confederation(identity),
        )
        with asked_to("start"):
            try:
                await self._stub.StartBgp(
                    pb.StartBgpRequest(**{"global": wanted}), timeout=ANSWER_WITHIN_S
                )
            except grpc.aio.AioRpcError as error:
                if "listen" not in (error.details() or ""):
                    raise
                raise Refused(
                    f"GoBGP cannot listen on port {identity.listen_port}: {error.details()}. "
                    "Free the port, or set another listenPort (0: none) or listenAddresses in "
                    "the BgpConf; below 1024 gobgpd needs CAP_NET_BIND_SERVICE."
                ) from error

    async def sessions(self) -> Mapping[PeerName, SessionReport]:
        """Return the state of every session of ours, and what each was sent, counted."""
        with asked_to("list its sessions"):
            replies = self._stub.ListPeer(pb.ListPeerRequest(), timeout=ANSWER_WITHIN_S)
            found = [reply.peer async for reply in replies]
        reports: dict[PeerName, SessionReport] = {}
        why = self._reasons.read()
        for peer in found:
            ours = neighbor_codec.decode(peer)
            if ours is not None:
                up = peer.state.session_state == pb.PeerState.SESSION_STATE_ESTABLISHED
                advertised = await self._advertised.count(peer) if up else (0, 0)
                if advertised is not None:
                    reports[ours[0]] = session_codec.report(
                        peer, advertised, why=why.get(peer.conf.neighbor_address, "")
                    )
        return dict(sorted(reports.items()))

    async def changes(self) -> AsyncIterator[None]:
        """Yield whenever a session changed state, and when the daemon went away or came back.

        Also when the reason why one is away becomes another. Never ends and never raises for a
        daemon that is away; what changed is to be observed. Events may be repeated.
        """
        changed = asyncio.Event()
        watching = [asyncio.create_task(self._watch_events(changed), name="gobgpd's events")]
        if self._reasons.socket is not None:
            reasons = asyncio.create_task(
                self._watch_reasons(changed), name="why sessions are away"
            )
            watching.append(reasons)
        try:
            for task in watching:
                task.add_done_callback(lambda _: changed.set())
            while True:
                await changed.wait()
                changed.clear()
                for task in watching:
                    if task.done():
                        task.result()  # it only ends by an error
                yield None
        finally:
            for task in watching:
                task.cancel()

    async def _watch_reasons(self, changed: asyncio.Event) -> None:
        before = self._reasons.seal()
        while True:
            await asyncio.sleep(REASONS_EVERY_S)
            found = self._reasons.seal()
            if found != before:
                before = found
                changed.set()

    async def _watch_events(self, changed: asyncio.Event) -> None:
        pause = RECONNECT_FIRST_S
        while True:
            there = False
            try:
                # Its first event, END_OF_INIT, comes at once: back after an absence.
                async for _ in self._stub.WatchEvent(
                    pb.WatchEventRequest(peer=pb.WatchEventRequest.Peer())
                ):
                    there, pause = True, RECONNECT_FIRST_S
                    changed.set()
            except grpc.aio.AioRpcError as error:
                if not heals(error):
                    raise
                log.debug("GoBGP's events ended: %s", error.details())
            if there:
                changed.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, RECONNECT_LAST_S)

    async def _running(self) -> pb.Global | None:
        with asked_to("say who it is"):
            reply = await self._stub.GetBgp(pb.GetBgpRequest(), timeout=ANSWER_WITHIN_S)
        running: pb.Global = getattr(reply, "global")
        return running if running.asn else None

    async def _stop(self, *, keep_routes: bool) -> None:
        """End it; routers that offer graceful restart may keep our routes for the next one."""
        with asked_to("stop"):
            await self._stub.StopBgp(
                pb.StopBgpRequest(allow_graceful_restart=keep_routes), timeout=ANSWER_WITHIN_S
            )


@asynccontextmanager
async def speaker_at(socket: Path) -> AsyncIterator[GobgpSpeaker]:
    """Yield the speaker behind *socket*; it needn't be there yet, and may come and go."""
    async with channel_to(socket) as stub:
        yield GobgpSpeaker(stub, Reasons(socket))


def _identity(running: pb.Global, locked: lockdown.LockDown) -> SpeakerIdentity:
    addresses = tuple(map(ip_address, running.listen_addresses))
    port, router_id = max(running.listen_port, 0), IPv4Address(running.router_id)
    return SpeakerIdentity(running.asn, router_id, port, addresses, locked.confederation)


def _confederation(identity: SpeakerIdentity) -> pb.Confederation | None:
    among = identity.confederation
    if among is None:
        return None
    members = sorted({*among.members, identity.asn})
    return pb.Confederation(enabled=True, identifier=among.identifier, member_as_list=members)


def _words(who: SpeakerIdentity) -> str:
    at = f", listening on port {who.listen_port}" if who.listen_port else ""
    among = f" of confederation {who.confederation.identifier}" if who.confederation else ""
    return f"AS {who.asn}{among}, router id {who.router_id}{at}"
