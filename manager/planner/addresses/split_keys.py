"""Services of one share-key that hold different addresses: each is warned of the other.

They could share and don't: one had an address of its own when it joined the key, say. Each
keeps what it has. Refuses to walk all holders of a key for each of them: two addresses for
each pair of namespaces are enough to name another one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from manager.planner.addresses.claims import Claim, Share
from manager.planner.desired import Allocation
from manager.snapshot import ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.memo import Each, Index, Once
from pointsman.model.names import ADDRESSES
from pointsman.model.verdicts.address import Allocated

_Scope = tuple[Family, str, str]  # the holder's namespace, whom it reaches
_Known = dict[_Scope, dict[Address, ServiceKey]]
_Warnings = tuple[tuple[ServiceKey, str], ...]
ANY = "*"


class SplitKeysMemo:
    """What was said of each share-key in the plan before."""

    def __init__(self) -> None:
        self._sharers = Each[ServiceKey, _Sharer](_sharer)
        self._allocated = Each[ServiceKey, _Sharer](_allocated)
        self._by_key = Index[ServiceKey, str, _Sharer](_key)
        self._split = Each[str, _Warnings](_split)
        self._warnings = Once[Mapping[ServiceKey, str]](_together)
        self._warned = Each[ServiceKey, Allocation](_warned)

    def __call__(
        self, claims: Mapping[ServiceKey, Claim], allocations: Mapping[ServiceKey, Allocation]
    ) -> Mapping[ServiceKey, Allocation]:
        """Return *allocations*, with a warning where another holder of the key is elsewhere."""
        sharers = self._allocated(None, self._sharers(None, claims), allocations)
        warnings = self._warnings(self._split(None, self._by_key(sharers)))
        return self._warned(None, allocations, warnings) if warnings else allocations


@dataclass(frozen=True, slots=True)
class _Sharer:
    """A Service with a share-key, and the addresses that it was allocated."""

    share: Share
    age: tuple[str, str]
    addresses: tuple[Address, ...] = ()
    warned: bool = False  # of something else, which comes first


def _sharer(_: None, claim: Claim) -> _Sharer | None:
    return None if claim.share is None else _Sharer(claim.share, claim.age)


def _allocated(_: None, sharer: _Sharer, allocation: Allocation) -> _Sharer | None:
    if not isinstance(allocation.verdict, Allocated):
        return None
    addresses = tuple(grant.address for grant in allocation.grants)
    return replace(sharer, addresses=addresses, warned=bool(allocation.verdict.warning))


def _key(_: ServiceKey, sharer: _Sharer) -> tuple[tuple[str, _Sharer], ...]:
    return ((sharer.share.key, sharer),)


def _split(_: None, sharers: Mapping[ServiceKey, _Sharer]) -> _Warnings | None:
    """Return the warnings about one share-key."""
    if len({one.addresses for one in sharers.values()}) == 1:
        return None  # nearly always
    known: _Known = {}
    for key, one in sorted(sharers.items(), key=_age):
        for address in one.addresses:
            for scope in _offered(one.share, family_of(address)):
                there = known.setdefault(scope, {})
                if len(there) < 2:
                    there.setdefault(address, key)
    found = ((key, _elsewhere(known, one)) for key, one in sharers.items() if not one.warned)
    return tuple((key, warning) for key, warning in found if warning) or None


def _together(warnings: Mapping[str, _Warnings]) -> Mapping[ServiceKey, str]:
    return {key: warning for found in warnings.values() for key, warning in found}


def _warned(_: None, allocation: Allocation, warning: str | None) -> Allocation:
    if warning is None:
        return allocation
    assert isinstance(allocation.verdict, Allocated)
    return replace(allocation, verdict=replace(allocation.verdict, warning=warning))


def _elsewhere(known: _Known, one: _Sharer) -> str:
    own = set(one.addresses)
    for family in dict.fromkeys(map(family_of, one.addresses)):
        for scope in _sought(one.share, family):
            for address, holder in known.get(scope, {}).items():
                if address not in own:
                    return (
                        f"Service {holder} has the same share-key and another address, {address}; "
                        "each keeps its own until one of them asks for the other's in annotation "
                        f"{ADDRESSES}"
                    )
    return ""


def _offered(share: Share, family: Family) -> Iterable[_Scope]:
    for origin in (share.namespace, ANY):
        for reached in sorted({share.namespace, *share.namespaces}):
            yield family, origin, reached


def _sought(share: Share, family: Family) -> Iterable[_Scope]:
    yield family, share.namespace, share.namespace
    for origin in sorted(share.namespaces):
        for reached in (share.namespace, ANY):
            yield family, origin, reached


def _age(item: tuple[ServiceKey, _Sharer]) -> tuple[str, str]:
    return item[1].age
