"""Conditions that say how our resources work together: wishes that fail, hops far off or missing.

Each is on the object whose author can act on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from manager.planner.bgp.advertisement import may_hear
from manager.planner.bgp.context import Shared
from manager.planner.bgp.peers import neighbor
from manager.planner.bgp.reachability import Reach
from manager.planner.grace_periods import NO_TIME, until_report
from manager.snapshot import EipName, NodeName
from pointsman.api import Protocol
from pointsman.model.address import Family, address_order
from pointsman.model.names import (
    APPLIED,
    CONTESTED,
    LIMITED,
    MISSING,
    RECEIVED,
    UNVERIFIED,
)
from pointsman.model.record import ConditionValue, ResourceKey, StatusRecord
from pointsman.model.route import MOST_PATHS, PeerName
from pointsman.model.verdicts.readiness import (
    AddressOnSeveralNodes,
    NoNextHop,
    NotConnected,
    SpeakerLimit,
)
from pointsman.model.verdicts.session import TooManyPrefixes

Records = Mapping[ResourceKey, StatusRecord]
KEPT: Final = (APPLIED, CONTESTED, LIMITED, MISSING, UNVERIFIED, RECEIVED)
NAMED: Final = 4  # addresses, and nodes of each, that a sentence names


def remarked(shared: Shared, records: Records) -> Records:
    """Return *records* with these conditions among the others.

    Without BgpConf nothing is decided, and what was said stays said.
    """
    found = {}
    for key, record in records.items():
        said = _said_before(shared, key) if shared.peers.conf is None else _said(shared, key)
        found[key] = replace(record, conditions={**record.conditions, **said}) if said else record
    return found


def _said(shared: Shared, key: ResourceKey) -> Mapping[str, ConditionValue]:
    if key.kind == "Eip":
        spec = shared.snapshot.eips[EipName(key.name)].spec
        if spec is not None and spec.protocol is Protocol.BGP and "bgp" in spec.model_fields_set:
            verdict = shared.saying(EipName(key.name)).verdict
            return {APPLIED: ConditionValue(verdict.status, verdict.reason, str(verdict))}
    if key.kind == "BgpPeer":
        name = PeerName(key.name)
        if name not in shared.peers.usable:
            return {}
        hops = () if name in shared.peers.apart else _of_hops(shared, name)
        return {**_received(shared, name), **dict(hops)}
    return {}


def _received(shared: Shared, name: PeerName) -> Mapping[str, ConditionValue]:
    """Return whether a router sends us a flood; without a session, what was said of the last."""
    reports = (one.sessions.get(name) for one in shared.snapshot.speakers)
    live = [one for one in reports if one is not None and one.live]
    before = (one.type == RECEIVED for one in shared.snapshot.bgp_peers[name].conditions)
    if not (any(one.floods for one in live) if live else any(before)):
        return {}
    flood = TooManyPrefixes(name)
    return {RECEIVED: ConditionValue(flood.status, flood.reason, str(flood))}


def _of_hops(shared: Shared, name: PeerName) -> Iterator[tuple[str, ConditionValue]]:
    """Yield what is wrong with the nodes that *name* may be sent, as far as it is known."""
    said = {condition.type for condition in shared.snapshot.bgp_peers[name].conditions}
    awaited = _awaited(shared, name).keys()
    far = {node for one in _near(shared, name).values() for node in one.far}
    if far if UNVERIFIED in said else far - awaited:
        verdict = NotConnected(name, direct=_direct(shared, name))
        yield UNVERIFIED, ConditionValue(verdict.status, verdict.reason, str(verdict))
    several = {a: n for one in _near(shared, name).values() for a, n in one.duplicates.items()}
    if several:
        first = sorted(several, key=address_order)[:NAMED]
        shown = tuple((str(a), tuple(several[a][:NAMED])) for a in first)
        doubtful = AddressOnSeveralNodes(name, shown, more=len(several) > NAMED)
        yield CONTESTED, ConditionValue(doubtful.status, doubtful.reason, str(doubtful))
    if any(shared.capped((name,), family) for family in _near(shared, name)):
        most = SpeakerLimit(name, MOST_PATHS)
        yield LIMITED, ConditionValue(most.status, most.reason, str(most))
    empty = _empty(shared, name)
    if MISSING not in said:
        empty = {f: without for f, without in empty.items() if not without.keys() & awaited}
    if empty:
        why = sorted({clause for without in empty.values() for clause in without.values()})
        none = NoNextHop(name, tuple(map(str, empty)), tuple(why))
        yield MISSING, ConditionValue(none.status, none.reason, str(none))


def _near(shared: Shared, name: PeerName) -> Mapping[Family, Reach]:
    return {family: shared.reach(name, family) for family in _told(shared, name)}


def _empty(shared: Shared, name: PeerName) -> Mapping[Family, Mapping[NodeName, str]]:
    """Return the families without any next hop for *name*, and why each node is none."""
    near = _near(shared, name)
    return {f: one.without for f, one in near.items() if one.without and not one.hops}


def _awaited(shared: Shared, name: PeerName) -> Mapping[NodeName, timedelta]:
    """Return the nodes whose agents may yet say something else, and for how long."""
    snapshot = shared.snapshot
    nodes = {node for one in _near(shared, name).values() for node in one.far}
    nodes.update(node for without in _empty(shared, name).values() for node in without)
    peer = snapshot.bgp_peers[name]
    left = {node: until_report(snapshot, snapshot.nodes[node], peer) for node in nodes}
    return {node: time for node, time in left.items() if time > NO_TIME}


def time_to_remark(shared: Shared) -> timedelta:
    """Return after which time alone a condition of these may come; no time: it would be there."""
    if shared.peers.conf is None:
        return NO_TIME
    names = shared.peers.usable.keys() - shared.peers.apart
    left = (time for name in names for time in _awaited(shared, name).values())
    return min(left, default=NO_TIME)


def _direct(shared: Shared, name: PeerName) -> bool:
    """Whether the router believes only next hops on its own networks: eBGP over one hop."""
    spec, conf = shared.peers.usable[name], shared.peers.conf
    if spec.ebgp_multihop is not None or conf is None:
        return False
    return not neighbor(spec).is_internal(conf.asn)


def _told(shared: Shared, name: PeerName) -> tuple[Family, ...]:
    """Return the families in which an Eip has addresses that *name* may hear of."""
    found = {
        Family.IPV6 if ":" in entry else Family.IPV4
        for eip in shared.snapshot.eips.values()
        if eip.spec is not None and may_hear(eip.spec, name)
        for entry in eip.spec.addresses
    }
    return tuple(family for family in Family if family in found and shared.hears(name, family))


def _said_before(shared: Shared, key: ResourceKey) -> Mapping[str, ConditionValue]:
    snapshot = shared.snapshot
    if key.kind == "Eip":
        before = snapshot.eips[EipName(key.name)].conditions
    elif key.kind == "BgpPeer":
        before = snapshot.bgp_peers[PeerName(key.name)].conditions
    else:
        return {}
    return {c.type: ConditionValue(c.status, c.reason, c.message) for c in before if c.type in KEPT}
