"""What stands in the Announcers' specs, by address: who has it now, and what becomes of it there.

Read back, never remembered: it is the record of who owns what.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from manager.planner.nodes.election import Number, Place
from manager.snapshot import Announcer, Assigned, Conflict, NodeName
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import CENTRAL, KERNEL
from pointsman.model.memo import Each, Index


class Holding(NamedTuple):
    """That an address stands in the spec of one node's Announcer."""

    place: Place
    responder: str
    announce_rate: int | None = None
    probing: bool = False  # it is to be probed for, and that is not known to have gone well
    withheld: str = ""  # why its agent does not answer for it, in its words
    conflict: Conflict | None = None  # who else answers for it
    damped: bool = False  # it moved so often lately that it had better stay


Claimed = Mapping[Address, str]
NOBODY: Final[Claimed] = {}
Holdings = Mapping[NodeName, Holding]
Standing = Mapping[Number, Holdings]


class StandingMemo:
    """`Standing`, worked out anew for the nodes whose Announcers say something else."""

    def __init__(self) -> None:
        self._halves = Each[NodeName, _Half](_half)
        self._by_address = Index[NodeName, Number, Holding](_holdings)

    def __call__(
        self,
        announcers: Mapping[NodeName, Announcer],
        damped: frozenset[Address] = frozenset(),
        claimed: Claimed = NOBODY,
    ) -> Standing:
        """Return who has each address that anybody has.

        *damped*: those that had better stay; *claimed*: what others were heard to claim where
        only a manager hears it, each with a hardware address.
        """
        return self._by_address(self._halves((damped, claimed), announcers))


class _Half(NamedTuple):
    """Of an Announcer: what concerns its addresses."""

    node: NodeName
    assignments: tuple[Assigned, ...]
    withheld: Mapping[Address, str]
    conflicts: Mapping[Address, Conflict]
    executed: bool  # its agent has taken up the spec that stands there
    damped: frozenset[Address] = frozenset()


def _half(beside: tuple[frozenset[Address], Claimed], one: Announcer) -> _Half | None:
    damped, claimed = beside
    assignments = tuple(each for each in one.assignments if each.responder != KERNEL)
    if not assignments:
        return None
    executed = one.executes >= one.generation
    stay = frozenset[Address]()
    if damped:
        stay = damped.intersection(address for each in assignments for address in each.addresses)
    conflicts = {**_centrally(assignments, claimed), **one.conflicts} if claimed else one.conflicts
    return _Half(one.node, assignments, one.withheld, conflicts, executed, stay)


def _centrally(assignments: tuple[Assigned, ...], claimed: Claimed) -> dict[Address, Conflict]:
    """Return the claims of addresses that a manager answers for, as if the node had heard them."""
    return {
        address: Conflict(each.interface, claimed[address])
        for each in assignments
        if each.responder == CENTRAL
        for address in claimed.keys() & set(each.addresses)
    }


def _holdings(_: NodeName, half: _Half) -> Iterator[tuple[Number, Holding]]:
    for assigned in half.assignments:
        place = Place(half.node, assigned.interface)
        # One for all of which nothing is said.
        plain = Holding(place, assigned.responder, assigned.announce_rate)
        probed = frozenset(assigned.probe)
        for address in assigned.addresses:
            why, conflict = half.withheld.get(address, ""), half.conflicts.get(address)
            probing = address in probed and bool(why or conflict or not half.executed)
            damped = address in half.damped
            found = plain
            if why or conflict or probing or damped:
                found = plain._replace(
                    probing=probing, withheld=why, conflict=conflict, damped=damped
                )
            yield address_order(address), found
