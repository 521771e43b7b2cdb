"""A planner that answers from a warm memo, and raises where a cold one would say anything else.

In the cold one no claim stands: each Service goes allocation's whole way.
"""

from dataclasses import replace

from manager.planner.desired import Plan
from manager.planner.plan import Memo, plan
from manager.snapshot import Snapshot
from tests.manager.planner.addresses.addressing import Unsettled
from tests.manager.planner.evolving.compared import differences


class WarmPlanner:
    """`plan`, with one memo carried from call to call. *plans*: how many were compared."""

    def __init__(self) -> None:
        self._memo = Memo()
        self.plans = 0

    def know(self, snapshot: Snapshot) -> None:
        """Be as warm as after *snapshot*, whose plans were compared before."""
        plan(snapshot, memo=self._memo)

    def __call__(self, snapshot: Snapshot) -> Plan:
        """Return the plan of *snapshot*.

        Raises:
            AssertionError: warm and cold differ, in a value or in an order.
        """
        whole_way = Memo()
        whole_way.allocation = Unsettled()
        warm, cold = plan(snapshot, memo=self._memo), plan(replace(snapshot), memo=whole_way)
        self.plans += 1
        found = differences(warm, cold)
        assert not found, f"plan {self.plans} of this memo: warm / cold differ: {found}"
        return warm
