"""What an Eip may give a Service: the one rule for grants, requests, hints and adoption.

What is excluded, what belongs to the infrastructure and what an Eip does not admit is never
given, whoever asks and however: not even to a Service whose status shows the address
already, unless that is our own record. Whether an Eip gives anything *now* (disabled, not
Ready) is another question; so is who else holds the address.
"""

from collections.abc import Mapping

from manager.planner.addresses.admission import refuses
from manager.planner.addresses.pool import Pool
from manager.snapshot import Service
from pointsman.model.address import Address
from pointsman.model.verdicts.address import (
    AddressExcluded,
    AddressOutsideEips,
    NotAdmitted,
    Unserved,
)

Namespaces = Mapping[str, Mapping[str, str]]  # their labels, by name
Refused = tuple[type[Unserved], str]


def refused(pool: Pool, service: Service, namespaces: Namespaces) -> Refused | None:
    """Return why *pool* gives *service* nothing at all, or None."""
    if pool.spec is None or not pool.selective:
        return None
    field = refuses(pool.spec, service, namespaces=namespaces)
    return (NotAdmitted, f"Eip '{pool.name}' does not admit it ({field})") if field else None


def forbidden(pool: Pool, address: Address, not_admitted: Refused | None) -> Refused | None:
    """Return why *pool* may never give *address* to a Service, or None when it may.

    *not_admitted* is what `refused` says of the Service: that is asked once, not per address.
    """
    if address not in pool.declared:
        return AddressOutsideEips, f"{address} is not in Eip '{pool.name}'"
    if not_admitted is not None:
        return not_admitted
    withheld = pool.withholds(address)
    return (AddressExcluded, withheld) if withheld else None


def takes_over(pool: Pool, address: Address, not_admitted: Refused | None) -> bool:
    """Whether *address*, which somebody else gave a Service, may become one of *pool*."""
    return not pool.deleting and forbidden(pool, address, not_admitted) is None
