"""Which replicas are there: a Lease of its own for each that does not lead, watched by the leader.

A replica writes entries into status.speakers that carry no time, so an entry cannot say
whether its writer still lives. The leader's Lease says it of the leader; every other replica
renews `pointsman-speaker-NAME`. A Lease counts by having changed between two looks, so clocks
need not agree. One replica alone writes no such Lease. The leader takes away the Lease of a
replica that is gone, and its own: whoever reads them finds who is there. Refuses to judge
sessions.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from manager.adapters.kubernetes.client import LEASES, Kind, Refused
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.lease_codec import LeaseApi, new_lease
from pointsman.model.names import SPEAKER_PREFIX
from pointsman.model.timestamps import format_micro_time
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable

PERIOD_S: Final = 10.0
PAGE: Final = 500  # of the namespace's Leases
GONE_AFTER: Final = 4  # so many periods without a renewal
log = logging.getLogger(__name__)


class LeaseListApi(LeaseApi, Protocol):
    """What knowing the other replicas needs of an API server besides."""

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json: ...

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json: ...


class ReplicaLeases:
    """Renews while another leads; looks for the *others* while we do. *wake*: one is gone."""

    def __init__(
        self,
        leases: LeaseListApi,
        *,
        name: str,
        namespace: str,
        leading: Callable[[], bool],
        others: Callable[[], Collection[str]],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._leases, self._name, self._namespace = leases, name, namespace
        self._leading, self._others, self._clock, self._wake = leading, others, clock, wake
        # name -> (renewTime, how many looks in a row have shown it). Looks, not seconds: while
        # the API is away nobody can renew, and nobody is gone for that.
        self._seen: dict[str, tuple[str, int]] = {}

    @property
    def gone(self) -> frozenset[str]:
        """Return the others whose Lease GONE_AFTER looks in a row have found as it was."""
        return frozenset(name for name, (_, looks) in self._seen.items() if looks > GONE_AFTER)

    async def run(self) -> None:
        """Renew or look, once per period, until cancelled."""
        while True:
            try:
                if self._leading():
                    await self._look()
                else:
                    self._seen.clear()
                    await self._renew()
            except (Unavailable, Refused) as error:
                log.debug("Leases of replicas: %s", error)
            await asyncio.sleep(PERIOD_S)

    async def _look(self) -> None:
        before = self.gone
        leases = await self._listed()
        others = frozenset(self._others()) | leases.keys() - {self._name}
        self._seen = {name: seen for name, seen in self._seen.items() if name in others}
        for name in sorted(others):
            renewed = _renewal(name, leases.get(name))
            known, looks = self._seen.get(name, (renewed, 0))
            unrenewed = renewed in (known, "")  # none: it never renewed, or was taken away as gone
            self._seen[name] = (known, looks + 1) if unrenewed else (renewed, 1)
        if self.gone - before:
            self._wake()
        for name in sorted(leases.keys() & (self.gone | {self._name})):
            await self._remove(name, leases[name])

    async def _listed(self) -> Mapping[str, Json]:
        """Return the speakers' Leases by replica."""
        kind = Kind(LEASES.name, LEASES.plural, f"{LEASES.root}/namespaces/{self._namespace}")
        found: dict[str, Json] = {}
        after = ""
        while True:
            page = await self._leases.list_page(kind, {}, limit=PAGE, after=after)
            for lease in page.get("items") or []:
                name = str(lease["metadata"]["name"])
                if name.startswith(SPEAKER_PREFIX):
                    found[name.removeprefix(SPEAKER_PREFIX)] = lease
            after = str((page.get("metadata") or {}).get("continue") or "")
            if not after:
                return found

    async def _remove(self, name: str, lease: Json) -> None:
        """Delete a Lease as it was seen; one that was renewed meanwhile is somebody's."""
        meta = lease["metadata"]
        seen = {key: meta[key] for key in ("uid", "resourceVersion") if key in meta}
        try:
            await self._leases.delete(
                LEASES, self._namespace, SPEAKER_PREFIX + name, body={"preconditions": seen}
            )
        except Refused as error:
            if error.code not in (404, 409):
                raise

    async def _renew(self) -> None:
        spec = {
            "holderIdentity": self._name,
            "leaseDurationSeconds": math.ceil(GONE_AFTER * PERIOD_S),
            "renewTime": format_micro_time(self._clock.wall()),
        }
        lease = SPEAKER_PREFIX + self._name
        try:
            await self._leases.patch(LEASES, self._namespace, lease, body={"spec": spec})
        except Refused as error:
            if error.code != 404:
                raise
            await self._leases.create(LEASES, self._namespace, new_lease(lease, spec))


def _renewal(name: str, lease: Json | None) -> str:
    """Return when a replica renewed, "" if never: a Lease of another shape tells of nobody."""
    try:
        return Fields(f"Lease {SPEAKER_PREFIX}{name}", lease).at("spec").text("renewTime")
    except Malformed as error:
        raise Unavailable(str(error)) from error
