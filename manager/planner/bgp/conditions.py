"""Conditions that say how our resources work together: wishes that fail, hops far off or missing.

Each is on the object whose author can act on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from manager.planner.addresses.source_blocks import entries_of
from manager.planner.bgp.advertisement import carries_family, may_hear
from manager.planner.bgp.context import BgpContext
from manager.planner.bgp.peers import DEFAULT, configured_sessions, neighbor
from manager.planner.bgp.reachability import Reachability
from manager.planner.bgp.router_ids import router_ids
from manager.planner.bgp.sessions import WITH_SESSION, session_conditions
from manager.planner.contribution import Conditions
from manager.planner.grace_periods import NO_TIME, until_report
from manager.planner.records import condition_of
from manager.snapshot import Condition, NodeName
from pointsman.api import Protocol
from pointsman.model.address import Family, address_order
from pointsman.model.names import (
    AGGREGATES_UNGUARDED,
    BGP_APPLIED,
    LIVENESS_FROZEN,
    NEXT_HOPS_CONTESTED,
    NEXT_HOPS_LIMITED,
    NEXT_HOPS_MISSING,
    NEXT_HOPS_UNVERIFIED,
    PREFIXES_RECEIVED,
    READY,
)
from pointsman.model.record import ConditionValue, ResourceKey, StatusRecord
from pointsman.model.route import MOST_PATHS, PeerName
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.readiness import (
    AddressOnSeveralNodes,
    AgentsSilentTogether,
    NoBgpConf,
    NoNextHop,
    NotConnected,
    SpeakerLimit,
)
from pointsman.model.verdicts.session import TooManyPrefixes

RETAINED: Final = (
    AGGREGATES_UNGUARDED,
    BGP_APPLIED,
    NEXT_HOPS_CONTESTED,
    NEXT_HOPS_LIMITED,
    NEXT_HOPS_MISSING,
    NEXT_HOPS_UNVERIFIED,
    PREFIXES_RECEIVED,
)
NAMED: Final = 4  # addresses, and nodes of each, that a sentence names


def resource_records(context: BgpContext) -> dict[ResourceKey, StatusRecord]:
    """Return the status of every BgpConf and BgpPeer."""
    snapshot, records = context.snapshot, dict[ResourceKey, StatusRecord]()
    for conf_name, verdict in context.peers.confs.items():
        conf = snapshot.bgp_confs[conf_name]
        ids = router_ids(snapshot, conf.spec) if conf.spec is not None and verdict.ok else []
        conditions = {READY: condition_of(verdict)}
        if conf_name == DEFAULT and snapshot.frozen:
            conditions[LIVENESS_FROZEN] = condition_of(AgentsSilentTogether(snapshot.frozen))
        records[ResourceKey("BgpConf", conf_name)] = StatusRecord(
            conditions, {"routerIds": ids} if ids else {}, conf.generation
        )
    for name, verdict in context.peers.verdicts.items():
        conditions = {**_of_sessions(context, name, verdict), **_remarks(context, name)}
        generation = snapshot.bgp_peers[name].generation
        records[ResourceKey("BgpPeer", name)] = StatusRecord(conditions, {}, generation)
    return records


def eip_conditions(context: BgpContext) -> Mapping[ResourceKey, Conditions]:
    """Return what is said of the `bgp` of each Eip.

    Without BgpConf nothing is decided, and conditions stay as they are.
    """
    found = {}
    for name in context.allocations.eips:
        eip = context.snapshot.eips[name]
        spec = eip.spec
        conditions: Conditions = {}
        if context.peers.conf is None:
            conditions = _retained(eip.conditions)
        elif spec is not None and spec.protocol is Protocol.BGP and "bgp" in spec.model_fields_set:
            conditions = {BGP_APPLIED: condition_of(context.policy(name).verdict)}
        if conditions:
            found[ResourceKey("Eip", name)] = conditions
    return found


def joined(
    first: Mapping[ResourceKey, Conditions], more: Iterable[tuple[ResourceKey, Conditions]]
) -> Mapping[ResourceKey, Conditions]:
    """Return *first* with *more* conditions on the same objects, or on others."""
    found = dict(first)
    for key, conditions in more:
        found[key] = {**found.get(key, {}), **conditions}
    return found


def _of_sessions(context: BgpContext, name: PeerName, verdict: Verdict) -> Conditions:
    snapshot, ready = context.snapshot, condition_of(verdict)
    # A router that needs its own speaker keeps its session, though it is sent nothing; and
    # without a BgpConf every session stays as it is.
    stays = isinstance(verdict, NoBgpConf) and verdict.keeps
    if not stays and verdict.reason not in WITH_SESSION:
        return {READY: ready}
    sessions = configured_sessions(snapshot, name) if stays else context.peers.sessions_of(name)
    peer = snapshot.bgp_peers[name]
    return {READY: ready, **session_conditions(snapshot, peer, sessions, ready=ready)}


def _remarks(context: BgpContext, name: PeerName) -> Conditions:
    if context.peers.conf is None:
        return _retained(context.snapshot.bgp_peers[name].conditions)
    if name not in context.peers.usable:
        return {}
    hops = () if name in context.peers.unserved else _of_hops(context, name)
    return {**_received(context, name), **dict(hops)}


def _retained(before: Iterable[Condition]) -> Conditions:
    return {
        c.type: ConditionValue(c.status, c.reason, c.message) for c in before if c.type in RETAINED
    }


def _received(context: BgpContext, name: PeerName) -> Mapping[str, ConditionValue]:
    """Return whether a router sends us a flood; without a session, what was said of the last."""
    reports = (one.sessions.get(name) for one in context.snapshot.speakers)
    live = [one for one in reports if one is not None and one.live]
    before = (one.type == PREFIXES_RECEIVED for one in context.snapshot.bgp_peers[name].conditions)
    if not (any(one.floods for one in live) if live else any(before)):
        return {}
    flood = TooManyPrefixes(name)
    return {PREFIXES_RECEIVED: condition_of(flood)}


def _of_hops(context: BgpContext, name: PeerName) -> Iterator[tuple[str, ConditionValue]]:
    """Yield what is wrong with the nodes that *name* may be sent, as far as it is known."""
    recorded = {condition.type for condition in context.snapshot.bgp_peers[name].conditions}
    awaited = _awaited(context, name).keys()
    near = _near(context, name)
    far = {node for one in near.values() for node in one.far}
    if far if NEXT_HOPS_UNVERIFIED in recorded else far - awaited:
        verdict = NotConnected(name, direct=_direct(context, name))
        yield NEXT_HOPS_UNVERIFIED, condition_of(verdict)
    several = {a: names for one in near.values() for a, names in one.duplicates.items()}
    if several:
        first = sorted(several, key=address_order)[:NAMED]
        shown = tuple((str(a), tuple(several[a][:NAMED])) for a in first)
        doubtful = AddressOnSeveralNodes(name, shown, more=len(several) > NAMED)
        yield NEXT_HOPS_CONTESTED, condition_of(doubtful)
    if any(context.capped((name,), family) for family in near):
        most = SpeakerLimit(name, MOST_PATHS)
        yield NEXT_HOPS_LIMITED, condition_of(most)
    empty = _empty(context, name)
    if NEXT_HOPS_MISSING not in recorded:
        empty = {f: without for f, without in empty.items() if not without.keys() & awaited}
    if empty:
        why = sorted({clause for without in empty.values() for clause in without.values()})
        none = NoNextHop(name, tuple(map(str, empty)), tuple(why))
        yield NEXT_HOPS_MISSING, condition_of(none)


def _near(context: BgpContext, name: PeerName) -> Mapping[Family, Reachability]:
    return {family: context.reachability(name, family) for family in _families(context, name)}


def _empty(context: BgpContext, name: PeerName) -> Mapping[Family, Mapping[NodeName, str]]:
    """Return the families without any next hop for *name*, and why each node is none."""
    near = _near(context, name)
    return {f: one.without for f, one in near.items() if one.without and not one.hops}


def _awaited(context: BgpContext, name: PeerName) -> Mapping[NodeName, timedelta]:
    """Return the nodes whose agents may yet say something else, and for how long."""
    snapshot = context.snapshot
    nodes = {node for one in _near(context, name).values() for node in one.far}
    nodes.update(node for without in _empty(context, name).values() for node in without)
    peer = snapshot.bgp_peers[name]
    left = {node: until_report(snapshot, snapshot.nodes[node], peer) for node in nodes}
    return {node: time for node, time in left.items() if time > NO_TIME}


def time_to_remark(context: BgpContext) -> timedelta:
    """Return after which time alone a condition of these may come; no time: it would be there."""
    if context.peers.conf is None:
        return NO_TIME
    names = context.peers.usable.keys() - context.peers.unserved
    left = (time for name in names for time in _awaited(context, name).values())
    return min(left, default=NO_TIME)


def _direct(context: BgpContext, name: PeerName) -> bool:
    """Whether the router believes only next hops on its own networks: eBGP over one hop."""
    spec, conf = context.peers.usable[name], context.peers.conf
    if spec.ebgp_multihop is not None or conf is None:
        return False
    return not neighbor(spec).is_internal(conf.asn)


def _families(context: BgpContext, name: PeerName) -> tuple[Family, ...]:
    """Return the families in which an Eip has addresses that *name* may hear of."""
    found = {
        Family.IPV6 if ":" in entry else Family.IPV4
        for eip in context.snapshot.eips.values()
        if eip.spec is not None and may_hear(eip.spec, name)
        for entry in entries_of(eip)
    }
    spec = context.peers.usable[name]
    return tuple(family for family in Family if family in found and carries_family(spec, family))
