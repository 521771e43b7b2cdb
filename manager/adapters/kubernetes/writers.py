"""What we write into objects of the cluster, as targets: here the statuses of our resources.

Every target reads back from the caches what is ours (`observe`), takes what is to be written
(`hand`) and writes it by one merge patch per object (two where a finalizer moves). A request
speaks of the object that `observe` saw: it is sent only while the cache still holds that very
object, in the term of leadership it was planned in, and carries its resourceVersion. The
answer replaces the cached object. Refuses to write what a plan did not name.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.batch import FencedSink, outcome_of
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.record_codec import finalizers, status_patch, status_record
from manager.damping.pacing import OncePerSecond
from manager.events import status_events
from manager.snapshot import Resource
from manager.writers.keyed import KeyedWriter, WriteRequest
from manager.writers.outcome import Done
from pointsman.model.delta import Delta
from pointsman.model.memo import Each, Once
from pointsman.model.record import EventRecord, ResourceKey, StatusRecord
from pointsman.model.timestamps import format_time
from pointsman.runtime.clock import Clock

K = TypeVar("K")
V = TypeVar("V")
Emit = Callable[[list[EventRecord]], None]


class Seen(Generic[K, V]):
    """A cache as `look` saw it: what a plan was made of."""

    def __init__(self, cache: Cache[K, V]) -> None:
        self.cache = cache
        self.items: Mapping[K, V] = {}

    def look(self) -> Mapping[K, V]:
        """Return what is there now, and keep it."""
        self.items = self.cache.items
        return self.items

    def stands(self, key: K, value: V | None) -> bool:
        """Whether the cache still holds the very object that was planned from."""
        return self.cache.get(key) is value

    def took(self, key: K, answer: Json) -> V | None:
        """Take the answer to a write; return the object as it is now."""
        self.cache.replace(answer)
        return self.cache.get(key)


class StatusWriter:
    """The status of Eips, BgpConfs and BgpPeers, and our finalizer on them."""

    def __init__(
        self,
        view: ClusterView,
        sink: FencedSink,
        *,
        clock: Clock,
        term: Callable[[], int],
        emit: Emit,
    ) -> None:
        self._seen: dict[str, tuple[client.Kind, Seen[Any, Resource[Any]]]] = {
            client.EIPS.name: (client.EIPS, Seen(view.eips)),
            client.BGP_CONFS.name: (client.BGP_CONFS, Seen(view.bgp_confs)),
            client.BGP_PEERS.name: (client.BGP_PEERS, Seen(view.bgp_peers)),
        }
        self._sink, self._clock, self._term, self._emit = sink, clock, term, emit
        self.writer = KeyedWriter[ResourceKey](
            "status of",
            pace=OncePerSecond(),
            group_of=lambda key: f"{key.kind}/{key.name}",  # none of them delays another
            watch_lags=view.distrust,
        )
        self._entries = {kind: Each[str, Any](_entry) for kind in self._seen}
        self._joined = Once[Mapping[ResourceKey, StatusRecord]](_joined)
        # Finalizers being taken away, and the resourceVersion at which that was asked.
        self._loosening: dict[ResourceKey, str] = {}

    @property
    def loosening(self) -> frozenset[ResourceKey]:
        """Return whose finalizer may be gone, though the cache still shows it."""
        self._loosening = {
            key: version
            for key, version in self._loosening.items()
            if (now := self._seen[key.kind][1].cache.get(key.name)) is not None
            and now.resource_version == version
        }
        return frozenset(self._loosening)

    def observe(self) -> Mapping[ResourceKey, StatusRecord]:
        """Return the status of every resource that has one; all of it is ours."""
        parts = (self._entries[kind](kind, seen.look()) for kind, (_, seen) in self._seen.items())
        return self._joined(*parts)

    def hand(self, work: Delta[ResourceKey, StatusRecord], *, term: int) -> None:
        """Have statuses and finalizers written; dropped: cleared both."""
        requests: dict[ResourceKey, WriteRequest] = {}
        for key, record in {**work.put, **dict.fromkeys(work.drop, StatusRecord())}.items():
            resource = self._seen[key.kind][1].items.get(key.name)
            if resource is not None:
                requests[key] = self._request(key, resource, record, term)
        self.writer.hand(requests)

    def _request(
        self, key: ResourceKey, resource: Resource[Any], record: StatusRecord, term: int
    ) -> WriteRequest:
        before = status_record(resource)
        counts = before is not None and (before.conditions, before.has_finalizer) == (
            record.conditions,
            record.has_finalizer,
        )

        async def write() -> Done:
            kind, seen = self._seen[key.kind]
            if term != self._term():
                return Done.FENCED
            if not seen.stands(key.name, resource):
                return Done.PASSED
            now = await self._finalize(key, kind, resource, record)
            if now is None:
                return Done.WRITTEN
            status = status_patch(now, record, now=format_time(self._clock.wall()))
            if status is not None:
                meta = {"resourceVersion": now.resource_version}
                body = {"metadata": meta, "status": status}
                answer = await self._sink.patch(kind, "", key.name, body=body, sub="status")
                now = seen.took(key.name, answer)
            after = None if now is None else status_record(now)
            if after is not None:
                self._emit(list(status_events(key, resource.uid, before, after)))
            return Done.WRITTEN

        return WriteRequest(lambda: outcome_of(write()), planned_from=resource, can_wait=counts)

    async def _finalize(
        self, key: ResourceKey, kind: client.Kind, resource: Resource[Any], record: StatusRecord
    ) -> Resource[Any] | None:
        """Set or take away our finalizer; return the object then, None when that was its end."""
        left = finalizers(resource, has_finalizer=record.has_finalizer)
        if left is None and key in self.loosening and record.has_finalizer:
            left = list(resource.finalizers)  # as it is: the answer says whether it still is
        if left is None:
            return resource
        if not record.has_finalizer:
            self._loosening[key] = resource.resource_version
        meta = {"resourceVersion": resource.resource_version, "finalizers": left}
        try:
            answer = await self._sink.patch(kind, "", key.name, body={"metadata": meta})
        except client.Refused:
            self._loosening.pop(key, None)
            raise
        self._loosening.pop(key, None)
        if resource.deleting and not left:
            return None  # that was the last thing that held it
        return self._seen[key.kind][1].took(key.name, answer) or resource


def _entry(kind: str, resource: Resource[Any]) -> tuple[ResourceKey, StatusRecord] | None:
    """Return the status of *resource*, if it has one, and under which key it is handed on."""
    record = status_record(resource)
    return None if record is None else (ResourceKey(kind, resource.name), record)


def _joined(
    *parts: Mapping[str, tuple[ResourceKey, StatusRecord]],
) -> Mapping[ResourceKey, StatusRecord]:
    return dict(entry for part in parts for entry in part.values())
