"""What is the same for all Services of one plan: the view, and what the part of BGP looks at."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from manager.planner.addresses.aggregates import inside, occupied
from manager.planner.addresses.reserved import Owned, ReservedMemo
from manager.planner.bgp.advertisement import AdvertisementPolicy, advertisement_policy
from manager.planner.bgp.observed_paths import ObservedPaths
from manager.planner.bgp.peer_speakers import with_sessions
from manager.planner.bgp.peers import Peers, read_peers
from manager.planner.bgp.reachability import (
    Reachabilities,
    Reachability,
    reachabilities,
    taking_ipv6_next_hops,
)
from manager.planner.bgp.sessions import NO_SESSION_AFTER_S, lost_for_s
from manager.planner.bgp.view import BgpView
from manager.planner.desired import Allocations, SpeakerSession
from manager.planner.nodes.address_owners import address_owners
from manager.planner.nodes.facts import NodeFacts
from manager.snapshot import EipName, Node, NodeName, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.memo import Each, Once
from pointsman.model.names import ZONE
from pointsman.model.route import PeerName
from pointsman.model.table import Table
from pointsman.model.verdicts.address import Overlap


class ContextMemo:
    """The stages of a context: each is worked out anew when what it is made of has changed."""

    def __init__(self) -> None:
        self.facts = NodeFacts()
        self.owners = Once[Mapping[Address, NodeName]](address_owners)
        self.reachabilities = Once[Reachabilities](reachabilities)
        self.reserved = ReservedMemo()
        self.inside = Once[Owned](inside)
        self.barred = Each[EipName, Mapping[Prefix, str]](_barred)
        self.policies = Each[EipName, AdvertisementPolicy](_policy)
        self.zones = Each[NodeName, str](_zone)
        self.view = Once[BgpView](BgpView)


@dataclass(frozen=True, slots=True)
class BgpContext:
    """The facts, each known before the first question."""

    snapshot: Snapshot
    allocations: Allocations
    view: BgpView
    policies: Mapping[EipName, AdvertisementPolicy]  # of the Eips that can be read
    owners: Mapping[Address, NodeName]  # whose each address of the cluster is
    observed: ObservedPaths  # what all our speakers hold
    lost: frozenset[PeerName]  # routers without a session for a minute
    fresh: tuple[bool, ...]  # whether each speaker answers
    connected: frozenset[PeerName]  # routers with a session that is up
    # IP versions and prefix lengths that a Service's paths may have; None: any that are there.
    lengths: tuple[tuple[int, int], ...] | None

    @property
    def peers(self) -> Peers:
        return self.view.peers

    def reachability(self, peer: PeerName, family: Family) -> Reachability:
        """Return which nodes *peer* may be sent in *family*."""
        return self.view.reachability(peer, family)

    def policy(self, eip: EipName) -> AdvertisementPolicy:
        """Return how the addresses of *eip*, which can be read, are advertised."""
        return self.policies[eip]

    def capped(
        self, to: Iterable[PeerName], family: Family, carriers: AbstractSet[NodeName] | None = None
    ) -> tuple[PeerName, ...]:
        """Return which of the routers *to* are sent not all next hops: see `BgpView.capped`."""
        return self.view.capped(to, family, carriers)


def bgp_context(snapshot: Snapshot, allocations: Allocations, memo: ContextMemo) -> BgpContext:
    """Return what is the same for all Services, with every router at the speakers that serve it."""
    facts = memo.facts.addresses(snapshot)
    owners = memo.owners(facts)
    # Only what an Eip gave is a VIP: what merely stands in a status takes nobody's next hop.
    vips = frozenset(filter(allocations.holds, owners))
    peers = read_peers(snapshot)
    hops = memo.reachabilities(facts, peers.usable, vips, taking_ipv6_next_hops(snapshot))
    if peers.conf is not None:
        peers = with_sessions(snapshot, peers, hops, owners)
    observed = ObservedPaths(tuple(Table.of(one.routes) for one in snapshot.speakers))
    view = memo.view(
        peers,
        hops,
        memo.zones(None, snapshot.nodes),
        observed if _may_have_to_keep(snapshot, peers) else None,
    )
    specs = _specs(snapshot)
    # Every node that comes changes what is reserved, and hardly any of it concerns an aggregate.
    near = memo.inside(memo.reserved(snapshot), {name: spec for name, (_, spec) in specs.items()})
    barred = memo.barred(near, specs)
    policies = memo.policies(peers, specs, _overlapping(allocations), barred)
    return BgpContext(
        snapshot=snapshot,
        allocations=allocations,
        view=view,
        policies=policies,
        owners=owners,
        observed=observed,
        lost=frozenset(_lost(snapshot, peers)),
        fresh=tuple(one.fresh for one in snapshot.speakers),
        connected=frozenset(
            name
            for one in snapshot.speakers
            for name, report in one.sessions.items()
            if report.live
        ),
        lengths=None if view.observed is not None else _lengths(policies.values()),
    )


def _lengths(policies: Iterable[AdvertisementPolicy]) -> tuple[tuple[int, int], ...]:
    """Return the IP versions and prefix lengths that may be advertised, each once."""
    found = {(4, 32), (6, 128)}
    for policy in policies:
        found.update(
            (4 if family is Family.IPV4 else 6, length)
            for family, length in policy.aggregates.lengths.items()
        )
    return tuple(sorted(found))


def _may_have_to_keep(snapshot: Snapshot, peers: Peers) -> bool:
    """Whether what the speakers hold may decide: something that is needed cannot be read."""
    unreadable = any(eip.spec is None for eip in snapshot.eips.values())
    return peers.conf is None or bool(peers.unreadable) or unreadable


def _zone(_: None, node: Node) -> str:
    return node.labels.get(ZONE, "")


def _specs(snapshot: Snapshot) -> Mapping[EipName, tuple[EipName, EipSpec]]:
    return {name: (name, eip.spec) for name, eip in snapshot.eips.items() if eip.spec is not None}


def _overlapping(allocations: Allocations) -> Mapping[EipName, bool]:
    return {name: isinstance(one.ready, Overlap) for name, one in allocations.eips.items()}


def _barred(owned: Owned, eip: tuple[EipName, EipSpec]) -> Mapping[Prefix, str] | None:
    return occupied(eip[1], owned) or None


def _policy(
    peers: Peers,
    eip: tuple[EipName, EipSpec],
    overlaps: bool | None,
    barred: Mapping[Prefix, str] | None,
) -> AdvertisementPolicy | None:
    if peers.conf is None:
        return None  # nothing is advertised anew
    name, spec = eip
    return advertisement_policy(name, spec, peers, overlaps=bool(overlaps), barred=barred or {})


def _lost(snapshot: Snapshot, peers: Peers) -> Iterator[PeerName]:
    """Yield the routers that may be sent something, and have had no session for a minute."""
    names = {*snapshot.bgp_peers}
    for one in snapshot.speakers:
        names.update(one.sessions, one.exports, one.neighbors)
    for name in sorted(names):
        age = lost_for_s(snapshot, name, _sessions_of(snapshot, peers, name))
        if age is not None and age >= NO_SESSION_AFTER_S:
            yield name


def _sessions_of(snapshot: Snapshot, peers: Peers, name: PeerName) -> tuple[SpeakerSession, ...]:
    if name in peers.usable:
        return peers.sessions_of(name)
    # Sent paths all the same, for want of a BgpConf: by whichever speaker has it.
    speakers = enumerate(snapshot.speakers)
    return tuple(
        SpeakerSession(n) for n, one in speakers if name in one.sessions or one.sessions_unknown
    )
