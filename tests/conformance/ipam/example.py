"""The server of examples/ipam-webhook as one more world of this suite: it is what it says it is.

Its people write by the contract, too; it has no other door.
"""

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.webhook import WebhookSource
from manager.ports import AddressSource
from pointsman.model.address import Address, Family
from pointsman.model.ranges import read_address
from pointsman.model.reservation import SourceOwner
from tests.conformance.ipam.worlds import World

SERVER: Final = Path(__file__).parents[3] / "examples" / "ipam-webhook" / "server.py"
TOKEN: Final = "a-secret"
BLOCKS: Final = ("192.0.2.17-192.0.2.22", "2001:db8:16::1-2001:db8:16::7")


class ExampleWorld(World):
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        super().__init__()
        self.url, self._http = url, http

    def make(self, owner: SourceOwner, family: Family) -> AddressSource:
        return WebhookSource(Access("the IPAM", self.url, lambda: TOKEN), owner)

    async def put(self, address: Address, name: str) -> None:
        await self._post(address, name)

    async def remove(self, address: Address) -> None:
        owner = (await self._book())[address]
        query = {"owner": owner}
        async with self._http.delete(f"{self.url}/reservations/{address}", params=query) as answer:
            assert answer.status == 204, await answer.text()

    async def give_away(self, address: Address) -> None:
        owner = (await self._book())[address]
        await self._post(address, "somebody", **{"from": owner})

    async def written(self) -> dict[Address, int]:
        return dict.fromkeys(await self._book(), 1)

    async def _post(self, address: Address, owner: str, **more: Any) -> None:
        body = {
            "owner": owner, "family": f"IPv{address.version}", "address": str(address),
            "state": "held", "services": [], "dnsName": "", **more,
        }  # fmt: skip
        async with self._http.post(f"{self.url}/reservations", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def _book(self) -> dict[Address, str]:
        """Return whose each address is."""
        query = {"owner": "nobody at all"}
        async with self._http.get(f"{self.url}/reservations", params=query) as answer:
            foreign = (await answer.json())["foreign"]
        return {read_address(one["address"]): one["holder"] for one in foreign}


@asynccontextmanager
async def example() -> AsyncIterator[ExampleWorld]:
    with tempfile.TemporaryDirectory() as folder:
        words = ("127.0.0.1:0", f"{folder}/book.json", *BLOCKS)
        environment = {**os.environ, "TOKEN": TOKEN}
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(SERVER), *words, stdout=PIPE, stderr=PIPE, env=environment
        )
        try:
            assert server.stdout is not None
            line = (await server.stdout.readline()).decode()
            url = f"http://{line.split()[-1]}"
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with aiohttp.ClientSession(headers=headers) as http:
                world = ExampleWorld(url, http)
                yield world
                await world.close()
        finally:
            server.terminate()
            _, errors = await server.communicate()
            # A client that hangs up is no fault of the server's, which tells of it all the same.
            hung_up = errors.count(b"\nConnectionResetError: ")
            assert errors.count(b"Traceback") == hung_up, errors.decode()
