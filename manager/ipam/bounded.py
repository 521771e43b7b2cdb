"""Some requests of many side by side: never more than a bound, none after one has failed.

Whoever does not answer one request is not sent the rest: what is under way is left to end, for
what was sent may be carried out. Then one is sent alone, and one more with each that passes.
Refuses to know what is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from manager.ports import NotLeading
from pointsman.runtime.target import Unavailable

T = TypeVar("T")


class Bounded:
    """At most *most* at once, of one IPAM: from one on, and from one again after a failure."""

    def __init__(self, most: int) -> None:
        self._most, self._width = most, 1

    async def do(
        self,
        items: Sequence[T],
        ask: Callable[[T], Awaitable[bool]],
        *,
        touches: Callable[[T], frozenset[Hashable]],
    ) -> None:
        """Ask for *items* in their order, none beside another that touches the same.

        *ask* returns whether anything was sent.

        Raises:
            Unavailable: the IPAM does not answer. Of several the one that wants the longest pause;
                NotLeading, if it is nothing else.
        """
        waiting = list(items)
        running: dict[asyncio.Task[None], frozenset[Hashable]] = {}
        troubles: list[Unavailable] = []

        async def asked(item: T) -> None:
            if troubles:
                return
            try:
                if await ask(item) and not troubles:
                    self._width = min(self._most, self._width + 1)
            except Unavailable as error:
                self._width = 1
                troubles.append(error)

        async with asyncio.TaskGroup() as tasks:
            while running or (waiting and not troubles):
                while not troubles and len(running) < self._width:
                    number = _first(map(touches, waiting), frozenset().union(*running.values()))
                    if number is None:
                        break
                    item = waiting.pop(number)
                    running[tasks.create_task(asked(item))] = touches(item)
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del running[task]
        if troubles:
            raise max(troubles, key=_weight)


def _weight(trouble: Unavailable) -> tuple[bool, float]:
    return not isinstance(trouble, NotLeading), trouble.retry_after_s


def _first(found: Iterable[frozenset[Hashable]], busy: frozenset[Hashable]) -> int | None:
    """Return the number of the first of *found* that has nothing of *busy*."""
    return next((number for number, one in enumerate(found) if not one & busy), None)
