"""Protocol `bgp`: one path per address, carrier and next hop, for every peer that may hear it.

Paths are put only for addresses that the Service's status already records: the record
comes first, the network second. A path that is there already stays while the record of a
granted address is being repaired. It refuses to withdraw because a configuration
is missing: without BgpConf, what the speaker says stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from manager.planner.case import Case, Contribution
from manager.planner.desired import Candidate
from manager.planner.eligible import OUT_OF_SERVICE
from manager.planner.place import Placement, candidates, place
from manager.planner.serving import NOTHING
from manager.planner.vocabulary import ANNOUNCED
from manager.snapshot import NodeName
from pointsman.model.address import Address, Family, family_of, host_prefix
from pointsman.model.allocated import listed
from pointsman.model.announced import (
    Announced,
    NoEligibleNode,
    NoPeer,
    NoServingEndpoint,
    NoSession,
    NotAnnounced,
)
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.model.verdict import Verdict

PEER_FAMILY = {Family.IPV4: "ipv4-unicast", Family.IPV6: "ipv6-unicast"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of one address: its routes, or the verdict why there are none."""

    routes: Mapping[RouteKey, Route]
    refusal: Verdict | None
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


def contribute(case: Case) -> Contribution:
    """Return the paths of one Service and the verdict on them.

    The verdict is the refusal of the first address that has one; the others are
    advertised nevertheless.
    """
    told = {address: _tell(case, address) for address in case.addresses}
    routes: dict[RouteKey, Route] = {}
    advertised: list[Address] = []
    for address, one in told.items():
        held = case.shared.observed(host_prefix(address))
        recorded = address in case.recorded
        said = one.routes if recorded else {k: held[k] for k in one.routes if k in held}
        routes |= said
        if said:
            advertised.append(address)
    refusal = next((one.refusal for one in told.values() if one.refusal is not None), None)
    verdict = refusal or _settled(case, told, advertised)
    return Contribution(
        verdict=verdict,
        candidates=_merged([one.candidates for one in told.values()]),
        routes=routes,
        carriers=("bgp",) if advertised and not isinstance(verdict, NotAnnounced) else (),
    )


def _tell(case: Case, address: Address) -> _Told:
    family = family_of(address)
    peers = _listeners(case, family)
    if case.shared.peers.conf is None:
        return _held(case, address)
    placement = place(case.service.policy, case.nodes, case.serving.get(family, NOTHING))
    found = candidates(case.nodes, placement)
    at = str(address) if len(case.service.families) > 1 or len(case.addresses) > 1 else ""
    if not placement.carriers:
        return _Told({}, replace(_nobody(case, family, placement), at=at), found)
    routes = _routes(case, address, peers, placement)
    if not peers:
        return _Told({}, NoPeer(case.service.key, _no_peer(case, family), at), found)
    if not routes:
        clause = tuple(f"{name} has no {family} address" for name in sorted(placement.carriers))
        return _Told({}, NoEligibleNode(case.service.key, clause, at), found)
    return _Told(routes, None, found, _notes(placement, found))


def _listeners(case: Case, family: Family) -> tuple[PeerName, ...]:
    """Return the peers that hear prefixes of *family*."""
    wanted = PEER_FAMILY[family]
    usable = case.shared.peers.usable
    return tuple(name for name, spec in usable.items() if wanted in spec.families)


def _routes(
    case: Case, address: Address, peers: tuple[PeerName, ...], placement: Placement
) -> Mapping[RouteKey, Route]:
    """Return one route per next hop; peers that reach a node by the same address share it."""
    heard: dict[Address, set[PeerName]] = {}
    for node in sorted(placement.carriers):
        for peer in peers:
            hop = case.shared.hop(peer, node, family_of(address))
            if hop is not None:
                heard.setdefault(hop.address, set()).add(peer)
    prefix = host_prefix(address)
    return {
        RouteKey(prefix, hop): Route(PathAttributes(), frozenset(names))
        for hop, names in heard.items()
    }


def _held(case: Case, address: Address) -> _Told:
    """Without BgpConf nothing is taken back: what the speaker holds for *address* stays."""
    routes = case.shared.observed(host_prefix(address))
    why = "there is no usable BgpConf named 'default'; create one with spec.as"
    return _Told(routes, None if routes else NoPeer(case.service.key, why))


def _nobody(case: Case, family: Family, placement: Placement) -> NoServingEndpoint | NoEligibleNode:
    key, nodes = case.service.key, case.nodes
    serving = case.serving.get(family, NOTHING)
    if not placement.serves:
        kind = f"{family} endpoint" if len(case.service.families) > 1 else "endpoint"
        lost = sorted((serving.ready | serving.draining) & nodes.dead)
        but = f" but on {listed(lost)}, out of service (taint {OUT_OF_SERVICE})" if lost else ""
        return NoServingEndpoint(key, f"it has no {kind} that serves{but}")
    against: dict[NodeName, str] = {**nodes.excluded, **nodes.draining}
    if case.service.policy == "Local":
        at = (serving.ready or serving.draining) & against.keys()
        if not at:
            why = "externalTrafficPolicy is Local and no endpoint that serves is on a known node"
            return NoServingEndpoint(key, why)
        against = {name: against[name] for name in sorted(at)}
    return NoEligibleNode(key, tuple(against[name] for name in sorted(against)))


def _no_peer(case: Case, family: Family) -> str:
    if not case.shared.peers.verdicts:
        return "there is no BgpPeer; create one for each router that should reach it"
    if not case.shared.peers.usable:
        return "no BgpPeer can be used; see their condition Ready"
    return f"no BgpPeer has {PEER_FAMILY[family]} among its families"


def _notes(placement: Placement, found: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Return why nodes carry although something speaks against them."""
    despite = [one.despite for one in found if one.despite]
    if not despite:
        return ()
    clauses = "; ".join(despite)
    if placement.kept:
        return (f"Kept, because no other node is left: {clauses}.",)
    return (f"Ignored, because too few nodes would be left: {clauses}.",)


def _settled(case: Case, told: Mapping[Address, _Told], advertised: list[Address]) -> Verdict:
    """Return the verdict when every address is decided upon and may have paths.

    It speaks of the *advertised* ones: another that is being handed over unsays nothing.
    """
    key = case.service.key
    routes = {k: route for one in told.values() for k, route in one.routes.items()}
    listening = frozenset(peer for route in routes.values() for peer in route.peers)
    if case.shared.silent(listening):
        return NoSession(key, tuple(sorted(listening)))
    said = any(c.type == ANNOUNCED and c.status == "True" for c in case.service.conditions)
    known = case.shared.snapshot.observed.routes
    # What once was said stays said while it is decided: a speaker that restarts is told anew.
    spoken = said or all(route in known for route in routes)
    if not advertised or not spoken:
        if not case.shared.snapshot.observed.fresh:
            why = "the BGP speaker does not answer; it is told as soon as it does"
            return NotAnnounced(key, why)
        why = "its addresses are being handed to the speaker"
        return NotAnnounced(key, why, passing=True)
    notes = tuple(dict.fromkeys(note for one in told.values() for note in one.notes))
    return Announced(key, tuple(map(str, advertised)), case.service.policy == "Local", notes)


def _merged(groups: list[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Return one entry per node: it carries if it carries in any family."""
    found: dict[NodeName, Candidate] = {}
    for one in (candidate for group in groups for candidate in group):
        before = found.get(one.node)
        if before is None or (before.excluded_by and not one.excluded_by):
            found[one.node] = one
    return tuple(found[name] for name in sorted(found))
