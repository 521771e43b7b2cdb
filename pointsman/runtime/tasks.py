"""How a task that was started beside others is ended. It starts none."""

import asyncio
from contextlib import suppress


async def ended(task: asyncio.Task[object]) -> None:
    """End *task*; what it crashed of goes through."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
