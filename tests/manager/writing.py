"""Writers, run by a test until they have nothing left to do that can be done now."""

import asyncio
import time
from typing import Any

from manager.writers.keyed import KeyedWriter


async def sent(*writers: KeyedWriter[Any], within_s: float = 15.0) -> None:
    """Run *writers* until all that they were handed is written, or refused."""
    tasks = [asyncio.create_task(writer.run()) for writer in writers]
    end = time.monotonic() + within_s
    try:
        while any(writer.left > len(writer.stuck) for writer in writers):
            assert time.monotonic() < end, f"not written after {within_s} s"
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def write(target: Any, work: Any, *, term: int = 1) -> None:
    """Hand *work* to *target*, one of manager.adapters, and have it sent."""
    target.hand(work, term=term)
    await sent(target.writer)
