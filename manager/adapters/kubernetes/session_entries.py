"""The one thing every replica writes: its own entries in the status of each BgpPeer.

One merge patch carries the whole list, the others' entries copied, with the
resourceVersion they were copied at; on a conflict it is made anew from the object as it
is then. Entries have an owner each (a field manager per replica). Taking away the entries
of replicas that are gone is the leader's, behind its fence. Refuses to touch conditions.

Two managers that were given one name write one entry. What is overwritten once is repaired at
once; after that each gives way for a time that doubles, and says so, here and in the entry.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from manager.adapters.kubernetes.batch import FencedSink, outcome_of
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.client import BGP_PEERS, Kind, Refused
from manager.adapters.kubernetes.fields import Json
from manager.snapshot import BgpPeer
from manager.writers.keyed import KeyedWriter, WriteRequest
from manager.writers.outcome import Done
from pointsman.model.delta import Delta
from pointsman.model.memo import Each
from pointsman.model.names import SPEAKER_PREFIX
from pointsman.model.record import Entries, Entry
from pointsman.model.route import PeerName
from pointsman.runtime.contest import Contest

TRIES: Final = 4  # conflicts in a row; a pass later there is another chance
CONTESTED: Final = "contested"  # in an entry: the sentence about who else writes it
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


def twins(name: str) -> str:
    """Return what is so when another process writes the entries of the replica *name*."""
    return (
        f"Two managers run with the name {name}: each writes this entry, and each gives way for a "
        "while. Give every manager a --name of its own (in the manifests: its node's)."
    )


class SpeakerEntries:
    """This replica's entries, one for each of its speakers, by BgpPeer."""

    def __init__(
        self,
        peers: Cache[PeerName, BgpPeer],
        api: Patcher,
        *,
        fenced: FencedSink,
        name: str,
        gone: Callable[[], Collection[str]],
    ) -> None:
        self._peers, self._api, self._fenced, self._name = peers, api, fenced, name
        self._gone = gone
        self.writer = KeyedWriter[PeerName]("speaker's entry in BgpPeer", group_of=str)
        self.sweeper = KeyedWriter[PeerName]("entries of lost replicas in BgpPeer")
        self._swept: frozenset[str] = frozenset()  # logged already
        self._wrote: dict[PeerName, Entries] = {}  # ours, as they were read back
        self._contests: dict[PeerName, Contest] = {}
        self._warned = False
        self._entries = Each[PeerName, Entries](lambda _, peer: self._standing(peer) or None)
        self._manager = (SPEAKER_PREFIX + name)[:128]

    def observe(self) -> Mapping[PeerName, Entries]:
        """Return our entries of every BgpPeer that has any."""
        return self._entries(None, self._peers.items)

    def _standing(self, peer: BgpPeer) -> Entries:
        """Return our entries as they stand there, without who else writes them."""
        ours = (one for one in listed(peer) if replica(one) == self._name)
        return tuple({k: v for k, v in one.items() if k != CONTESTED} for one in ours)

    def _gives_way(self, name: PeerName) -> bool:
        """Whether another wrote what stands for *name* over ours, and it is not our turn yet."""
        peer, wrote = self._peers.get(name), self._wrote.get(name)
        standing = () if peer is None else self._standing(peer)
        if wrote is None or not standing or standing == wrote:  # taken away is not written
            return False
        contest = self._contests.setdefault(name, Contest())
        gives_way = contest.wait_s(asyncio.get_running_loop().time()) > 0
        if gives_way and not self._warned:
            self._warned = True
            log.warning("BgpPeer '%s': %s", name, twins(self._name))
        return gives_way

    def _is_contested(self, name: PeerName) -> bool:
        contest = self._contests.get(name)
        return contest is not None and contest.is_on(asyncio.get_running_loop().time())

    async def _enter(self, name: PeerName, ours: Entries) -> Done:
        """Write our entries, and remember how they were taken."""
        if self._is_contested(name):
            ours = tuple({**one, CONTESTED: twins(self._name)} for one in ours)

        def mended(entries: Sequence[Entry]) -> list[Entry]:
            return [*(one for one in entries if replica(one) != self._name), *ours]

        done = await self._rewrite(name, mended, self._own)
        peer = self._peers.get(name)
        if done is Done.WRITTEN and peer is not None:
            self._wrote[name] = self._standing(peer)
            if name in self._contests:
                self._contests[name].wrote()
        return done

    def hand(self, work: Delta[PeerName, Entries]) -> None:
        """Have ours written, and taken away where they are dropped."""
        wanted: dict[PeerName, Entries] = {**work.put, **dict.fromkeys(work.drop, ())}

        def request(name: PeerName, ours: Entries) -> WriteRequest:
            return WriteRequest(lambda: outcome_of(self._enter(name, ours)))

        turns = {name: ours for name, ours in wanted.items() if not self._gives_way(name)}
        self.writer.hand({name: request(name, ours) for name, ours in turns.items()})

    def sweep(self, *, leading: bool) -> None:
        """Have the entries of replicas that are gone taken away: the leader's part."""
        gone = frozenset(self._gone()) if leading else frozenset()

        def living(entries: Sequence[Entry]) -> list[Entry]:
            return [one for one in entries if replica(one) not in gone]

        def request(name: PeerName) -> WriteRequest:
            return WriteRequest(lambda: outcome_of(self._rewrite(name, living, self._leaders)))

        stale = [
            name
            for name, peer in self._peers.items.items()
            if any(replica(one) in gone for one in listed(peer))
        ]
        if stale and gone != self._swept:
            log.info("taking away the entries of %s, gone for good", ", ".join(sorted(gone)))
        self._swept = gone
        self.sweeper.hand({name: request(name) for name in stale})

    async def _rewrite(
        self,
        name: PeerName,
        change: Callable[[Sequence[Entry]], list[Entry]],
        send: Callable[[PeerName, Json], Any],
    ) -> Done:
        peer = self._peers.get(name)
        if peer is None:
            return Done.GONE
        for left in reversed(range(TRIES)):
            entries = sorted(change(listed(peer)), key=lambda one: str(one.get("name")))
            if entries == listed(peer):
                return Done.PASSED
            meta = {"resourceVersion": peer.resource_version}
            body = {"metadata": meta, "status": {"speakers": entries or None}}
            try:
                self._peers.replace(await send(name, body))
                return Done.WRITTEN
            except Refused as error:
                if error.code != 409 or not left:
                    raise
            self._peers.put(await self._api.get(BGP_PEERS, "", name))
            peer = self._peers.get(name) or peer
        raise AssertionError("the last try returns or raises")

    async def _own(self, name: PeerName, body: Json) -> Json:
        return await self._api.patch(
            BGP_PEERS, "", name, body=body, sub="status", manager=self._manager
        )

    async def _leaders(self, name: PeerName, body: Json) -> Json:
        return await self._fenced.patch(BGP_PEERS, "", name, body=body, sub="status")
