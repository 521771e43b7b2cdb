"""Conditions that say how our resources work together: wishes that fail, hops far off or missing.

Each is on the object whose author can act on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from manager.planner.peers import neighbor
from manager.planner.shared import Shared
from manager.planner.vocabulary import APPLIED, MISSING, UNVERIFIED
from manager.snapshot import EipName
from pointsman.api import Protocol
from pointsman.model.address import Family
from pointsman.model.readiness import NoNextHop, NotConnected
from pointsman.model.record import ResourceKey, Stated, StatusRecord
from pointsman.model.route import PeerName

Records = Mapping[ResourceKey, StatusRecord]
KEPT: Final = (APPLIED, MISSING, UNVERIFIED)


def remarked(shared: Shared, records: Records) -> Records:
    """Return *records* with these conditions among the others.

    Without BgpConf nothing is decided, and what was said stays said.
    """
    found = {}
    for key, record in records.items():
        said = _said_before(shared, key) if shared.peers.conf is None else _said(shared, key)
        found[key] = replace(record, conditions={**record.conditions, **said}) if said else record
    return found


def _said(shared: Shared, key: ResourceKey) -> Mapping[str, Stated]:
    if key.kind == "Eip":
        spec = shared.snapshot.eips[EipName(key.name)].spec
        if spec is not None and spec.protocol is Protocol.BGP and "bgp" in spec.model_fields_set:
            verdict = shared.saying(EipName(key.name)).verdict
            return {APPLIED: Stated(verdict.status, verdict.reason, str(verdict))}
    if key.kind == "BgpPeer":
        name = PeerName(key.name)
        if name in shared.peers.usable and name not in shared.peers.apart:
            return dict(_of_hops(shared, name))
    return {}


def _of_hops(shared: Shared, name: PeerName) -> Iterator[tuple[str, Stated]]:
    """Yield what is wrong with the nodes that *name* may be sent."""
    near = {f: shared.reach(name, f) for f in _told(shared, name)}
    if not all(one.verified for one in near.values()):
        far = NotConnected(name, direct=_direct(shared, name))
        yield UNVERIFIED, Stated(far.status, far.reason, str(far))
    empty = {f: one.without for f, one in near.items() if one.without and not one.hops}
    if empty:
        why = sorted({clause for without in empty.values() for clause in without.values()})
        none = NoNextHop(name, tuple(map(str, empty)), tuple(why))
        yield MISSING, Stated(none.status, none.reason, str(none))


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
        if eip.spec is not None and eip.spec.protocol is Protocol.BGP
        if not eip.spec.bgp.peers or name in eip.spec.bgp.peers
        for entry in eip.spec.addresses
    }
    return tuple(family for family in Family if family in found and shared.hears(name, family))


def _said_before(shared: Shared, key: ResourceKey) -> Mapping[str, Stated]:
    snapshot = shared.snapshot
    if key.kind == "Eip":
        before = snapshot.eips[EipName(key.name)].conditions
    elif key.kind == "BgpPeer":
        before = snapshot.bgp_peers[PeerName(key.name)].conditions
    else:
        return {}
    return {c.type: Stated(c.status, c.reason, c.message) for c in before if c.type in KEPT}
