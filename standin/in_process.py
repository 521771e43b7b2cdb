"""The stand-in inside a test's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from standin.server import Api, start


@asynccontextmanager
async def standin(*, ring: int = 4096, bookmark_s: float = 60.0) -> AsyncIterator[str]:
    """Serve a fresh, empty API; yield its URL."""
    async with serving(Api(ring=ring, bookmark_s=bookmark_s)) as url:
        yield url


@asynccontextmanager
async def serving(api: Api) -> AsyncIterator[str]:
    """Serve *api*, which the caller keeps hold of for its faults and counts; yield its URL."""
    runner, port = await start(api)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
