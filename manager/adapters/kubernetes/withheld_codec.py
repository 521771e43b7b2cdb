"""Which addresses an agent says it withholds: each of them, of runs too. Pure.

A run is of what is assigned: what lies in it and stands in the spec is withheld. An address that
is nobody's duty is no fact about this node, so a run of a billion is as short as the spec.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from manager.announcer import Assigned
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import Unreachable


class Run(NamedTuple):
    """Addresses from *first* to *last*, as far as they are assigned."""

    first: Address
    last: Address
    reason: str  # of the first


def spelled_out(
    single: Mapping[Address, str],
    runs: Sequence[Run],
    assignments: Iterable[Assigned],
    unreachable: Iterable[Unreachable],
) -> Mapping[Address, str]:
    """Return *single* and what is in *runs*, each with its reason; a route by its first address."""
    if not runs:
        return single
    assigned = {address for one in assignments for address in one.addresses}
    assigned |= {one.prefix.network_address for one in unreachable}
    every = sorted(assigned, key=address_order)
    orders = [address_order(one) for one in every]
    found: dict[Address, str] = {}
    for first, last, reason in runs:
        begin = bisect_left(orders, address_order(first))
        end = bisect_right(orders, address_order(last))
        found |= dict.fromkeys(every[begin:end], f"withheld together with {first}: {reason}")
        found[first] = reason
    found.update(single)
    return found
