"""Who may hold one address together: keys, ports, traffic policy, namespaces on both sides.

The planner has no memory, so the terms a Service shares under are written on it
(annotation shared-as): whoever's terms of today differ from its record is the one who
changed, and the one who leaves when they no longer fit.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from manager.planner.addresses.claims import Claim, Share
from pointsman.model.address import Address, Family
from pointsman.model.verdicts.address import AddressInUse, ShareConflict, Unserved

_Scope = tuple[str, frozenset[str]]  # a namespace, and with which others it shares
TERMS_MAX: Final = 2048  # bytes of the annotation; it is ASCII


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The Service that stands in the way, and how."""

    holder: str
    clause: str
    reason: type[Unserved] = ShareConflict


def terms(share: Share) -> str:
    """Return what is recorded of *share*; equal texts mean equal terms.

    A key or selector may be as long as its user likes. Long terms are recorded as their hash,
    or there would be no room left on the Service for what we record.
    """
    whole = _whole(share)
    if len(whole) <= TERMS_MAX:
        return whole
    return json.dumps({"sha256": sha256(whole.encode()).hexdigest()}, separators=(",", ":"))


def _whole(share: Share) -> str:
    return json.dumps(
        {
            "key": share.key,
            "namespaces": sorted(share.namespaces),
            "policy": share.policy,
            "ports": [f"{protocol}/{port}" for protocol, port in sorted(share.ports)],
            "selector": dict(share.selector),
        },
        separators=(",", ":"),
        sort_keys=True,
    )


def terms_rank(claim: Claim) -> tuple[int, tuple[str, str]]:
    """Sort key of Services found on one address: whose terms are unchanged, then who is older."""
    today = (terms(claim.share), _whole(claim.share)) if claim.share is not None else (None,)
    if claim.shared_as in today:
        return 0, claim.age
    return (1 if claim.shared_as is None else 2), claim.age


def reaches(share: Share, namespace: str) -> bool:
    """Whether *share* extends to Services of *namespace*."""
    return share.namespace == namespace or not share.namespaces.isdisjoint({namespace, "*"})


def agree(shares: Iterable[Share | None]) -> bool:
    """Whether Services that share on these terms may all hold one address; None: on no terms.

    The same is asked of `Holders` one by one, where it matters who stands in whose way.
    """
    scopes: set[tuple[str, frozenset[str]]] = set()
    ports: set[tuple[str, int]] = set()
    first: Share | None = None
    for share in shares:
        if share is None or not ports.isdisjoint(share.ports):
            return False
        first = first or share
        if (share.key, share.policy) != (first.key, first.policy):
            return False
        if first.policy == "Local" and (not share.selector or share.selector != first.selector):
            return False
        scopes.add((share.namespace, share.namespaces))
        ports |= share.ports
    spaces = {namespace for namespace, _ in scopes}
    return all(
        "*" in named or all(one == own or one in named for one in spaces) for own, named in scopes
    )


class Holders:
    """The Services that hold one address, all compatible with each other."""

    __slots__ = ("_blocked_by", "_closed", "_ports", "_scopes", "_spaces", "_unread", "claims")

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}
        self._ports: dict[tuple[str, int], Claim] = {}
        self._unread: list[
            Claim
        ] = []  # whose ports nobody asked for: most addresses have one holder
        self._scopes: dict[_Scope, Claim] = {}
        self._spaces: dict[str, Claim] = {}  # the first of each namespace
        self._closed: dict[str, Claim | None] = {}  # who does not share with it, where asked
        self._blocked_by: Claim | None = None  # could not be judged: nobody joins it

    def add(self, claim: Claim) -> None:
        """Make *claim* a holder; asking for an obstacle first is the caller's duty."""
        self.claims[claim.key] = claim
        if claim.opaque:
            self._blocked_by = claim
        if claim.share is not None:
            self._unread.append(claim)
            scope = claim.share.namespace, claim.share.namespaces
            if scope not in self._scopes:
                self._scopes[scope] = claim
                self._spaces.setdefault(claim.share.namespace, claim)
                for asked, closed in self._closed.items():
                    if closed is None and not reaches(claim.share, asked):
                        self._closed[asked] = claim

    def without(self, claim: Claim) -> "Holders":
        """Return the holders that remain when *claim* leaves."""
        rest = Holders()
        for key, other in self.claims.items():
            if key != claim.key:
                rest.add(other)
        return rest

    def obstacle(self, claim: Claim) -> Obstacle | None:
        """Return what keeps *claim* from joining, or None when it may."""
        if not self.claims:
            return None
        first = next(iter(self.claims.values()))
        if self._blocked_by is not None:
            first = self._blocked_by
        ours, theirs = claim.share, first.share
        if ours is None or theirs is None or self._blocked_by is not None:
            return Obstacle(first.key, f"Service {first.key} holds it", AddressInUse)
        if ours.key != theirs.key:
            return Obstacle(first.key, f"Service {first.key} shares it under another share-key")
        return self._scope_obstacle(ours) or self._terms_obstacle(ours, first.key, theirs)

    def collides(self, claim: Claim) -> bool:
        """Whether a port of *claim* is taken, so that it may not join; said without the words."""
        return claim.share is not None and not self._taken().keys().isdisjoint(claim.share.ports)

    def _taken(self) -> Mapping[tuple[str, int], Claim]:
        """Return who has each port."""
        for claim in self._unread:
            assert claim.share is not None
            self._ports.update(dict.fromkeys(claim.share.ports, claim))  # they don't collide
        self._unread.clear()
        return self._ports

    def _scope_obstacle(self, ours: Share) -> Obstacle | None:
        for namespace, other in self._spaces.items():
            if not reaches(ours, namespace):
                clause = f"share-namespaces of this Service does not name {namespace}"
                return Obstacle(other.key, f"Service {other.key} holds it, and {clause}")
        closed = self._closed_to(ours.namespace)
        if closed is None:
            return None
        clause = f"does not share with namespace {ours.namespace}"
        return Obstacle(closed.key, f"Service {closed.key} holds it and {clause}")

    def _closed_to(self, namespace: str) -> Claim | None:
        """Return the first that does not share with *namespace*: looked for once."""
        if namespace not in self._closed:
            holders = ((one, one.share) for one in self._scopes.values())
            closed = (one for one, share in holders if share and not reaches(share, namespace))
            self._closed[namespace] = next(closed, None)
        return self._closed[namespace]

    def _terms_obstacle(self, ours: Share, holder: str, theirs: Share) -> Obstacle | None:
        if ours.policy != theirs.policy:
            clause = f"has externalTrafficPolicy {theirs.policy}, this one {ours.policy}"
            return Obstacle(holder, f"Service {holder} holds it and {clause}")
        if ours.policy == "Local":
            if not ours.selector or not theirs.selector:
                clause = "externalTrafficPolicy Local shares only with a spec.selector on both"
                return Obstacle(holder, f"Service {holder} holds it, and {clause}")
            if ours.selector != theirs.selector:
                clause = "has another spec.selector, which externalTrafficPolicy Local must share"
                return Obstacle(holder, f"Service {holder} holds it and {clause}")
        taken = self._taken()
        if common := ours.ports & taken.keys():
            port = min(common)
            other = taken[port].key
            return Obstacle(other, f"Service {other} uses {port[0]}/{port[1]} of it too")
        return None


class ShareIndex:
    """Where the Services that share hold addresses, found by key and namespace."""

    __slots__ = ("_answered", "_index")

    def __init__(self) -> None:
        # (key, family) -> namespace -> share-namespaces -> addresses, how many hold each
        self._index: dict[
            tuple[str, Family], dict[str, dict[frozenset[str], dict[Address, int]]]
        ] = {}
        # (key, family) -> who asked last, and what was answered: as a rule the next asks the same
        self._answered: dict[tuple[str, Family], tuple[_Scope, tuple[Address, ...]]] = {}

    def add(self, share: Share, family: Family, address: Address) -> None:
        by_namespace = self._index.setdefault((share.key, family), {})
        held = by_namespace.setdefault(share.namespace, {}).setdefault(share.namespaces, {})
        if address not in held:
            self._answered.pop((share.key, family), None)
        held[address] = held.get(address, 0) + 1

    def remove(self, share: Share, family: Family, address: Address) -> None:
        held = self._index[share.key, family][share.namespace][share.namespaces]
        held[address] -= 1
        if not held[address]:
            del held[address]
            self._answered.pop((share.key, family), None)

    def addresses(self, share: Share, family: Family) -> tuple[Address, ...]:
        """Return the addresses under *share*'s key that it is meant to join, in order.

        A namespace that it names counts even if the other side does not name it back: the
        user asked to share, so the Service waits. `*` asks for whoever offers, no more.
        """
        scope = share.namespace, share.namespaces
        known = self._answered.get((share.key, family))
        if known is None or known[0] != scope:
            found = tuple(sorted(self._addresses(share, family), key=int))
            known = self._answered[share.key, family] = scope, found
        return known[1]

    def _addresses(self, share: Share, family: Family) -> set[Address]:
        by_namespace = self._index.get((share.key, family), {})
        anyone = "*" in share.namespaces
        asked = by_namespace.keys() if anyone else {share.namespace, *share.namespaces}
        return {
            address
            for namespace in asked
            for theirs, held in by_namespace.get(namespace, {}).items()
            for address in held
            if namespace == share.namespace
            or namespace in share.namespaces
            or not theirs.isdisjoint({share.namespace, "*"})
        }
