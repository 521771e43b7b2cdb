"""How long after its cause a plan's paths are all in a speaker: measured, and told. Nothing else.

The time begins at the first event that a plan answers. While more comes before all is there,
it is the oldest cause that counts.
"""

import asyncio
from collections.abc import Callable


class RouteTimes:
    """The times of one speaker; `tell` hears each, in seconds."""

    def __init__(self) -> None:
        self.tell: Callable[[float], None] = lambda _: None
        self._since: float | None = None  # of what is not all there yet
        self.all_there = False  # the speaker holds all of the newest plan, as far as is known
        self.caused_at: float | None = None  # of the plan that is handed next

    def handed(self, *, changes: bool) -> None:
        """Note that a plan was handed to the speaker, and whether it *changes* paths there."""
        self.all_there = not changes
        if changes and self._since is None:
            self._since = self.caused_at

    def done(self) -> None:
        """Note that the speaker holds all of the newest plan."""
        self.all_there = True
        if self._since is not None:
            self.tell(asyncio.get_running_loop().time() - self._since)
            self._since = None
