"""The events of a watch, out of the bytes of its answer. Refuses to know kinds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from manager.adapters.kubernetes.fields import Json
from pointsman.runtime import answer

BACKLOG: Final = 1 << 16  # bytes; so much at once is not what trickles in


async def events(
    chunks: AsyncIterator[bytes],
    gather_s: float = 0.0,
    *,
    unread: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> AsyncIterator[Json]:
    """Yield the events. Their lines may be cut anywhere, and longer than any buffer.

    To wake for one event is dearer than to read it. So after some have come, those of the next
    *gather_s* seconds are read together, and *unread* leaves them on the wire until then; where
    more wait already, nobody waits.

    Raises:
        Garbled: a line is no event; what it may have said is for a new list to tell.
    """
    rest = b""
    async for chunk in chunks:
        lines, rest = answer.lines(rest, chunk)
        for line in lines:
            change, thing = answer.as_event(answer.decoded(line))
            yield {"type": change, "object": thing}
        if gather_s and len(chunk) < BACKLOG:
            with unread():
                await asyncio.sleep(gather_s)
