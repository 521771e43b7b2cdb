"""Layer 2 as a protocol of the plan: its context, its contribution, its part.

Each is worked out in a module of its own; here they are put together.
"""

from collections.abc import Collection
from dataclasses import dataclass

from manager.planner.contribution import (
    Context,
    Contribution,
    Judged,
    ProtocolPart,
    RecordPart,
    ServiceCase,
)
from manager.planner.desired import Allocations
from manager.planner.layer2 import contribute, finding
from manager.planner.layer2.assignments import AssignmentsMemo
from manager.planner.layer2.central import CentralMemo, responder_conditions
from manager.planner.layer2.context import ContextMemo, Layer2Context
from manager.planner.layer2.contribute import Wish, Wishes
from manager.planner.layer2.finding import Finding
from manager.planner.layer2.standing import Standing
from manager.planner.layer2.view import Layer2View
from manager.snapshot import NodeName, Service, Snapshot
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import MOST_ASSIGNED


class Layer2Memo:
    """The stages of this protocol."""

    def __init__(self, most: int) -> None:
        self.context = ContextMemo(most)
        self.assignments = AssignmentsMemo(most)
        self.central = CentralMemo()


@dataclass(frozen=True, slots=True)
class Layer2:
    """Protocol `layer2`: one node answers ARP and NDP for each address."""

    most: int = MOST_ASSIGNED  # addresses of one Announcer

    def memo(self) -> Layer2Memo:
        """Return the stages of this protocol, empty."""
        return Layer2Memo(self.most)

    def context(
        self, snapshot: Snapshot, allocations: Allocations, memo: Layer2Memo
    ) -> Context[Wishes]:
        """Return interfaces, terms of Eips, and what stands in the Announcers' specs."""
        whole = memo.context(snapshot)
        return Context(
            view=whole.view,
            stated=whole.full,
            whole=whole,
            standing=whole.standing,
            terms=whole.terms,
        )

    def observed(self, addresses: tuple[Address, ...], context: Context[Wishes]) -> None:
        """Return nothing: what stands is known of every address."""

    def contribute(self, case: ServiceCase, view: Layer2View) -> Contribution[Finding, Wishes]:
        """Return who may own the addresses of one Service, and what is found of that."""
        return contribute.contribute(case, view)

    def holds(self, addresses: tuple[Address, ...], context: Context[Wishes]) -> bool:
        """Whether one of *addresses* stands in a spec."""
        whole: Layer2Context = context.whole
        return any(address_order(address) in whole.standing for address in addresses)

    def there(self, found: Finding, standing: Standing) -> Collection[str]:
        """Return the addresses of *found* that stand where they may stay."""
        return finding.there(found)

    def record(
        self, service: Service, found: Finding, full: frozenset[NodeName], standing: Standing
    ) -> RecordPart:
        """Return what the record of *service* states."""
        return finding.record(service, found, full)

    def retained(self, addresses: tuple[Address, ...], context: Context[Wishes]) -> Wishes:
        """Return the wish that whoever has *addresses* keeps them."""
        return tuple(Wish(address, None) for address in addresses)

    def part(
        self, context: Context[Wishes], judged: Judged[Wishes], memo: Layer2Memo
    ) -> ProtocolPart:
        """Return what each Announcer's spec says, and the addresses that a manager answers for."""
        whole: Layer2Context = context.whole
        found = memo.assignments(judged.of_all(), whole.standing, whole.arriving, gone=whole.gone)
        return ProtocolPart(
            announcers=found.specs,
            conditions=responder_conditions(whole.snapshot),
            answers=memo.central(whole.snapshot.announcers, found.elected, whole.standing),
        )
