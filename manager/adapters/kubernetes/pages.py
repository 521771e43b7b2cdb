"""Lists that come in pages: the one loop that asks for them all.

Refuses to say what a page means, and to hold more than one of them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.client import Kind, Refused
from manager.adapters.kubernetes.fields import Json

GONE: Final = 410  # the server forgot the list that it was asked to continue
PAGE: Final = 500  # objects per page
# What a command asks for that plans a cluster.
PLANNED: Final = (
    client.SERVICES, client.ENDPOINT_SLICES, client.NODES, client.NAMESPACES,
    client.EIPS, client.BGP_CONFS, client.BGP_PEERS, client.ANNOUNCERS,
)  # fmt: skip


class Lister(Protocol):
    """What asking for pages needs of an API server."""

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json: ...


async def pages(
    source: Lister,
    kind: Kind,
    params: Mapping[str, str] | None = None,
    *,
    limit: int = PAGE,
    within_s: float | None = None,
) -> AsyncIterator[Json]:
    """Yield the pages of one list, each asked for when the one before was worked through.

    *within_s*: so many seconds each may take, beside what the client allows.

    Raises:
        Unavailable, Refused: as `list_page` does; code 410: the list was forgotten midway.
        TimeoutError: a page took longer than *within_s*.
    """
    after = ""
    while True:
        async with asyncio.timeout(within_s):
            page = await source.list_page(kind, params or {}, limit=limit, after=after)
        yield page
        after = str((page.get("metadata") or {}).get("continue") or "")
        if not after:
            return


async def whole_list(source: Lister, kind: Kind) -> list[Json]:
    """Return the pages of one list; begun anew once if the server forgot it midway.

    Raises:
        Unavailable, Refused: as `list_page` does.
    """
    try:
        return [page async for page in pages(source, kind)]
    except Refused as error:
        if error.code != GONE:
            raise
    return [page async for page in pages(source, kind)]
