"""What is reported of the addresses that this node answers for, at a pace, and as one thing.

The manager takes a generation that is executed for its word that nothing is in the way of what
stands there. So the generation goes with what is withheld, never before it, and not while an
address is still being probed. Refuses to write: it wakes who does.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from agent.snapshot import AddressConflict, Unacknowledged, Withheld
from pointsman.runtime.pace import Paced

SETTLE_S: Final = 1.0  # what lasts no longer is not worth a word
MOST_POSTPONED: Final = 3  # then something is said, though it goes on changing

News = tuple[tuple[Withheld, ...], tuple[AddressConflict, ...], tuple[Unacknowledged, ...]]


class Standing(NamedTuple):
    """How it is now."""

    withheld: tuple[Withheld, ...] = ()
    conflicts: tuple[AddressConflict, ...] = ()
    executes: int | None = 0  # a generation; None: some address is not decided yet
    unacknowledged: tuple[Unacknowledged, ...] = ()


class AnswerReport:
    """Follows what *look* returns, from one `changed` to the next."""

    def __init__(self, look: Callable[[], Standing]) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._look = look
        self._news: Paced[News] = Paced(((), (), ()))
        self._executed = Paced(0)
        self._seen = Standing()
        self._postponed = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        return self._news.value[0]

    @property
    def conflicts(self) -> tuple[AddressConflict, ...]:
        return self._news.value[1]

    @property
    def unacknowledged(self) -> tuple[Unacknowledged, ...]:
        return self._news.value[2]

    @property
    def executes(self) -> int:
        return self._executed.value

    def changed(self) -> None:
        """Look again, soon."""
        if self._timer is None:
            self._later(SETTLE_S)

    def close(self) -> None:
        """Report nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _later(self, wait_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._settled)

    def _settled(self) -> None:
        self._timer = None
        stands = self._look()
        if stands != self._seen and self._postponed < MOST_POSTPONED:
            self._seen, self._postponed = stands, self._postponed + 1
            self._later(SETTLE_S)
            return
        self._seen, self._postponed = stands, 0
        self._offer(stands, asyncio.get_running_loop().time())

    def _offer(self, stands: Standing, now_s: float) -> None:
        before = self._news.value, self._executed.value
        news = stands.withheld, stands.conflicts, stands.unacknowledged
        is_news = news != self._news.value
        wait_s = self._news.offer(news, now_s=now_s)
        if wait_s is None and stands.executes is not None:
            if is_news:  # it is written anyway
                self._executed.take(stands.executes, now_s=now_s)
            else:
                wait_s = self._executed.offer(stands.executes, now_s=now_s)
        if wait_s is not None:
            self._later(wait_s)
        if (self._news.value, self._executed.value) != before:
            self.wake()
