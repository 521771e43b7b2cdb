"""The fence that every write of the leader passes: may it be sent now, and what is under way."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from manager.ports import NotLeading as NotLeading


class Fence:
    """Whether a write may be sent now, given that it ends within *write_s* or is abandoned."""

    def __init__(self, may_write: Callable[[float], bool], write_s: float) -> None:
        self._may_write, self.write_s = may_write, write_s
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def check(self) -> None:
        """Return if a write may be sent.

        Raises:
            NotLeading: it may not.
        """
        if not self._may_write(self.write_s):
            raise NotLeading("this replica does not lead; nothing was written")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Check, then count a write as under way, so that a release waits for its end."""
        self.check()
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until no write is under way."""
        await self._idle.wait()
