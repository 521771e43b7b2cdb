"""What a speaker is to be brought to: the newest plan, and the reading it was made of. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from manager.planner.desired import SpeakerPlan
from manager.snapshot import Observed
from manager.work import SpeakerWork, speaker_work
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.model.route import Route, RouteKey
from pointsman.model.table import Table

K = TypeVar("K")
V = TypeVar("V")


class Slot:
    """What the newest plan has for the speaker, and what was read when it was made."""

    def __init__(self, plan: SpeakerPlan, planned_from: Observed) -> None:
        self.plan = replace(plan, routes=Table.of(plan.routes))
        self.planned_from = planned_from
        self.work = speaker_work(self.plan, planned_from)

    def against(self, seen: Observed) -> SpeakerWork:
        """Return what is left to do now. What the plan did not know of, it does not drop."""
        known = self.planned_from
        tables = ("exports", "routes", "neighbors")
        if all(getattr(seen, name) is getattr(known, name) for name in tables):
            return self.work
        work = speaker_work(self.plan, seen)
        return SpeakerWork(
            exports=_dropping_only(known.exports, work.exports),
            routes=Delta(
                work.routes.put,
                Table.of_keys(work.routes.drop).within(Table.of(known.routes)).keys(),
            ),
            neighbors=_dropping_only(known.neighbors, work.neighbors),
        )


def _dropping_only(known: Mapping[K, V], work: Delta[K, V]) -> Delta[K, V]:
    return Delta(work.put, frozenset(key for key in work.drop if key in known))


def prefixes(routes: Mapping[RouteKey, Route]) -> frozenset[Prefix]:
    """Return of which prefixes *routes* are."""
    return frozenset(Table.of(routes).prefixes())
