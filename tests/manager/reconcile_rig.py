"""A reconciler among dictionaries: it is its own cluster and its own leader."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from manager.damping.moves import Moves
from manager.heartbeats.presence import Presence
from manager.planner.desired import Plan
from manager.reconcile import ClusterTargets, Reconciler
from manager.snapshot import (
    EipName,
    Endpoint,
    EndpointSlice,
    Ingress,
    ManagerReplica,
    Node,
    NodeName,
    Observed,
    Resource,
    ServiceKey,
    Settings,
    Snapshot,
)
from manager.speakers.group import SpeakerGroup
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Address, Family
from pointsman.model.delta import Delta
from pointsman.model.record import EventRecord
from pointsman.model.reservation import SourceReading
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock
from tests.manager.dict_speaker import DictSpeaker
from tests.manager.planner.addresses.addressing import cluster, eip, service

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESS = "198.51.100.0"


class Book:
    """What stands in the API of one kind; what it is handed stands there at once."""

    def __init__(self, diary: list[str], name: str) -> None:
        self._diary, self._name = diary, name
        self.contents: dict[Any, Any] = {}
        self.handed: list[Delta[Any, Any]] = []
        self.pending: dict[Any, Any] = {}
        self.loosening: frozenset[Any] = frozenset()
        self.assigning: dict[Any, Any] = {}
        self.hangs = False

    def observe(self) -> Mapping[Any, Any]:
        return dict(self.contents)

    def hand(self, work: Delta[Any, Any], *, term: int = 0) -> None:
        self.handed.append(work)
        if self.hangs:
            return
        self._diary += [f"put {self._name}"] * bool(work.put)
        self._diary += [f"drop {self._name}"] * bool(work.drop)
        self.contents |= work.put
        for key in work.drop:
            self.contents.pop(key, None)

    def sweep(self, *, leading: bool) -> None:
        self._diary += ["sweep"] * leading


class EmittedEvents:
    def __init__(self) -> None:
        self.emitted: list[EventRecord] = []

    def emit(self, events: Sequence[EventRecord]) -> None:
        self.emitted += events


class HandedSources:
    """The IPAMs: what they hold is *held*, what they were handed is noted."""

    def __init__(self) -> None:
        self.held: dict[EipName, SourceReading] = {}
        self.handed: list[tuple[Plan, int | None]] = []

    def seen(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, sources=dict(self.held))

    def hand(self, decided: Plan, snapshot: Snapshot, *, term: int | None) -> None:
        self.handed.append((decided, term))


class Rig:
    """A reconciler among dictionaries. It is its own world and its own leader."""

    def __init__(self, **settings: Any) -> None:
        self.in_sync = self.certain = self.leading = True
        self.term, self.doubts, self.wakes = 1, 0, 0
        self.scene = scene()
        self.speaker = DictSpeaker()
        self.diary = self.speaker.diary
        self.services, self.statuses, self.announcers, self.entries = (
            Book(self.diary, name) for name in ("services", "statuses", "announcers", "entries")
        )
        self.events = EmittedEvents()
        self.managers: tuple[ManagerReplica, ...] = ()
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.speakers = SpeakerGroup([self.speaker], clock=clock, wake=self._wake)
        self.ipams = HandedSources()
        self.reconciler = Reconciler(
            self,
            leader=self,
            speakers=self.speakers,
            targets=ClusterTargets(
                services=self.services,
                statuses=self.statuses,
                announcers=self.announcers,
                entries=self.entries,
                events=self.events,
            ),
            settings=Settings(speaker_name="a", **settings),
            clock=clock,
            wake=self._wake,
            beside=(Presence(None, lambda: self.managers, lambda: True), Moves(self._wake)),
            sources=self.ipams,
        )
        self.task = asyncio.create_task(self.speakers.run())

    def _wake(self) -> None:
        self.wakes += 1

    def doubt(self) -> None:
        self.doubts += 1
        self.certain = False

    def snapshot(
        self,
        *,
        speakers: tuple[Observed, ...],
        settings: Settings,
        taken_at: datetime | None,
        pending: Mapping[ServiceKey, tuple[Address, ...]] | None = None,
    ) -> Snapshot:
        """Return the scene, with the addresses that were written into it."""
        services = {
            key: replace(one, ingress=tuple(map(Ingress, self.services.contents[key].ingress)))
            if key in self.services.contents
            else one
            for key, one in self.scene.services.items()
        }
        return replace(
            self.scene,
            services=services,
            speakers=speakers,
            pending=pending or {},
            settings=settings,
            taken_at=taken_at,
        )

    async def step(self) -> list[str]:
        """Run one step; return what was written and emitted, in order."""
        await asyncio.sleep(0.3)
        self.diary.clear()
        await self.reconciler.step()
        await asyncio.sleep(0.3)
        return [line for line in self.diary if line.split()[0] in ("put", "drop", "start")]

    async def settle(self) -> None:
        """Step until nothing is left to do."""
        self.certain = True
        for _ in range(8):
            self.term = 1
            if not await self.step():
                return
        raise AssertionError("it never rests")


def scene() -> Snapshot:
    """Return a cluster of one node, one router, one Eip and one Service."""
    made = cluster(eip("public", "198.51.100.0/28", default=True), service("a/web"))
    conf = Resource("default", BgpConfSpec.model_validate({"as": 64512}))
    peer = Resource("tor", BgpPeerSpec.model_validate({"address": "192.0.2.1", "as": 64500}))
    node = Node(NodeName("n1"), internal_ips=(ip_address("192.0.2.11"),))
    ends = EndpointSlice("a", "web-1", "web", Family.IPV4, (Endpoint(NodeName("n1"), True),))
    return replace(
        made,
        nodes={node.name: node},
        endpoint_slices={ends.key: ends},
        bgp_confs={"default": conf},
        bgp_peers={PeerName("tor"): peer},
    )
