"""Which replicas are there: a Lease of its own for each that does not lead, watched by the leader.

A replica writes entries into status.speakers that carry no time, so an entry cannot say
whether its writer still lives. The leader's Lease says it of the leader; every other replica
renews `pointsman-speaker-NAME`. A Lease counts by having changed between two looks, so clocks
need not agree. One replica alone writes no such Lease. The leader takes away the Lease of a
replica that is gone, and its own: whoever reads them finds who is there. Refuses to judge
sessions.

An annotation of such a Lease says where its replica hears heartbeats.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from manager.adapters.kubernetes.client import LEASES, Kind, Refused
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.lease_codec import LeaseApi, new_lease, replica_of, replica_text
from manager.adapters.kubernetes.pages import Lister, pages
from manager.snapshot import ManagerReplica
from pointsman.model.names import HEARTBEAT, SPEAKER_PREFIX
from pointsman.model.timestamps import format_micro_time
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable

PERIOD_S: Final = 10.0
RESOLUTION_S: Final = 0.001  # of clocks, and more
NEWS_S: Final = 1.0  # how soon a change of our own part is noticed
GONE_AFTER: Final = 4  # so many periods without a renewal
log = logging.getLogger(__name__)


class LeaseListApi(LeaseApi, Lister, Protocol):
    """What knowing the other replicas needs of an API server besides."""

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
        own: Callable[[], ManagerReplica | None] = lambda: None,
        hears: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """*own*: where this replica hears heartbeats; None: nowhere, or not known yet.

        *hears*: whether a replica is heard by other means: cut off from the API, it is not gone.
        """
        self._leases, self._name, self._namespace = leases, name, namespace
        self._leading, self._others, self._clock, self._wake = leading, others, clock, wake
        # name -> (renewTime, how many looks in a row have shown it). Looks, not seconds: while
        # the API is away nobody can renew, and nobody is gone for that.
        self._seen: dict[str, tuple[str, int]] = {}
        self._own, self._published, self._hears = own, own(), hears
        self._replicas: dict[str, ManagerReplica] = {}  # the others, while we lead
        self._looks = 0  # since we lead
        self._soon, self._counted_s = False, -math.inf

    @property
    def gone(self) -> frozenset[str]:
        """Return those unheard whose Lease GONE_AFTER looks in a row have found as it was."""
        unrenewed = (name for name, (_, looks) in self._seen.items() if looks > GONE_AFTER)
        return frozenset(name for name in unrenewed if not self._hears(name))

    @property
    def managers(self) -> tuple[ManagerReplica, ...]:
        """Return where replicas hear heartbeats, this one included, in order of names."""
        found = {name: one for name, one in self._replicas.items() if name not in self.gone}
        if (own := self._own()) is not None:
            found[self._name] = own
        return tuple(one for _, one in sorted(found.items()))

    @property
    def managers_known(self) -> bool:
        """Return whether each replica has had the time to tell of itself since we lead."""
        return self._looks > GONE_AFTER

    def look_soon(self) -> None:
        """Look within a second: somebody may have started."""
        self._soon = True

    async def run(self) -> None:
        """Renew or look, once per period, until cancelled."""
        while True:
            leads = self._leading()
            try:
                if leads:
                    await self._look()
                else:
                    self._seen.clear()
                    self._replicas.clear()
                    self._looks = 0
                    await self._renew()
            except (Unavailable, Refused) as error:
                log.debug("Leases of replicas: %s", error)
            await self._pause(leads=leads)

    async def _pause(self, *, leads: bool) -> None:
        """Wait a period; less if we begin to lead, end to, or have something to publish."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PERIOD_S
        self._soon = False
        while loop.time() < until_s and self._leading() is leads:
            if leads and self._soon:
                return
            if not leads and self._own() != self._published:
                return
            # What is left may be shorter than the clock can tell: then time would not pass.
            await asyncio.sleep(max(min(NEWS_S, until_s - loop.time()), RESOLUTION_S))

    async def _look(self) -> None:
        before, now_s = self.gone, asyncio.get_running_loop().time()
        # One that came early counts for nobody's absence.
        counts = now_s - self._counted_s >= PERIOD_S - NEWS_S / 2
        self._counted_s = now_s if counts else self._counted_s
        leases = await self._listed()
        others = frozenset(self._others()) | leases.keys() - {self._name}
        self._seen = {name: seen for name, seen in self._seen.items() if name in others}
        for name in sorted(others):
            renewed = _renewal(name, leases.get(name))
            known, looks = self._seen.get(name, (renewed, 0))
            unrenewed = renewed in (known, "")  # none: it never renewed, or was taken away as gone
            self._seen[name] = (known, looks + counts) if unrenewed else (renewed, 1)
        complete, self._looks = self.managers_known, self._looks + counts
        replicas = {
            name: one
            for name, lease in leases.items()
            if name != self._name and (one := replica_of(name, lease)) is not None
        }
        news = replicas != self._replicas or (
            complete is not self.managers_known and self._own() is not None
        )
        self._replicas = replicas
        if self.gone - before or news:
            self._wake()
        for name in sorted(leases.keys() & (self.gone | {self._name})):
            await self._remove(name, leases[name])

    async def _listed(self) -> Mapping[str, Json]:
        """Return the speakers' Leases by replica."""
        kind = Kind(LEASES.name, LEASES.plural, f"{LEASES.root}/namespaces/{self._namespace}")
        found: dict[str, Json] = {}
        async for page in pages(self._leases, kind):
            for lease in page.get("items") or []:
                name = str(lease["metadata"]["name"])
                if name.startswith(SPEAKER_PREFIX):
                    found[name.removeprefix(SPEAKER_PREFIX)] = lease
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
        lease, own = SPEAKER_PREFIX + self._name, self._own()
        self._published = own  # or tried to: what is refused is tried again in a period
        meta = {"annotations": {HEARTBEAT: None if own is None else replica_text(own)}}
        body = {"metadata": meta, "spec": spec}
        try:
            await self._leases.patch(LEASES, self._namespace, lease, body=body)
        except Refused as error:
            if error.code != 404:
                raise
            made = new_lease(lease, spec)
            if own is not None:
                made = {**made, "metadata": {**made["metadata"], **meta}}
            await self._leases.create(LEASES, self._namespace, made)


def _renewal(name: str, lease: Json | None) -> str:
    """Return when a replica renewed, "" if never: a Lease of another shape tells of nobody."""
    try:
        return Fields(f"Lease {SPEAKER_PREFIX}{name}", lease).at("spec").text("renewTime")
    except Malformed as error:
        raise Unavailable(str(error)) from error
