"""What we write into Announcers: one for each Node, and what its agent is asked to do.

Their specs may be large, and a drain or a new manager changes all of them. So a request waits
for the pace of `manager/damping/pacing.py`, unless an address leaves, or comes from a node
that is gone: then somebody's packets wait for it. Refuses to decide who has an address.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.assigned_codec import assigned
from manager.adapters.kubernetes.batch import FencedSink, outcome_of
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.fence import NotLeading
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.writers import Seen
from manager.damping.pacing import WithinVolume
from manager.snapshot import Announcer, Assigned, NodeName
from manager.writers.keyed import KeyedWriter, WriteRequest
from manager.writers.outcome import Done
from pointsman.model.address import Address, Prefix
from pointsman.model.assignment import KERNEL, Unreachable
from pointsman.model.delta import Delta
from pointsman.model.memo import Each
from pointsman.model.merge_patch import merge_patch
from pointsman.model.names import API_VERSION
from pointsman.model.record import AnnouncerRecord
from pointsman.wire.asked_prefixes import unreachable_in

CONFLICT: Final = 409  # the object is another one by now, perhaps by a request of ours
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One Announcer to be written, the object that it was planned from, and how."""

    known: Announcer | None
    record: AnnouncerRecord | None  # None: it is to be deleted
    term: int
    request: WriteRequest
    octets: int = field(init=False)

    def __post_init__(self) -> None:
        spec = {} if self.record is None else self.record.spec
        object.__setattr__(self, "octets", len(json.dumps(spec)))

    def is_of(self, known: Announcer | None, record: AnnouncerRecord | None, term: int) -> bool:
        """Say whether the very same is wanted of the very same object."""
        return self.known is known and self.record is record and self.term == term


class _Sent(NamedTuple):
    """What requests planned from one object bring to its spec, should the server have taken one."""

    known: Announcer | None
    addresses: frozenset[Address]


class AnnouncerWriter:
    """Announcers: one per Node, owned by it; their `spec` is ours, their `status` the agent's.

    *orphaned*: whether the last node that had an address is gone.
    """

    def __init__(
        self,
        view: ClusterView,
        sink: FencedSink,
        *,
        term: Callable[[], int],
        orphaned: Callable[[Address], bool],
    ) -> None:
        self._seen, self._sink, self._term = Seen(view.announcers), sink, term
        self._orphaned = orphaned
        self._wanted: dict[NodeName, _Wanted] = {}
        self._pace = WithinVolume(self._octets_of)
        self.writer = KeyedWriter[NodeName](
            "Announcer", pace=self._pace, group_of=str, watch_lags=view.distrust
        )
        self._records = Each[NodeName, AnnouncerRecord](_owner_and_spec)
        self._sent: dict[NodeName, _Sent] = {}

    @property
    def assigning(self) -> Mapping[NodeName, frozenset[Address]]:
        """Return the addresses that a request may have brought to a spec, or may bring yet.

        It carries the version that it was planned from: once the cache shows another object, that
        one tells what became of it. Until then nobody else is given them.
        """
        self._sent = {
            name: one for name, one in self._sent.items() if self._seen.cache.get(name) is one.known
        }
        return {name: one.addresses for name, one in sorted(self._sent.items()) if one.addresses}

    def observe(self) -> Mapping[NodeName, AnnouncerRecord]:
        """Return owner and spec of every Announcer."""
        return self._records(None, self._seen.look())

    def hand(self, work: Delta[NodeName, AnnouncerRecord], *, term: int) -> None:
        """Have them created, given to the Node's successor, given another spec; deleted."""
        wanted: dict[NodeName, AnnouncerRecord | None] = {**work.put, **dict.fromkeys(work.drop)}
        before, self._wanted = self._wanted, {}
        for name, record in wanted.items():
            known, one = self._seen.items.get(name), before.get(name)
            # As long as nothing else is wanted of the same object, nothing is worked out again.
            if one is None or not one.is_of(known, record, term):
                one = _Wanted(known, record, term, self._request(name, known, record, term))
            self._wanted[name] = one
        self.writer.hand({name: one.request for name, one in self._wanted.items()})

    def _request(
        self, name: NodeName, known: Announcer | None, record: AnnouncerRecord | None, term: int
    ) -> WriteRequest:
        can_wait = not self._hurries(known, record)

        async def write() -> Done:
            if term != self._term():
                return Done.FENCED
            if not self._seen.stands(name, known):
                return Done.PASSED
            if not can_wait:
                self._pace.sent(name, asyncio.get_running_loop().time())
            if record is not None:
                await self._bring(name, known, record)
            elif known is not None:
                only = {"uid": known.uid, "resourceVersion": known.resource_version}
                body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": only}
                await self._sink.delete(client.ANNOUNCERS, "", name, body=body)
                log.info("Announcer %s: deleted, there is no such Node", name)
            return Done.WRITTEN

        return WriteRequest(lambda: outcome_of(write()), planned_from=known, can_wait=can_wait)

    async def _bring(
        self, name: NodeName, known: Announcer | None, record: AnnouncerRecord
    ) -> None:
        """Write *record*; what it brings is noted until its fate is known."""
        before = self._sent.get(name)
        stood = frozenset[Address]() if known is None else _owned(known.assignments)
        brought = _owned(assigned(record.spec)) - stood
        unsure = before.addresses if before is not None and before.known is known else frozenset()
        self._sent[name] = _Sent(known, brought | unsure)
        try:
            answer = await self._put(name, known, record)
        except (client.Refused, NotLeading) as error:
            # This one did nothing; an earlier one may have.
            if not isinstance(error, client.Refused) or error.code != CONFLICT:
                self._sent[name] = _Sent(known, unsure)
            raise
        self._seen.took(name, answer)
        _log(name, known, brought, stood - _addresses(assigned(record.spec)))

    def _hurries(self, known: Announcer | None, record: AnnouncerRecord | None) -> bool:
        """Say whether nobody may wait for it: an address leaves, or its last node is gone."""
        if known is None or record is None:
            return True
        stood, owned = _addresses(known.assignments), _owned(known.assignments)
        wanted = assigned(record.spec)
        if stood - _addresses(wanted) or any(map(self._orphaned, _owned(wanted) - owned)):
            return True
        return bool(_led(known.unreachable) - _led(unreachable_in(record.spec)))

    def _octets_of(self, name: object) -> int:
        """Return about how large the object is that is to be written."""
        one = self._wanted.get(NodeName(str(name)))
        return 0 if one is None else one.octets

    def _put(
        self, name: NodeName, known: Announcer | None, record: AnnouncerRecord
    ) -> Awaitable[Json]:
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": record.owner}
        meta: dict[str, Any] = {"ownerReferences": [owner]}
        if known is not None:
            meta["resourceVersion"] = known.resource_version
            spec = merge_patch(known.spec, record.spec)
            change = {"metadata": meta, **({"spec": spec} if spec else {})}
            return self._sink.patch(client.ANNOUNCERS, "", name, body=change)
        body = {
            "apiVersion": API_VERSION,
            "kind": client.ANNOUNCERS.name,
            "metadata": {"name": name, **meta},
            "spec": dict(record.spec),
        }
        return self._sink.create(client.ANNOUNCERS, "", body)


def _log(
    name: NodeName,
    known: Announcer | None,
    put: frozenset[Address],
    dropped: frozenset[Address],
) -> None:
    """Say what a write brought; who the managers are changes for all nodes at once: no line."""
    if known is None:
        log.info("Announcer %s: created, %d addresses", name, len(put))
    elif put or dropped:
        log.info("Announcer %s: %d addresses put, %d dropped", name, len(put), len(dropped))


def _owner_and_spec(_: None, announcer: Announcer) -> AnnouncerRecord:
    return AnnouncerRecord(announcer.owner_uid, announcer.spec)


def _owned(listed: Iterable[Assigned]) -> frozenset[Address]:
    """Return the addresses that one node alone may have."""
    return _addresses(one for one in listed if one.responder != KERNEL)


def _led(routes: Iterable[Unreachable]) -> frozenset[Prefix]:
    """Return the aggregates that the node's router advertises: packets come in for them."""
    return frozenset(one.prefix for one in routes if one.redistribute)


def _addresses(listed: Iterable[Assigned]) -> frozenset[Address]:
    return frozenset(address for one in listed for address in one.addresses)
