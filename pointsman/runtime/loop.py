"""One step, run when the world may have changed: level-triggered, bounded in frequency.

A wake says "look", never "what changed", so a thousand wakes are one look and a lost one
costs at most the resync. Refuses payloads, queues and a second step beside the first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat

from pointsman.runtime.target import Unavailable


def exponential(first_s: float = 0.25, cap_s: float = 60.0) -> Iterator[float]:
    """Yield delays in seconds that double from *first_s* and stay at *cap_s*."""
    delays = []
    while first_s < cap_s:
        delays.append(first_s)
        first_s *= 2
    return chain(delays, repeat(cap_s))


class Loop:
    """Run *step* when woken, one at a time; again after a failure or a long silence.

    Three numbers, three guarantees. The first wake after silence acts at once; the ones
    that follow coalesce until *min_interval_s* after the end of the step before, or *rest* as
    long as that step took, so a storm leaves air for other tasks; silence ends after *resync_s*.

    A step that raises Unavailable runs again by itself after a growing delay (or the one
    the other side asked for), up to *backoff_cap_s*. A wake ends that delay early: what
    was unavailable may be one target of several, and the others must not wait for it.
    """

    def __init__(
        self,
        step: Callable[[], Awaitable[None]],
        *,
        min_interval_s: float = 0.1,
        rest: float = 0.0,
        resync_s: float = 300.0,
        backoff_cap_s: float = 60.0,
        on_unavailable: Callable[[Unavailable], None] | None = None,
    ) -> None:
        self._step = step
        self._min_interval_s, self._rest = min_interval_s, rest
        self._resync_s = resync_s
        self._backoff_cap_s = backoff_cap_s
        self._on_unavailable = on_unavailable
        self._woken = asyncio.Event()
        self._busy_since: float | None = None
        self._woken_at: float | None = None
        self._caused_at: float | None = None

    @property
    def caused_at(self) -> float | None:
        """Return when the first wake came that the step under way answers; None: silence ended.

        On the event loop's clock, and as it was for the last step between two of them.
        """
        return self._caused_at

    @property
    def busy_since(self) -> float | None:
        """Return the event loop's time at which the step under way began; None between steps."""
        return self._busy_since

    def wake(self) -> None:
        """Ask for a look. Cheap, and safe to call from within the step."""
        if self._woken_at is None:
            self._woken_at = asyncio.get_running_loop().time()
        self._woken.set()

    async def run(self) -> None:
        """Run until cancelled; the first step begins at once."""
        delays = exponential(cap_s=self._backoff_cap_s)
        while True:
            self._woken.clear()  # before the step, so that a wake during it is kept
            self._caused_at, self._woken_at = self._woken_at, None
            began = asyncio.get_running_loop().time()
            try:
                await self._one_step()
            except Unavailable as error:
                if self._on_unavailable is not None:
                    self._on_unavailable(error)
                pause_s = max(next(delays), error.retry_after_s)
            else:
                pause_s, delays = self._resync_s, exponential(cap_s=self._backoff_cap_s)
            took_s = asyncio.get_running_loop().time() - began
            rest_s = max(self._min_interval_s, self._rest * took_s)
            await asyncio.sleep(rest_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s - rest_s):
                    await self._woken.wait()

    async def _one_step(self) -> None:
        self._busy_since = asyncio.get_running_loop().time()
        try:
            await self._step()
        finally:
            self._busy_since = None
