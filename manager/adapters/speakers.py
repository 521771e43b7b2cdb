"""The one thing every replica writes: its own entries in the status of each BgpPeer.

One merge patch carries the whole list, the others' entries copied, with the
resourceVersion they were copied at; on a conflict it is made anew from the object as it
is then. Entries have an owner each (a field manager per replica). Taking away the entries
of replicas that are gone is the leader's, behind its fence. Refuses to touch conditions.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from manager.adapters.cache import Cache
from manager.adapters.fields import Json
from manager.adapters.kube import BGP_PEERS, Kind, Refused
from manager.adapters.sender import FencedSink, Sender
from manager.snapshot import BgpPeer
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName

Entry = Mapping[str, object]
Entries = tuple[Entry, ...]
TRIES: Final = 4  # conflicts in a row; a pass later there is another chance
MANAGER: Final = "pointsman-speaker-"  # field manager; its name may have 128 characters
log = logging.getLogger(__name__)


class Patcher(Protocol):
    """What writing one's own entry needs of an API server."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Json: ...

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        body: Json,
        sub: str = "",
        manager: str = "",
    ) -> Json: ...


def listed(peer: BgpPeer) -> list[Entry]:
    """Return status.speakers; what is no entry is left out."""
    found = peer.status.get("speakers")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def others(peers: Iterable[BgpPeer], name: str) -> frozenset[str]:
    """Return the replicas that have an entry in one of *peers*, but for *name*."""
    return frozenset(replica(one) for peer in peers for one in listed(peer)) - {name}


def replica(entry: Entry) -> str:
    """Return the replica whose entry it is: its further speakers are NAME/1 and so on."""
    return str(entry.get("name")).partition("/")[0]


class SpeakerWrites:
    """Target of this replica's entries, one for each of its speakers, by BgpPeer."""

    def __init__(
        self,
        peers: Cache[PeerName, BgpPeer],
        api: Patcher,
        *,
        fenced: FencedSink,
        name: str,
        gone: Callable[[], Collection[str]],
        wake: Callable[[], None],
    ) -> None:
        self._peers, self._api, self._fenced, self._name = peers, api, fenced, name
        self._gone = gone
        self._sender = Sender[PeerName]("speaker's entry in BgpPeer", wake=wake)
        self._manager = (MANAGER + name)[:128]

    async def observe(self) -> Mapping[PeerName, Entries]:
        """Return our entries of every BgpPeer that has any."""
        return {
            name: ours
            for name, peer in self._peers.items.items()
            if (ours := tuple(one for one in listed(peer) if replica(one) == self._name))
        }

    async def apply(self, work: Delta[PeerName, Entries]) -> None:
        """Write ours, then take away ours; see Sender.send for errors."""
        wanted: dict[PeerName, Entries] = {**work.put, **dict.fromkeys(work.drop, ())}

        def job(name: PeerName, ours: Entries) -> Callable[[], Any]:
            def mended(entries: Sequence[Entry]) -> list[Entry]:
                return [*(one for one in entries if replica(one) != self._name), *ours]

            async def write() -> None:
                await self._rewrite(name, mended, self._own)

            return write

        await self._sender.send([(name, job(name, ours)) for name, ours in sorted(wanted.items())])

    async def sweep(self) -> None:
        """Take away the entries of replicas that are gone. Sent by a leader only."""
        gone = self._gone()

        def living(entries: Sequence[Entry]) -> list[Entry]:
            return [one for one in entries if replica(one) not in gone]

        def job(name: PeerName) -> Callable[[], Any]:
            async def write() -> None:
                await self._rewrite(name, living, self._leaders)

            return write

        stale = [
            name
            for name, peer in sorted(self._peers.items.items())
            if any(replica(one) in gone for one in listed(peer))
        ]
        if stale:
            log.info("taking away the entries of %s, gone for good", ", ".join(sorted(gone)))
        await self._sender.send([(name, job(name)) for name in stale])

    async def _rewrite(
        self,
        name: PeerName,
        change: Callable[[Sequence[Entry]], list[Entry]],
        send: Callable[[PeerName, Json], Any],
    ) -> None:
        peer = self._peers.items.get(name)
        if peer is None:
            return
        for left in reversed(range(TRIES)):
            entries = sorted(change(listed(peer)), key=lambda one: str(one.get("name")))
            if entries == listed(peer):
                return
            meta = {"resourceVersion": peer.resource_version}
            body = {"metadata": meta, "status": {"speakers": entries or None}}
            try:
                self._peers.replace(await send(name, body))
                return
            except Refused as error:
                if error.code != 409 or not left:
                    raise
            self._peers.put(await self._api.get(BGP_PEERS, "", name))
            peer = self._peers.items.get(name, peer)

    async def _own(self, name: PeerName, body: Json) -> Json:
        return await self._api.patch(
            BGP_PEERS, "", name, body=body, sub="status", manager=self._manager
        )

    async def _leaders(self, name: PeerName, body: Json) -> Json:
        return await self._fenced.patch(BGP_PEERS, "", name, body=body, sub="status")
