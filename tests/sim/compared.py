"""A manager whose every plan, made with the memo of all plans before, is made again without."""

from manager.main import Parts
from manager.planner.plan import plan
from tests.manager.planner.evolving.compared import differences


class ComparedParts(Parts):
    """The manager. A step raises when the memo made a difference to its plan."""

    async def _step(self) -> None:
        before = self._reconciler.finished
        await super()._step()
        made = self._reconciler.finished
        if made is None or made is before:
            return
        found = differences(made.plan, plan(made.snapshot))
        assert not found, f"with the memo / without it: {found}"
