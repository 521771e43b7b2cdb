"""The cluster as watches keep it: eight kinds, one cache each, one snapshot of all.

Secrets are a ninth, watched only where a BgpPeer names one; nothing waits for them.

Nothing is decided here. Until every kind was listed once, `in_sync` is False and nobody may
apply anything; a kind that cannot be read later keeps what was known, and says so.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from manager.adapters.kubernetes import client, codec
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.informer import Informer, Pace, Source
from manager.adapters.kubernetes.secrets import Secrets
from manager.damping.readiness import ReadinessDamping
from manager.snapshot import (
    Announcer,
    BgpConf,
    BgpPeer,
    Eip,
    EipName,
    EndpointSlice,
    Node,
    NodeName,
    Observed,
    Service,
    ServiceKey,
    Settings,
    Snapshot,
)
from pointsman.model.address import Address
from pointsman.model.names import API_PATH, CLUSTER_NAMESPACE, GROUP
from pointsman.model.route import PeerName

DISTRUST_S: Final = 30.0
WATCHES_LAG: Final = (
    "The API server refuses writes as outdated, and the watches tell of nothing newer (was etcd "
    "restored?)"
)
log = logging.getLogger(__name__)


class ClusterView:
    """Everything we watch. *wake* is called on each change that a reader could see."""

    def __init__(
        self,
        source: Source,
        *,
        wake: Callable[[], None],
        rng: random.Random,
        pace: Pace | None = None,
        namespace: str = "",
    ) -> None:
        self._source, self._rng, self._pace, self._wake = source, rng, pace or Pace(), wake
        self.secrets = Secrets(source, namespace, wake=wake, rng=rng, pace=self._pace)
        self.services = Cache[ServiceKey, Service](
            key=lambda s: s.key, parse=codec.service, wake=wake
        )
        self.endpoint_slices = Cache[tuple[str, str], EndpointSlice](
            key=lambda s: (s.namespace, s.name), parse=codec.endpoint_slice, wake=wake
        )
        self.nodes = Cache[NodeName, Node](key=lambda n: n.name, parse=codec.node, wake=wake)
        self.namespaces = Cache[str, codec.Namespace](
            key=lambda n: n.name, parse=codec.namespace, wake=wake
        )
        self.eips = Cache[EipName, Eip](key=lambda r: EipName(r.name), parse=codec.eip, wake=wake)
        self.bgp_confs = Cache[str, BgpConf](key=lambda r: r.name, parse=codec.bgp_conf, wake=wake)
        self.bgp_peers = Cache[PeerName, BgpPeer](
            key=lambda r: PeerName(r.name), parse=codec.bgp_peer, wake=self._peers_changed
        )
        self.announcers = Cache[NodeName, Announcer](
            key=lambda a: a.node, parse=codec.announcer, wake=wake
        )
        self._readiness = ReadinessDamping(wake)
        self._informers = {kind: self._informer(kind) for kind in self.caches}
        self._distrusted_at: float | None = None
        self._sorted_slices: tuple[int, tuple[EndpointSlice, ...]] = (-1, ())

    @property
    def caches(self) -> Mapping[client.Kind, Cache[Any, Any]]:
        """Return every cache by its kind."""
        return {
            client.SERVICES: self.services,
            client.ENDPOINT_SLICES: self.endpoint_slices,
            client.NODES: self.nodes,
            client.NAMESPACES: self.namespaces,
            client.EIPS: self.eips,
            client.BGP_CONFS: self.bgp_confs,
            client.BGP_PEERS: self.bgp_peers,
            client.ANNOUNCERS: self.announcers,
        }

    @property
    def in_sync(self) -> bool:
        """Return whether every kind was listed once."""
        return all(cache.synced for cache in self.caches.values())

    @property
    def unavailable(self) -> tuple[str, ...]:
        """Return a sentence for each kind that cannot be read now."""
        every = (*(c.unavailable for c in self.caches.values()), self.secrets.unavailable)
        return tuple(sentence for sentence in every if sentence is not None)

    @property
    def malformed(self) -> tuple[str, ...]:
        """Return a sentence for each object that cannot be read."""
        return tuple(
            sentence for c in self.caches.values() for _, sentence in sorted(c.malformed.items())
        )

    def doubt(self) -> None:
        """Have the Services listed again: a predecessor's grants may not be in any watch yet."""
        self._informers[client.SERVICES].doubt()

    def distrust(self, why: str = WATCHES_LAG) -> None:
        """List everything again: what the watches show is not what the server holds.

        A restored etcd makes a server accept watches from versions that are yet to come, and
        say nothing. Done once in a while at most: a list of everything is dear.
        """
        now = asyncio.get_running_loop().time()
        if self._distrusted_at is not None and now - self._distrusted_at < DISTRUST_S:
            return
        self._distrusted_at = now
        log.warning("%s: everything is listed again.", why)
        for kind, informer in self._informers.items():
            self.caches[kind].distrust()
            informer.doubt()
        self.secrets.distrust()

    @property
    def certain(self) -> bool:
        """Return whether the Services were listed since the last doubt."""
        return self._informers[client.SERVICES].certain

    def _informer(self, kind: client.Kind) -> Informer:
        return Informer(
            self._source,
            kind,
            self.caches[kind],
            self._rng,
            crd=f"{kind.plural}.{GROUP}" if kind.root == API_PATH else "",
            pace=self._pace,
            confirmed=self._wake,
        )

    async def run(self) -> None:
        """Keep all caches current until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, informer in self._informers.items():
                group.create_task(informer.run(), name=f"informer {kind.plural}")
            group.create_task(self.secrets.run(), name="informer secrets")

    def snapshot(
        self,
        *,
        speakers: tuple[Observed, ...],
        settings: Settings,
        taken_at: datetime | None,
        pending: Mapping[ServiceKey, tuple[Address, ...]] | None = None,
    ) -> Snapshot:
        """Return the planner's world as known now. What it holds never changes afterwards."""
        namespaces = self.namespaces.items
        home = namespaces.get(CLUSTER_NAMESPACE)
        return Snapshot(
            services=self.services.items,
            endpoint_slices=self._slices(),
            nodes=self._readiness.damped(self.nodes.items),
            namespaces={name: value.labels for name, value in namespaces.items()},
            cluster_uid=home.uid if home else "",
            eips=self.eips.items,
            bgp_confs=self.bgp_confs.items,
            bgp_peers=self.bgp_peers.items,
            announcers=self.announcers.items,
            secrets=self.secrets.values,
            secrets_read=self.secrets.read,
            speakers=speakers,
            pending=pending or {},
            settings=settings,
            taken_at=taken_at,
        )

    def _peers_changed(self) -> None:
        """Read passwords only where one is asked for: most clusters need not grant that."""
        specs = (peer.spec for peer in self.bgp_peers.items.values())
        if any(spec is not None and spec.password_secret_ref is not None for spec in specs):
            self.secrets.want()
        self._wake()

    def _slices(self) -> tuple[EndpointSlice, ...]:
        revision, slices = self._sorted_slices
        if revision != self.endpoint_slices.revision:
            slices = tuple(value for _, value in sorted(self.endpoint_slices.items.items()))
            self._sorted_slices = self.endpoint_slices.revision, slices
        return slices
