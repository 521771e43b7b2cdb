"""What we write into Services: addresses, annotations, conditions, by one merge patch each.

A grant that was sent and not surely answered is a fact: until it is known what became of it,
`pending` names its addresses, and nobody else is given them. It is known once the cache shows
another version of the Service (the request carried the one before), or once a list that was
begun after the request's time was over shows the same. Refuses to decide what to write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.batch import FencedSink, outcome_of
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.fence import NotLeading
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.record_codec import service_patch, service_record, service_release
from manager.adapters.kubernetes.writers import Emit, Seen
from manager.damping.contention import Contention
from manager.damping.pacing import Handfuls, can_wait
from manager.events import service_event, service_events
from manager.planner.records import condition_of
from manager.snapshot import Service, ServiceKey
from manager.writers.keyed import KeyedWriter, WriteRequest
from manager.writers.outcome import Done
from pointsman.model.address import Address
from pointsman.model.delta import Delta
from pointsman.model.memo import Each
from pointsman.model.ranges import read_address
from pointsman.model.record import ServiceRecord
from pointsman.model.timestamps import format_time
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable

ONE: Final = 2  # objects per page of a list that can find one


class Lists(Protocol):
    """What finding out about one Service needs of an API server."""

    async def list_page(
        self, kind: client.Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json: ...


@dataclass(frozen=True, slots=True)
class _Grant:
    """Addresses on their way to a Service, as it was at *version*."""

    uid: str
    version: str
    addresses: tuple[Address, ...]


class ServiceWriter:
    """Our part of every Service.

    `observe` does not leave the event loop: with the snapshot taken in the same breath, the
    plan and the writes speak of the same resourceVersions.
    """

    def __init__(
        self,
        view: ClusterView,
        sink: FencedSink,
        *,
        api: Lists,
        clock: Clock,
        term: Callable[[], int],
        emit: Emit,
    ) -> None:
        self._seen, self._sink, self._api = Seen(view.services), sink, api
        self._clock, self._term, self._emit = clock, term, emit
        self._contention = Contention(clock)
        self.writer = KeyedWriter[ServiceKey](
            "Service",
            pace=Handfuls(),
            group_of=lambda key: key.partition("/")[0],
            watch_lags=view.distrust,
        )
        self._read = Each[ServiceKey, ServiceRecord](lambda _, service: service_record(service))
        self._records: Mapping[ServiceKey, ServiceRecord] = {}  # as `observe` returned them
        self._pending: Mapping[ServiceKey, tuple[Address, ...]] = {}  # returned last
        self._grants: dict[ServiceKey, _Grant] = {}  # under way, or not surely answered

    @property
    def pending(self) -> Mapping[ServiceKey, tuple[Address, ...]]:
        """Return the addresses that a Service may have by now, though no watch shows it yet."""
        known = self._seen.cache
        self._grants = {
            key: grant
            for key, grant in self._grants.items()
            if (now := known.get(key)) is not None
            and (now.uid, now.resource_version) == (grant.uid, grant.version)
        }
        pending = {key: self._grants[key].addresses for key in sorted(self._grants)}
        if pending != self._pending:
            self._pending = pending
        return self._pending

    def observe(self) -> Mapping[ServiceKey, ServiceRecord]:
        """Return the record of every Service that bears a mark of ours."""
        self._records = self._read(None, self._seen.look())
        return self._records

    def hand(self, work: Delta[ServiceKey, ServiceRecord], *, term: int) -> None:
        """Have records written, and taken away where they are dropped."""
        requests: dict[ServiceKey, WriteRequest] = {}
        for key, record in work.put.items():
            service = self._seen.items.get(key)
            if service is not None:
                requests[key] = self._put(service, self._records.get(key), record, term)
        for key in work.drop:
            service = self._seen.items.get(key)
            if service is not None:
                requests[key] = self._drop(service, term)
        self.writer.hand(requests)

    def _put(
        self, service: Service, before: ServiceRecord | None, record: ServiceRecord, term: int
    ) -> WriteRequest:
        key = service.key

        async def write() -> Done:
            if (no := self._not_now(service, term)) is not None:
                return no
            if key in self.pending and (ended := await self._find_out(service)) is not None:
                return ended
            may = self._contention.may_write(service, record, before)
            if may is not True:
                if may:
                    self._emit([service_event(service, condition_of(may))])
                return Done.PASSED
            body = service_patch(service, record, now=format_time(self._clock.wall()))
            now = await self._patch(service, body, granting=record.ingress)
            after = None if now is None else service_record(now)
            self._contention.note(service, record, after)
            if after is not None:
                self._emit(list(service_events(service, before, after, planned=record)))
            return Done.WRITTEN

        waits = can_wait(record, before)
        return WriteRequest(lambda: outcome_of(write()), planned_from=service, can_wait=waits)

    def _drop(self, service: Service, term: int) -> WriteRequest:
        async def write() -> Done:
            if (no := self._not_now(service, term)) is not None:
                return no
            await self._patch(service, service_release(service))
            return Done.WRITTEN

        return WriteRequest(lambda: outcome_of(write()), planned_from=service)

    def _not_now(self, service: Service, term: int) -> Done | None:
        if term != self._term():
            return Done.FENCED
        return None if self._seen.stands(service.key, service) else Done.PASSED

    async def _patch(
        self, service: Service, body: Json, granting: tuple[str, ...] = ()
    ) -> Service | None:
        """Send *body*; return the Service as it is then."""
        key, there = service.key, {entry.ip for entry in service.ingress}
        fresh = tuple(read_address(one) for one in granting if one not in there)
        if fresh:
            self._grants[key] = _Grant(service.uid, service.resource_version, fresh)
        try:
            answer = await self._sink.patch(
                client.SERVICES, service.namespace, service.name, body=body, sub="status"
            )
        except (client.Refused, Unavailable) as error:
            # An answer, even a bad one, was given before anything was stored; silence may hide
            # that it was. What was never sent is nothing.
            if not _is_unsure(error):
                self._grants.pop(key, None)
            raise
        self._grants.pop(key, None)
        return self._seen.took(key, answer)

    async def _find_out(self, service: Service) -> Done | None:
        """Ask what became of a grant; None: nothing, *service* is as it was.

        The time of that request is over: this one is sent only after it failed.
        """
        fields = f"metadata.namespace={service.namespace},metadata.name={service.name}"
        page = await self._api.list_page(
            client.SERVICES, {"fieldSelector": fields}, limit=ONE, after=""
        )
        found = next(iter(page.get("items") or ()), None)
        if found is None:
            return Done.PASSED  # deleted: the watch tells, or the next list
        self._seen.cache.put(found)
        if not self._seen.stands(service.key, service):
            return Done.PASSED
        self._grants.pop(service.key, None)
        return None


def _is_unsure(error: Exception) -> bool:
    """Whether what was asked may have been done nevertheless."""
    return isinstance(error, Unavailable) and not isinstance(error, NotLeading)
