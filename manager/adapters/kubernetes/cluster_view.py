"""The cluster as watches keep it: eight kinds, one cache each, one snapshot of all.

Secrets are a ninth, watched only where a BgpPeer or an Eip names one; nothing waits for them.

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
from manager.ipam.configured import wants_tokens
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
    SliceKey,
    Snapshot,
)
from pointsman.model.address import Address
from pointsman.model.memo import Each
from pointsman.model.names import API_PATH, CLUSTER_NAMESPACE, GROUP
from pointsman.model.route import PeerName

GIVEN: Final = (client.SERVICES, client.ANNOUNCERS)  # by which addresses are given
DISTRUST_S: Final = 30.0
YOUNG_S: Final = 60.0  # a list of Services
ROUTED_BY: Final = (client.SERVICES, client.ENDPOINT_SLICES, client.NODES)
WATCHES_LAG: Final = (
    "The API server refuses writes as outdated, and the watches tell of nothing newer (was etcd "
    "restored?)"
)
log = logging.getLogger(__name__)


class ClusterView:
    """Everything we watch. *wake* is called on each change that a reader could see.

    *namespace*: whose Secrets are read if something names one; "": none are.
    """

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
        self._reads_secrets = bool(namespace)
        self.secrets = Secrets(source, namespace, wake=wake, rng=rng, pace=self._pace)
        self.services = Cache[ServiceKey, Service](
            key=lambda s: s.key, parse=codec.service, wake=wake
        )
        self.endpoint_slices = Cache[SliceKey, EndpointSlice](
            key=lambda s: s.key, parse=codec.endpoint_slice, wake=wake
        )
        self.nodes = Cache[NodeName, Node](key=lambda n: n.name, parse=codec.node, wake=wake)
        self.namespaces = Cache[str, codec.Namespace](
            key=lambda n: n.name, parse=codec.namespace, wake=wake
        )
        self.eips = Cache[EipName, Eip](
            key=lambda r: EipName(r.name), parse=codec.eip, wake=self._secrets_named
        )
        self.bgp_confs = Cache[str, BgpConf](key=lambda r: r.name, parse=codec.bgp_conf, wake=wake)
        self.bgp_peers = Cache[PeerName, BgpPeer](
            key=lambda r: PeerName(r.name), parse=codec.bgp_peer, wake=self._secrets_named
        )
        self.announcers = Cache[NodeName, Announcer](
            key=lambda a: a.node, parse=codec.announcer, wake=wake
        )
        self._readiness = ReadinessDamping(wake)
        self._informers = {kind: self._informer(kind) for kind in self.caches}
        self._labels = Each[str, Mapping[str, str]](lambda _, namespace: namespace.labels)
        self._distrusted_at: float | None = None

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
    def silences(self) -> Mapping[str, float]:
        """Return for how many seconds the watch of each kind has said nothing; not those unread."""
        found = {kind.plural: one.silent_s for kind, one in self._informers.items()}
        return {kind: silent_s for kind, silent_s in found.items() if silent_s is not None}

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Return the kinds that were never listed."""
        return tuple(kind.plural for kind, cache in self.caches.items() if not cache.synced)

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
        """Have listed again what a predecessor may have given: no watch may tell of it yet."""
        for kind in GIVEN:
            self._informers[kind].doubt()

    def recheck(self) -> None:
        """Have all listed again that routes follow from: we were cut off for a while."""
        for kind in ROUTED_BY:
            self._informers[kind].doubt()

    @property
    def rechecked(self) -> bool:
        """Return whether that is done, and all of it can be read."""
        return all(
            self._informers[kind].certain and self.caches[kind].unavailable is None
            for kind in ROUTED_BY
        )

    @property
    def services_version(self) -> int:
        """Return the version of the Services as they are known; 0: they were not listed."""
        return self._informers[client.SERVICES].version

    @property
    def sure_of_services(self) -> bool:
        """Return whether a Service that is not there was surely deleted: what it had may go.

        Not within a minute after a list: a server that comes back, or is another one, may have
        listed less than there is. Not while versions are lower than some that were seen, either:
        an etcd was restored, and whoever made the Services may yet make them again.
        """
        informer = self._informers[client.SERVICES]
        listed_s = informer.listed_s
        young = listed_s is None or listed_s < YOUNG_S
        readable = self.services.unavailable is None
        return readable and informer.certain and not young and not informer.went_back

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
        """Return whether Services and Announcers were listed since the last doubt.

        Nobody waits for Announcers that cannot be read: they cannot be written either.
        """
        unread = self.announcers.unavailable is not None
        services, announcers = (self._informers[kind].certain for kind in GIVEN)
        return services and (announcers or unread)

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
            endpoint_slices=self.endpoint_slices.items,
            nodes=self._readiness.damped(self.nodes.items),
            namespaces=self._labels(None, namespaces),
            cluster_uid=home.uid if home else "",
            eips=self.eips.items,
            bgp_confs=self.bgp_confs.items,
            bgp_peers=self.bgp_peers.items,
            announcers=self.announcers.items,
            secrets=self.secrets.values,
            secrets_read=self.secrets.read,
            speakers=speakers,
            pending={} if pending is None else pending,
            settings=settings,
            taken_at=taken_at,
        )

    def _secrets_named(self) -> None:
        """Read Secrets only where one is asked for: most clusters need not grant that."""
        specs = (peer.spec for peer in self.bgp_peers.items.values())
        named = any(spec is not None and spec.password_secret_ref is not None for spec in specs)
        if self._reads_secrets and (named or wants_tokens(self.eips.items)):
            self.secrets.want()
        self._wake()
