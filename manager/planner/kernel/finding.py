"""What is found of one Service, and what its record states of that.

An address is announced once a node's agent has taken up a spec in which it stands, and does not
withhold it. A record names the nodes of an address only where they are few: else each node that
comes or goes would rewrite every Service.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from manager.planner.contribution import RecordPart
from manager.planner.kernel.standing import Stand
from manager.planner.nodes.election import Number
from manager.snapshot import NodeName, Service
from pointsman.model.address import Address, Prefix, address_order
from pointsman.model.assignment import EVERYWHERE, KERNEL_INTERFACE
from pointsman.model.verdicts.announcement import Announced, NotAnnounced, OnNodes, Withheld
from pointsman.model.verdicts.base import Verdict

NAMES: Final = (f"/{KERNEL_INTERFACE}", EVERYWHERE)  # how words of announced-by end that are ours


class Looked(NamedTuple):
    """Which nodes have what, of addresses that are not all recorded and announced."""

    held: Mapping[Prefix, frozenset[NodeName]]
    executed: Mapping[Prefix, frozenset[NodeName]]  # whose agents did it

    def handed(self, prefix: Prefix, carriers: frozenset[NodeName]) -> bool:
        """Whether one of *carriers* has *prefix* now."""
        return not carriers.isdisjoint(self.executed.get(prefix, frozenset()))

    def wholly(self, prefix: Prefix, carriers: frozenset[NodeName]) -> bool:
        """Whether all of *carriers* do, and there are any."""
        return bool(carriers) and carriers <= self.executed.get(prefix, frozenset())


class AddressFinding(NamedTuple):
    """Of one address."""

    address: Address
    text: str
    refusal: Verdict | None  # why no node has it
    notes: tuple[str, ...] = ()
    handed: bool = True  # a node that is to have it, or its aggregate, does
    wholly: bool = True  # all of them do
    undecided: bool = False  # nobody can say who may have it: whoever does keeps it


class Finding(NamedTuple):
    """Of all addresses that one Eip gave to a Service."""

    addresses: tuple[AddressFinding, ...]
    local: bool  # externalTrafficPolicy


def there(finding: Finding) -> frozenset[str]:
    """Return the addresses that all nodes have which are to: nothing else need lead there."""
    return frozenset(
        one.text
        for one in finding.addresses
        if one.refusal is None and one.wholly and not one.undecided
    )


def record(service: Service, finding: Finding, standing: Mapping[Number, Stand]) -> RecordPart:
    """Return what the record of *service* states; *standing*: of its addresses.

    The verdict is that of the first address that is not announced; the others are.
    """
    stands = [standing.get(address_order(one.address)) for one in finding.addresses]
    pairs = list(zip(finding.addresses, stands, strict=True))
    verdicts = [_refusal(service, one, stand) for one, stand in pairs]
    announced = [pair for pair, no in zip(pairs, verdicts, strict=True) if no is None]
    carriers = tuple(dict.fromkeys(by for _, stand in announced for by in _carriers(stand)))
    refusal = next((one for one in verdicts if one is not None), None)
    if refusal is not None:
        return RecordPart(refusal, carriers)
    notes = dict.fromkeys(note for one in finding.addresses for note in one.notes)
    missing = [
        Withheld(one.text, node, why)
        for one, stand in announced
        if stand is not None
        for node, why in stand.withheld
    ]
    places = tuple(
        OnNodes(one.text, "" if stand is None or stand.aggregate is None else str(stand.aggregate))
        for one, stand in announced
    )
    return RecordPart(
        Announced(
            service.key,
            local=finding.local,
            notes=tuple(notes),
            on_nodes=places,
            missing=tuple(missing),
        ),
        carriers,
    )


def _refusal(service: Service, found: AddressFinding, stand: Stand | None) -> Verdict | None:
    """Return why an address is not announced; None: it is."""
    if found.undecided and stand is not None and stand.somewhere:
        return None
    if found.refusal is not None:
        return found.refusal
    handed = found.wholly if _by_others(service) else found.handed
    if stand is None or (not handed and stand.somewhere):
        why = f"{found.text} is being put on nodes"
        return NotAnnounced(service.key, why, passing=True)
    if not stand.somewhere:
        clauses = "; ".join(f"{node} does not have it ({why})" for node, why in stand.withheld)
        return NotAnnounced(service.key, f"{found.text} is on no node: {clauses}")
    return None


def _by_others(service: Service) -> bool:
    """Whether it is announced by another protocol yet, which goes on until all nodes have it."""
    announced = service.announced is not None and service.announced.status == "True"
    by = service.announced_by
    return announced and bool(by) and not any(one.endswith(NAMES) for one in by)


def _carriers(stand: Stand | None) -> tuple[str, ...]:
    if stand is None:
        return ()
    return tuple(f"{node}/{KERNEL_INTERFACE}" for node in stand.nodes) or (EVERYWHERE,)
