"""Conditions that say how our resources work together: wishes that fail, hops unverified.

Each is on the object whose author can act on it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from manager.planner.shared import Shared
from manager.planner.vocabulary import APPLIED, UNVERIFIED
from manager.snapshot import EipName
from pointsman.api import Protocol
from pointsman.model.address import Family
from pointsman.model.readiness import NotConnected
from pointsman.model.record import ResourceKey, Stated, StatusRecord
from pointsman.model.route import PeerName

Records = Mapping[ResourceKey, StatusRecord]
KEPT: Final = (APPLIED, UNVERIFIED)


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
        if name in shared.peers.usable and not _verified(shared, name):
            far = NotConnected(name)
            return {UNVERIFIED: Stated(far.status, far.reason, str(far))}
    return {}


def _verified(shared: Shared, name: PeerName) -> bool:
    """Whether all that *name* may be sent, in a family that an Eip has, is one hop away."""
    families = (f for f in _advertised(shared) if shared.hears(name, f))
    return all(shared.reach(name, family).verified for family in families)


def _advertised(shared: Shared) -> frozenset[Family]:
    return frozenset(
        Family.IPV6 if ":" in entry else Family.IPV4
        for eip in shared.snapshot.eips.values()
        if eip.spec is not None and eip.spec.protocol is Protocol.BGP
        for entry in eip.spec.addresses
    )


def _said_before(shared: Shared, key: ResourceKey) -> Mapping[str, Stated]:
    snapshot = shared.snapshot
    if key.kind == "Eip":
        before = snapshot.eips[EipName(key.name)].conditions
    elif key.kind == "BgpPeer":
        before = snapshot.bgp_peers[PeerName(key.name)].conditions
    else:
        return {}
    return {c.type: Stated(c.status, c.reason, c.message) for c in before if c.type in KEPT}
