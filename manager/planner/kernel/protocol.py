"""Protocol `kernel` as a protocol of the plan: its context, its contribution, its part.

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
    Standing,
)
from manager.planner.desired import Allocations
from manager.planner.kernel import contribute, finding
from manager.planner.kernel.assigned import AssignedMemo
from manager.planner.kernel.conditions import ConditionsMemo
from manager.planner.kernel.context import ContextMemo, KernelContext
from manager.planner.kernel.contribute import Wanted
from manager.planner.kernel.finding import NAMES, Finding, Looked
from manager.planner.kernel.view import KernelView
from manager.snapshot import NodeName, Service, Snapshot
from pointsman.model.address import Address, Prefix, address_order
from pointsman.model.assignment import MOST_ASSIGNED

Hops = tuple[Wanted, ...]


class KernelMemo:
    """The stages of this protocol."""

    def __init__(self, most: int) -> None:
        self.context = ContextMemo(most)
        self.assigned = AssignedMemo(most)
        self.conditions = ConditionsMemo()


@dataclass(frozen=True, slots=True)
class Kernel:
    """Protocol `kernel`: nodes have the address, or its aggregate's route, for their routers."""

    most: int = MOST_ASSIGNED  # addresses of one Announcer

    def memo(self) -> KernelMemo:
        """Return the stages of this protocol, empty."""
        return KernelMemo(self.most)

    def context(
        self, snapshot: Snapshot, allocations: Allocations, memo: KernelMemo
    ) -> Context[Hops]:
        """Return what nodes can have, aggregates of Eips, and what stands in the specs."""
        whole = memo.context(snapshot, allocations)
        return Context(
            view=whole.view,
            whole=whole,
            standing=whole.standing,
            terms=whole.aggregations,
            confirmed_by=NAMES,
        )

    def observed(self, addresses: tuple[Address, ...], context: Context[Hops]) -> Looked:
        """Return which nodes have *addresses* or their aggregates, and whose agents did it."""
        whole: KernelContext = context.whole
        held: dict[Prefix, frozenset[NodeName]] = {}
        executed: dict[Prefix, frozenset[NodeName]] = {}
        for address in addresses:
            for prefix, nodes in whole.held.leading_to(address):
                held[prefix] = frozenset(nodes)
                executed[prefix] = frozenset(
                    name for name, why in nodes.items() if not why and _took_up(whole, name)
                )
        return Looked(held, executed)

    def contribute(self, case: ServiceCase, view: KernelView) -> Contribution[Finding, Hops]:
        """Return what the nodes are to have for one Service, and what is found of that."""
        return contribute.contribute(case, view)

    def holds(self, addresses: tuple[Address, ...], context: Context[Hops]) -> bool:
        """Whether one of *addresses*, or an aggregate of one, stands in a spec."""
        whole: KernelContext = context.whole
        return any(address_order(address) in whole.standing for address in addresses)

    def there(self, found: Finding, standing: Standing) -> Collection[str]:
        """Return the addresses of *found* that all nodes have which are to."""
        return finding.there(found)

    def record(
        self, service: Service, found: Finding, stated: None, standing: Standing
    ) -> RecordPart:
        """Return what the record of *service* states."""
        return finding.record(service, found, standing)

    def retained(self, addresses: tuple[Address, ...], context: Context[Hops]) -> Hops:
        """Return that whoever has *addresses* keeps them, and their aggregates."""
        whole: KernelContext = context.whole
        found = (pair for address in addresses for pair in whole.held.leading_to(address))
        return tuple(Wanted(prefix, frozenset(nodes)) for prefix, nodes in found)

    def part(self, context: Context[Hops], judged: Judged[Hops], memo: KernelMemo) -> ProtocolPart:
        """Return what each Announcer's spec says, and what Eips say of their aggregates."""
        whole: KernelContext = context.whole
        return ProtocolPart(
            announcers=memo.assigned(judged.of_all(), whole.snapshot.announcers),
            conditions=memo.conditions(whole),
        )


def _took_up(whole: KernelContext, name: NodeName) -> bool:
    """Whether the agent of a node says that it executes the spec that stands there."""
    one = whole.snapshot.announcers.get(name)
    return one is not None and one.executes >= one.generation
