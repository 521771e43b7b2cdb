"""What Services give up in this plan and have by their status yet: nobody else is to have it."""

from collections.abc import Iterable, Mapping
from itertools import chain

from manager.planner.addresses.adopt import home_pool
from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.desired import Allocation
from manager.snapshot import EipName, ServiceKey
from pointsman.model.address import Address

Lingering = Mapping[Address, tuple[EipName, tuple[ServiceKey, ...]]]


def lingering(
    ledger: Ledger, restless: Iterable[Claim], allocations: Mapping[ServiceKey, Allocation]
) -> Lingering:
    """Return the addresses that are given up, each with its Eip and who has it, the oldest first.

    *restless*: the claims that do not stand, the oldest first; of others nobody gives anything up.
    """
    found: dict[Address, tuple[EipName, tuple[ServiceKey, ...]]] = {}
    for claim in restless:
        granted = {grant.address for grant in allocations[claim.key].grants}
        for address in chain.from_iterable(claim.held.values()):
            if address in granted:
                continue
            pool = home_pool(ledger, claim, address)
            if pool is not None:
                keys = found[address][1] if address in found else ()
                found[address] = pool.name, (*keys, claim.key)
    return found
