"""This replica's speakers, side by side: one that is silent or slow stops none of the others.

The first speaks to all routers that take several paths of a prefix; further ones are there
for parallel sessions (planner.apart). It refuses to know who says what: that is planned.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from manager.planner.desired import Speech
from manager.ports import Speaker
from manager.snapshot import Observed
from manager.voice import Voice
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable

T = TypeVar("T")


class Voices:
    """One `Voice` for each speaker, in their order."""

    def __init__(
        self, speakers: Sequence[Speaker], *, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._all = [
            Voice(speaker, index=index, clock=clock, wake=wake)
            for index, speaker in enumerate(speakers)
        ]

    async def look(self) -> tuple[Observed, ...]:
        """Return what each speaker holds."""
        return tuple(await _together([one.look() for one in self._all]))

    async def speak(
        self,
        speeches: Sequence[Speech],
        observed: Sequence[Observed],
        troubles: list[Unavailable],
    ) -> bool:
        """Make those speakers that answered say their part; return whether any was told.

        What went wrong is added to *troubles*.
        """
        said = await _together(
            [
                _said(voice, speech, troubles)
                for voice, speech, seen in zip(self._all, speeches, observed, strict=True)
                if seen.fresh
            ]
        )
        for voice, seen in zip(self._all, observed, strict=True):
            if not seen.fresh:
                troubles.append(Unavailable(f"{voice.called} does not answer"))
        return any(said)

    def suspect(self) -> None:
        """Have every speaker asked who it is, at the next look."""
        for voice in self._all:
            voice.suspect()

    async def listen(self) -> None:
        """Keep the reports of all sessions current, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for voice in self._all:
                group.create_task(voice.listen(), name=f"sessions of {voice.called}")


async def _together(calls: Sequence[Coroutine[None, None, T]]) -> list[T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]


async def _said(voice: Voice, speech: Speech, troubles: list[Unavailable]) -> bool:
    try:
        return await voice.speak(speech)
    except Unavailable as trouble:
        troubles.append(trouble)
        return False
