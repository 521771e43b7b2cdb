"""The worlds of this suite: an IPAM with a block of its own, and the hands of its people.

A NetBox, fake or real, is arranged through its own API with an administrator's token, so that
both are arranged alike.
"""

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path
from ssl import create_default_context
from typing import Any, Final
from uuid import uuid4

import aiohttp

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.netbox import NetboxSource, scheme
from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.adapters.ipam.webhook import WebhookSource
from manager.ports import AddressSource
from pointsman.model.address import Address, Family
from pointsman.model.ranges import read_address
from pointsman.model.reservation import ReservationKey, SourceOwner
from tests.fakes import ipam_webhook
from tests.fakes.ipam_webhook import FakeWebhook
from tests.fakes.netbox import ADMIN, FakeNetbox, serving

REAL: Final = "POINTSMAN_NETBOX_URL"
BLOCK: Final = "192.0.2.16/29"  # six that are given: .17 to .22
BLOCK6: Final = "2001:db8:16::/125"
FIRST, LAST = read_address("192.0.2.17"), read_address("192.0.2.22")
OUTSIDE: Final = read_address("192.0.2.99")
Json = dict[str, Any]
_numbers = itertools.count(1)


def key(name: str, family: Family = Family.IPV4) -> ReservationKey:
    return ReservationKey(f"uid-of-{name}", family)


class World(ABC):
    """One block of addresses in one IPAM; nobody has any of them."""

    def __init__(self) -> None:
        self.owner = SourceOwner(f"cluster-{uuid4()}", "public")
        self._closing = AsyncExitStack()

    @abstractmethod
    def make(self, owner: SourceOwner, family: Family) -> AddressSource: ...

    @abstractmethod
    async def put(self, address: Address, name: str) -> None:
        """Somebody else takes *address*."""

    @abstractmethod
    async def remove(self, address: Address) -> None:
        """Somebody deletes what is written of *address*."""

    @abstractmethod
    async def give_away(self, address: Address) -> None:
        """Somebody writes himself into our entry of *address*."""

    @abstractmethod
    async def written(self) -> dict[Address, int]:
        """Return how many entries there are of each address, as the IPAM's people see it."""

    def source(
        self, owner: SourceOwner | None = None, family: Family = Family.IPV4
    ) -> AddressSource:
        made = self.make(owner or self.owner, family)
        self._closing.push_async_callback(made.close)
        return made

    def other(self) -> AddressSource:
        """Return the same block, as another cluster sees it."""
        return self.source(SourceOwner(f"cluster-{uuid4()}", "public"))

    async def close(self) -> None:
        await self._closing.aclose()


class WebhookWorld(World):
    def __init__(self, url: str, fake: FakeWebhook) -> None:
        super().__init__()
        self.url, self.fake = url, fake

    def make(self, owner: SourceOwner, family: Family) -> AddressSource:
        return WebhookSource(Access("the IPAM", self.url, lambda: ipam_webhook.TOKEN), owner)

    async def put(self, address: Address, name: str) -> None:
        self.fake.entries[address] = {
            "id": f"other-{address}", "address": str(address), "owner": name, "state": "held",
            "services": [], "dnsName": "", "since": "2026-11-29T12:00:00Z",
        }  # fmt: skip

    async def remove(self, address: Address) -> None:
        del self.fake.entries[address]

    async def give_away(self, address: Address) -> None:
        self.fake.entries[address] |= {"owner": "somebody"}

    async def written(self) -> dict[Address, int]:
        return dict.fromkeys(self.fake.entries, 1)


class NetboxWorld(World):
    """A NetBox with a VRF of its own, in which there is one prefix of each family."""

    def __init__(self, access: Access, http: aiohttp.ClientSession) -> None:
        super().__init__()
        self.access, self._http = access, http
        self.vrf, self.field = 0, f"owner_{uuid4().hex[:12]}"
        self.prefixes: dict[Family, int] = {}

    async def arrange(self, *, filter_logic: str = "loose") -> None:
        custom = {
            "name": self.field, "type": "text", "object_types": ["ipam.ipaddress"],
            "filter_logic": filter_logic,
        }  # fmt: skip
        await self.call("POST", "extras/custom-fields/", custom)
        name = f"vrf-{self.field}"
        vrf = await self.call(
            "POST", "ipam/vrfs/", {"name": name, "rd": f"64496:{self.field}"[:21]}
        )
        self.vrf = vrf["id"]
        for family, block in ((Family.IPV4, BLOCK), (Family.IPV6, BLOCK6)):
            body = {"prefix": block, "vrf": self.vrf, "status": "active", "is_pool": False}
            self.prefixes[family] = (await self.call("POST", "ipam/prefixes/", body))["id"]

    def fields(self, family: Family = Family.IPV4) -> NetboxFields:
        return NetboxFields(prefix=str(self.prefixes[family]), owner_field=self.field)

    def make(self, owner: SourceOwner, family: Family) -> AddressSource:
        return self.made(owner, self.fields(family))

    def made(self, owner: SourceOwner, fields: NetboxFields, **access: Any) -> NetboxSource:
        made = NetboxSource(replace(self.access, **access), fields, owner, sleep=_at_once)
        self._closing.push_async_callback(made.close)
        return made

    async def put(self, address: Address, name: str, **more: Any) -> None:
        body = {"address": f"{address}/29", "vrf": self.vrf, "description": name, **more}
        await self.call("POST", "ipam/ip-addresses/", body)

    async def remove(self, address: Address) -> None:
        for one in await self.entries(address):
            await self.call("DELETE", f"ipam/ip-addresses/{one['id']}/")

    async def give_away(self, address: Address) -> None:
        await self.edit(address, custom_fields={self.field: "somebody"})

    async def edit(self, address: Address, **changes: Any) -> None:
        for one in await self.entries(address):
            await self.call("PATCH", f"ipam/ip-addresses/{one['id']}/", changes)

    async def written(self) -> dict[Address, int]:
        found: dict[Address, int] = {}
        for one in await self.entries():
            address = ip_interface(one["address"]).ip
            found[address] = found.get(address, 0) + 1
        return found

    async def entries(self, address: Address | None = None) -> list[Json]:
        chosen = f"&address={address}" if address else ""
        path = f"ipam/ip-addresses/?vrf_id={self.vrf}&limit=1000{chosen}"
        results: list[Json] = (await self.call("GET", path))["results"]
        return results

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        async with self._http.request(
            method, f"{self.access.url}/api/{path}", json=body, allow_redirects=False
        ) as answer:
            assert answer.status < 300, f"{method} {path}: {await answer.text()}"
            return {} if answer.status == 204 else await answer.json()

    async def clear(self) -> None:
        """Leave nothing of ours in a NetBox that others use."""
        for one in await self.entries():
            await self.call("DELETE", f"ipam/ip-addresses/{one['id']}/")


async def _at_once(_seconds: float) -> None: ...


@asynccontextmanager
async def webhook() -> AsyncIterator[WebhookWorld]:
    fake = FakeWebhook(blocks=("192.0.2.17-192.0.2.22", "2001:db8:16::1-2001:db8:16::7"))
    async with ipam_webhook.serving(fake) as url:
        world = WebhookWorld(url, fake)
        yield world
        await world.close()


@asynccontextmanager
async def fake_netbox(fake: FakeNetbox | None = None) -> AsyncIterator[NetboxWorld]:
    async with (
        serving(fake or FakeNetbox()) as url,
        arranged(Access("NetBox", url, lambda: ADMIN)) as world,
    ):
        yield world


@asynccontextmanager
async def real_netbox() -> AsyncIterator[NetboxWorld]:
    authority = Path(os.environ["POINTSMAN_NETBOX_CA"]).read_text()
    token = Path(os.environ["POINTSMAN_NETBOX_ADMIN"]).read_text().strip()
    async with arranged(
        Access("NetBox", os.environ[REAL].rstrip("/"), lambda: token, authority, timeout_s=60.0)
    ) as world:
        yield world
        await world.clear()


@asynccontextmanager
async def arranged(access: Access) -> AsyncIterator[NetboxWorld]:
    tls = create_default_context(cadata=access.authority) if access.authority else None
    headers = {"Authorization": scheme(access.token()), "Accept": "application/json"}
    connector = aiohttp.TCPConnector(ssl=tls or True, force_close=True)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as http:
        world = NetboxWorld(access, http)
        await world.arrange()
        yield world
        await world.close()
