"""Services of one share-key that hold different addresses: each is warned of the other.

They could share and don't: one had an address of its own when it joined the key, say. Each
keeps what it has. Refuses to walk all holders of a key for each of them: two addresses for
each pair of namespaces are enough to name another one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from manager.planner.addresses.claims import Claim, Share
from manager.planner.desired import Allocation
from manager.snapshot import ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.names import ADDRESSES
from pointsman.model.verdicts.address import Allocated

_Scope = tuple[str, Family, str, str]  # key, family, the holder's namespace, whom it reaches
_Index = dict[_Scope, dict[Address, ServiceKey]]
ANY = "*"


def warn_of_split_keys(
    claims: Iterable[Claim], allocations: Mapping[ServiceKey, Allocation]
) -> dict[ServiceKey, Allocation]:
    """Return *allocations*, with a warning where another holder of the key is elsewhere."""
    index: _Index = {}
    sharers = [claim for claim in claims if claim.share is not None]
    for claim in sharers:  # the oldest first
        assert claim.share is not None
        if isinstance(allocations[claim.key].verdict, Allocated):
            for address in (grant.address for grant in allocations[claim.key].grants):
                for scope in _offered(claim.share, family_of(address)):
                    known = index.setdefault(scope, {})
                    if len(known) < 2:
                        known.setdefault(address, claim.key)
    found = dict(allocations)
    for claim in sharers:
        assert claim.share is not None
        one = found[claim.key]
        if isinstance(one.verdict, Allocated) and not one.verdict.warning:
            warning = _elsewhere(index, claim.share, one)
            if warning:
                found[claim.key] = replace(one, verdict=replace(one.verdict, warning=warning))
    return found


def _elsewhere(index: _Index, share: Share, one: Allocation) -> str:
    own = {grant.address for grant in one.grants}
    for family in dict.fromkeys(family_of(grant.address) for grant in one.grants):
        for scope in _sought(share, family):
            for address, holder in index.get(scope, {}).items():
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
            yield share.key, family, origin, reached


def _sought(share: Share, family: Family) -> Iterable[_Scope]:
    yield share.key, family, share.namespace, share.namespace
    for origin in sorted(share.namespaces):
        for reached in (share.namespace, ANY):
            yield share.key, family, origin, reached
