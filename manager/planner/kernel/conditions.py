"""What is said of the aggregates of an Eip of protocol `kernel`: why some are not used."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from manager.planner.addresses.aggregates import HOST_LENGTHS, Aggregation
from manager.planner.contribution import Conditions
from manager.planner.kernel.context import KernelContext
from manager.planner.nodes.connected import Connected
from manager.planner.records import condition_of
from manager.snapshot import Eip, EipName
from pointsman.api import Protocol
from pointsman.model.memo import Each
from pointsman.model.names import AGGREGATES_REFUSED
from pointsman.model.record import ResourceKey
from pointsman.model.verdicts.aggregates import AggregatesLeftOut

NAMED: Final = 4  # networks, and addresses, that a sentence names


class ConditionsMemo:
    """`conditions`, worked out anew for the Eips that changed, or for all when networks did."""

    def __init__(self) -> None:
        self._problems = Each[EipName, tuple[str, ...]](_problems)

    def __call__(self, context: KernelContext) -> Mapping[ResourceKey, Conditions]:
        """Return what each Eip says of its aggregates."""
        eips = {
            name: eip
            for name, eip in context.snapshot.eips.items()
            if eip.spec is not None and eip.spec.protocol is Protocol.KERNEL
        }
        found = self._problems(context.view.connected, eips, context.aggregations)
        return {
            ResourceKey("Eip", name): {
                AGGREGATES_REFUSED: condition_of(AggregatesLeftOut(name, problems))
            }
            for name, problems in found.items()
        }


def _problems(
    connected: Connected, _: Eip, aggregation: Aggregation | None
) -> tuple[str, ...] | None:
    if aggregation is None:
        return None
    return (*aggregation.torn, *islice(_against(connected, aggregation), NAMED + 1)) or None


def _against(connected: Connected, aggregation: Aggregation) -> Iterator[str]:
    for family, length in aggregation.lengths.items():
        if length < HOST_LENGTHS[family]:
            for span in aggregation.whole.of(family).spans:
                yield from connected.within(family, span)
