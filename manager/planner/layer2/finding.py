"""What is found of one Service at layer 2, and what its record states of that.

Who owns an address is read from what stands in the Announcers' specs: an address is announced
once it stands there, and its condition names the node. Which nodes could own it besides is no
finding, so a node that comes or goes changes the records of its own addresses only.
"""

from typing import NamedTuple

from manager.planner.contribution import RecordPart
from manager.planner.layer2.standing import Holding
from manager.snapshot import NodeName, Service
from pointsman.model.address import Address
from pointsman.model.verdicts.announcement import (
    AddressConflict,
    Announced,
    AnsweredBy,
    NoEligibleNode,
    NotAnnounced,
    Withheld,
)
from pointsman.model.verdicts.base import Verdict


class AddressFinding(NamedTuple):
    """Of one address."""

    address: Address
    text: str
    refusal: Verdict | None  # why nobody is elected; it holds unless somebody has it
    holding: Holding | None = None  # who has it, and may keep it
    electable: frozenset[NodeName] = frozenset()  # who may be elected, where nobody has it
    moved_often: bool = False  # who has it keeps it for that alone
    notes: tuple[str, ...] = ()


class Finding(NamedTuple):
    """Of all addresses that one Eip gave to a Service."""

    addresses: tuple[AddressFinding, ...]


def there(finding: Finding) -> frozenset[str]:
    """Return the addresses that a node has which may keep them: nothing else need lead there."""
    return frozenset(one.text for one in finding.addresses if one.holding is not None)


class _Stated(NamedTuple):
    verdict: Verdict | None  # None: it is announced
    holding: Holding | None


def record(service: Service, finding: Finding, full: frozenset[NodeName]) -> RecordPart:
    """Return what the record of *service* states.

    *full*: nodes whose Announcer has room for no more addresses. The verdict is that of
    the first address that is not announced; the others are.
    """
    several = len(finding.addresses) > 1 or len(service.families) > 1
    stated = [_state(service, one, full=full, several=several) for one in finding.addresses]
    places = [one.holding.place for one in stated if one.holding is not None]
    carriers = tuple(dict.fromkeys(f"{place.node}/{place.interface}" for place in places))
    refusal = next((one.verdict for one in stated if one.verdict is not None), None)
    if refusal is not None:
        return RecordPart(refusal, carriers)
    notes = [note for one in finding.addresses for note in one.notes]
    for one in finding.addresses:
        notes += _stays(one)
    return RecordPart(
        Announced(
            service.key,
            notes=tuple(dict.fromkeys(notes)),
            owners=tuple(
                AnsweredBy(one.text, at.holding.place.node, at.holding.place.interface)
                for one, at in zip(finding.addresses, stated, strict=True)
                if at.holding is not None
            ),
            withheld=tuple(
                Withheld(one.text, at.holding.place.node, at.holding.withheld)
                for one, at in zip(finding.addresses, stated, strict=True)
                if at.holding is not None and at.holding.withheld
            ),
        ),
        carriers,
    )


def _state(
    service: Service,
    found: AddressFinding,
    *,
    full: frozenset[NodeName],
    several: bool,
) -> _Stated:
    at = found.text if several else ""
    holding = found.holding
    if holding is None and found.refusal is not None:
        return _Stated(found.refusal, None)
    if holding is None:
        if found.electable and found.electable <= full:
            clauses = tuple(_no_room(name) for name in sorted(found.electable))
            return _Stated(NoEligibleNode(service.key, clauses, at), None)
        why = f"{found.text} is being assigned to a node"
        return _Stated(NotAnnounced(service.key, why, passing=True), None)
    if (other := holding.conflict) is not None:
        node = holding.place.node
        conflict = AddressConflict(
            service.key, found.text, node, interface=other.interface, mac=other.mac
        )
        return _Stated(conflict, holding)
    return _Stated(None, holding)


def _stays(found: AddressFinding) -> tuple[str, ...]:
    """Return the note on an address that should leave, and had better not; of others none."""
    if found.holding is None or not found.moved_often:
        return ()
    return (
        f"{found.text} stays at {found.holding.place.node} for up to three minutes, though "
        "another node is meant to have it: it has moved three times in as many minutes, and "
        "there are networks that block an address which goes on moving.",
    )


def _no_room(node: NodeName) -> str:
    return f"{node} has as many addresses as one Announcer holds"
