"""What a speaker is to be brought to: the newest plan, and the reading it was made of. Pure."""

from collections.abc import Iterable

from manager.planner.desired import SpeakerPlan
from manager.snapshot import Observed
from manager.work import SpeakerWork, speaker_work
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.model.route import RouteKey


class Slot:
    """What the newest plan has for the speaker, and what was read when it was made."""

    def __init__(self, plan: SpeakerPlan, planned_from: Observed) -> None:
        self.plan, self.planned_from = plan, planned_from
        self.work = speaker_work(plan, planned_from)

    def against(self, seen: Observed) -> SpeakerWork:
        """Return what is left to do now. What the plan did not know of, it does not drop."""
        known = self.planned_from
        tables = ("exports", "routes", "neighbors")
        if all(getattr(seen, name) is getattr(known, name) for name in tables):
            return self.work
        work = speaker_work(self.plan, seen)
        return SpeakerWork(
            exports=Delta(work.exports.put, work.exports.drop & known.exports.keys()),
            routes=Delta(work.routes.put, work.routes.drop & known.routes.keys()),
            neighbors=Delta(work.neighbors.put, work.neighbors.drop & known.neighbors.keys()),
        )


def prefixes(keys: Iterable[RouteKey]) -> frozenset[Prefix]:
    """Return of which prefixes *keys* are paths."""
    return frozenset(key.prefix for key in keys)
