"""What is known about one router or Eip in BGP, as values: `pointsman explain` prints them.

It decides nothing: it looks into what the plan is made of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manager.planner.addresses.source_blocks import entries_of
from manager.planner.bgp.advertisement import carries_family, may_hear
from manager.planner.bgp.context import BgpContext, ContextMemo, bgp_context
from manager.planner.bgp.peers import Peers
from manager.planner.desired import Allocations
from manager.snapshot import Eip, EipName, NodeName, Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address, Family
from pointsman.model.ranges import read_union
from pointsman.model.route import MOST_PATHS, PeerName
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class HopCandidate:
    """A node as a next hop that a router may be sent in one family; *why* not, or ""."""

    node: NodeName
    family: Family
    hop: Address | None
    shares: bool  # the hop is on a network that the router is known to share
    why: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether a router hears of an Eip's addresses of one family; *why* not, or ""."""

    eip: EipName
    peer: PeerName
    family: Family
    why: str


@dataclass(frozen=True, slots=True)
class PeerExplanation:
    """Everything that is decided about one router but its paths; lists are sorted."""

    ready: Verdict
    most_paths: int  # of one prefix, at most
    candidates: tuple[HopCandidate, ...]  # none while the BgpPeer cannot be used
    eips: tuple[Hearing, ...]


def explain_peer(snapshot: Snapshot, allocations: Allocations, name: PeerName) -> PeerExplanation:
    """Return which nodes and which Eips the router of a BgpPeer, which exists, is told."""
    return _explained(bgp_context(snapshot, allocations, ContextMemo()), name)


def explain_peers(
    snapshot: Snapshot, allocations: Allocations
) -> Mapping[PeerName, PeerExplanation]:
    """Return the same of every router."""
    context = bgp_context(snapshot, allocations, ContextMemo())
    return {name: _explained(context, name) for name in sorted(snapshot.bgp_peers)}


def _explained(context: BgpContext, name: PeerName) -> PeerExplanation:
    usable = name in context.peers.usable
    return PeerExplanation(
        ready=context.peers.verdicts[name],
        most_paths=context.view.limit(name) if usable else MOST_PATHS,
        candidates=tuple(_candidates(context, name)) if usable else (),
        eips=tuple(
            Hearing(eip, name, family, why)
            for eip in sorted(context.snapshot.eips)
            for family, why in _hearings(context, eip, name)
        ),
    )


def explain_hearers(
    snapshot: Snapshot, allocations: Allocations, eip: EipName
) -> tuple[Hearing, ...]:
    """Return which routers hear of the addresses of an Eip, which exists, by their names."""
    context = bgp_context(snapshot, allocations, ContextMemo())
    return tuple(
        Hearing(eip, peer, family, why)
        for peer in sorted(snapshot.bgp_peers)
        for family, why in _hearings(context, eip, peer)
    )


def _candidates(context: BgpContext, name: PeerName) -> Iterator[HopCandidate]:
    spec = context.peers.usable[name]
    families = [family for family in Family if carries_family(spec, family)]
    for node in sorted(context.snapshot.nodes):
        for family in families:
            found = context.reachability(name, family)
            hop = found.hops.get(node)
            shares = hop is not None and node not in found.far
            clause = found.without.get(node, "")
            yield HopCandidate(node, family, hop, shares, f"{node} {clause}" if clause else "")


def _hearings(context: BgpContext, eip: EipName, peer: PeerName) -> Iterator[tuple[Family, str]]:
    found = context.snapshot.eips[eip]
    spec = found.spec
    if spec is None:
        yield from ((family, f"Eip '{eip}' cannot be read") for family in Family)
        return
    for family in families_of(found):
        yield family, _deaf(context.peers, spec, peer, family)


def families_of(eip: Eip) -> list[Family]:
    """Return the families that an Eip has addresses of; all, if its addresses cannot be read."""
    try:
        own = read_union(entries_of(eip))
    except ValueError:
        return list(Family)
    return [family for family in Family if own.of(family).spans]


def _deaf(peers: Peers, spec: EipSpec, peer: PeerName, family: Family) -> str:
    if spec.protocol is not Protocol.BGP:
        return f"its protocol is {spec.protocol}"
    if not may_hear(spec, peer):
        return "its bgp.peers names other BgpPeers"
    if peers.conf is None:
        return peers.without_conf[0]
    if peer not in peers.usable:
        return f"BgpPeer '{peer}' cannot be used ({peers.verdicts[peer].reason})"
    if peer in peers.unserved:
        return f"BgpPeer '{peer}' needs a speaker of its own"
    if not carries_family(peers.usable[peer], family):
        return f"BgpPeer '{peer}' does not have {family} among its families"
    return ""
