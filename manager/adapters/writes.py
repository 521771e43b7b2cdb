"""What we write into objects of the cluster, as targets: Services, our resources, Announcers.

Every target reads back from the caches what is ours, and writes by one merge patch per
object (two where a finalizer moves), carrying the resourceVersion that `observe` saw or
that our own write since then produced. So a stale plan meets a 409, not an object it never
saw. The answer replaces the cached object. Refuses to write what a plan did not name.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from manager.adapters import kube
from manager.adapters.cache import Cache
from manager.adapters.cluster import ClusterView
from manager.adapters.fields import Json
from manager.adapters.record_codec import (
    finalizers,
    service_patch,
    service_record,
    service_release,
    status_patch,
    status_record,
)
from manager.adapters.sender import FencedSink, Sender
from manager.snapshot import Announcer, NodeName, Resource, Service, ServiceKey
from pointsman.model.delta import Delta
from pointsman.model.record import ResourceKey, ServiceRecord, StatusRecord
from pointsman.runtime.clock import Clock

K = TypeVar("K")
V = TypeVar("V")
API_VERSION: Final = "pointsman.dev/v1alpha1"


class _Seen(Generic[K, V]):
    """A cache as `observe` saw it, and what our own writes made of it since."""

    def __init__(self, cache: Cache[K, V]) -> None:
        self.cache = cache
        self._items: Mapping[K, V] = {}
        self._written: dict[K, V] = {}

    def look(self) -> Mapping[K, V]:
        self._items, self._written = self.cache.items, {}
        return self._items

    def get(self, key: K) -> V | None:
        return self._written.get(key) or self._items.get(key)

    def took(self, key: K, answer: Json) -> V | None:
        """Take the answer to a write; return the object as it is now."""
        self.cache.replace(answer)
        value = self.cache.items.get(key)
        if value is not None:
            self._written[key] = value
        return value


class ServiceWrites:
    """Target of our part of every Service: addresses, annotations, conditions.

    `observe` does not leave the event loop: with the snapshot taken in the same breath, the
    plan and the writes speak of the same resourceVersions.
    """

    def __init__(
        self,
        services: Cache[ServiceKey, Service],
        sink: FencedSink,
        *,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._seen, self._sink, self._clock = _Seen(services), sink, clock
        self._sender = Sender[ServiceKey]("Service", wake=wake)
        self._records: dict[ServiceKey, tuple[Service, ServiceRecord | None]] = {}

    @property
    def stuck(self) -> Mapping[ServiceKey, str]:
        """Return the Services whose writes are refused, and in which words."""
        return self._sender.stuck

    async def observe(self) -> Mapping[ServiceKey, ServiceRecord]:
        """Return the record of every Service that bears a mark of ours."""
        known, records = self._records, dict[ServiceKey, Any]()
        for key, service in self._seen.look().items():
            memo = known.get(key)
            if memo is None or memo[0] is not service:
                memo = service, service_record(service)
            records[key] = memo
        self._records = records
        return {key: record for key, (_, record) in records.items() if record is not None}

    async def apply(self, work: Delta[ServiceKey, ServiceRecord]) -> None:
        """Write what is put, then take away what is dropped; see Sender.send for errors."""
        now = _rfc3339(self._clock.wall())
        puts = ((key, self._put(key, record, now)) for key, record in sorted(work.put.items()))
        drops = ((key, self._drop(key)) for key in sorted(work.drop))
        await self._sender.send([*puts, *drops])

    def _put(self, key: ServiceKey, record: ServiceRecord, now: str) -> Callable[[], Any]:
        async def write() -> None:
            service = self._seen.get(key)
            if service is not None:
                await self._patch(key, service, service_patch(service, record, now=now))

        return write

    def _drop(self, key: ServiceKey) -> Callable[[], Any]:
        async def write() -> None:
            service = self._seen.get(key)
            if service is not None:
                await self._patch(key, service, service_release(service))

        return write

    async def _patch(self, key: ServiceKey, service: Service, body: Json) -> None:
        answer = await self._sink.patch(
            kube.SERVICES, service.namespace, service.name, body=body, sub="status"
        )
        self._seen.took(key, answer)


class StatusWrites:
    """Target of the status of Eips, BgpConfs and BgpPeers, and of our finalizer on them."""

    def __init__(
        self, view: ClusterView, sink: FencedSink, *, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._seen: dict[str, tuple[kube.Kind, _Seen[Any, Resource[Any]]]] = {
            kube.EIPS.name: (kube.EIPS, _Seen(view.eips)),
            kube.BGP_CONFS.name: (kube.BGP_CONFS, _Seen(view.bgp_confs)),
            kube.BGP_PEERS.name: (kube.BGP_PEERS, _Seen(view.bgp_peers)),
        }
        self._sink, self._clock = sink, clock
        self._sender = Sender[ResourceKey]("status of", wake=wake)

    @property
    def stuck(self) -> Mapping[ResourceKey, str]:
        """Return the resources whose writes are refused, and in which words."""
        return self._sender.stuck

    async def observe(self) -> Mapping[ResourceKey, StatusRecord]:
        """Return the status of every resource that has one; all of it is ours."""
        return {
            ResourceKey(kind, str(name)): record
            for kind, (_, seen) in self._seen.items()
            for name, resource in seen.look().items()
            if (record := status_record(resource)) is not None
        }

    async def apply(self, work: Delta[ResourceKey, StatusRecord]) -> None:
        """Write statuses and finalizers; dropped: clear both. See Sender.send for errors."""
        now = _rfc3339(self._clock.wall())
        wanted = {**work.put, **dict.fromkeys(work.drop, StatusRecord())}
        await self._sender.send(
            [(key, self._write(key, record, now)) for key, record in sorted(wanted.items())]
        )

    def _write(self, key: ResourceKey, record: StatusRecord, now: str) -> Callable[[], Any]:
        async def write() -> None:
            kind, seen = self._seen[key.kind]
            resource = seen.get(key.name)
            if resource is None:
                return
            held = finalizers(resource, held=record.held)
            if held is not None:
                meta = {"resourceVersion": resource.resource_version, "finalizers": held}
                answer = await self._sink.patch(kind, "", key.name, body={"metadata": meta})
                if resource.deleting and not held:
                    return  # that was the last thing that held it
                resource = seen.took(key.name, answer) or resource
            status = status_patch(resource, record, now=now)
            if status is not None:
                meta = {"resourceVersion": resource.resource_version}
                body = {"metadata": meta, "status": status}
                answer = await self._sink.patch(kind, "", key.name, body=body, sub="status")
                seen.took(key.name, answer)

        return write


class AnnouncerWrites:
    """Target of Announcers: one per Node, owned by it. The value is the Node's uid."""

    def __init__(
        self,
        announcers: Cache[NodeName, Announcer],
        sink: FencedSink,
        *,
        wake: Callable[[], None],
    ) -> None:
        self._seen, self._sink = _Seen(announcers), sink
        self._sender = Sender[NodeName]("Announcer", wake=wake)

    async def observe(self) -> Mapping[NodeName, str]:
        """Return the owner's uid of every Announcer."""
        return {name: announcer.owner_uid for name, announcer in self._seen.look().items()}

    async def apply(self, work: Delta[NodeName, str]) -> None:
        """Create, or give to the Node's successor; delete. See Sender.send for errors."""
        puts = ((name, self._put(name, uid)) for name, uid in sorted(work.put.items()))
        drops = ((name, self._drop(name)) for name in sorted(work.drop))
        await self._sender.send([*puts, *drops])

    def _put(self, name: NodeName, uid: str) -> Callable[[], Any]:
        async def write() -> None:
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
            meta: dict[str, Any] = {"ownerReferences": [owner]}
            known = self._seen.get(name)
            if known is None:
                body = {
                    "apiVersion": API_VERSION,
                    "kind": kube.ANNOUNCERS.name,
                    "metadata": {"name": name, **meta},
                    "spec": {},
                }
                answer = await self._sink.create(kube.ANNOUNCERS, "", body)
            else:
                meta["resourceVersion"] = known.resource_version
                answer = await self._sink.patch(kube.ANNOUNCERS, "", name, body={"metadata": meta})
            self._seen.took(name, answer)

        return write

    def _drop(self, name: NodeName) -> Callable[[], Any]:
        async def write() -> None:
            known = self._seen.get(name)
            if known is not None:
                only = {"uid": known.uid, "resourceVersion": known.resource_version}
                body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": only}
                await self._sink.delete(kube.ANNOUNCERS, "", name, body=body)

        return write


def _rfc3339(wall: datetime) -> str:
    return wall.strftime("%Y-%m-%dT%H:%M:%SZ")
