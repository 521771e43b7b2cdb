"""The network team's NetBox, as a story has it: its block, its people's hands, the way there.

It listens on this machine's loopback: the strict fake, or a real one where `make netbox` says so.
The manager of a lab reaches it through a relay in its own namespace, which hangs when it is told.
"""

import asyncio
import json
import os
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from e2e.bed import Bed, Broken
from e2e.door import Door, door
from manager.adapters.kubernetes.cluster_view import YOUNG_S
from manager.ipam.driver import POLL_S
from tests.fakes.netbox import ADMIN, FakeNetbox, serving

REAL: Final = "POINTSMAN_NETBOX_URL"
# A list of Services may have been read just now; then it is looked at some seconds later. Thrice.
RELEASED_S: Final = 3 * (YOUNG_S + POLL_S)
BLOCK: Final = "198.51.100.192/28"
Json = dict[str, Any]


@dataclass(slots=True)
class Netbox:
    """A NetBox with a VRF of its own. *door*: between the manager and it."""

    url: str  # as it is reached here
    seen_at: str  # as the manager reaches it
    token: str
    authority: str  # PEM; "": no TLS
    door: Door
    vrf: int = 0
    prefix: int = 0
    field: str = ""

    def arrange(self) -> None:
        """Make the block, and the field that names owners."""
        self.field = f"owner_{uuid4().hex[:12]}"
        field = {"name": self.field, "type": "text", "object_types": ["ipam.ipaddress"]}
        self.call("POST", "extras/custom-fields/", {**field, "filter_logic": "loose"})
        name = f"vrf-{self.field}"
        self.vrf = self.call("POST", "ipam/vrfs/", {"name": name, "rd": name[:21]})["id"]
        body = {"prefix": BLOCK, "vrf": self.vrf, "status": "active", "is_pool": False}
        self.prefix = self.call("POST", "ipam/prefixes/", body)["id"]

    def spec(self, **more: Any) -> Json:
        """Return what an Eip says of it, but where addresses are taken from."""
        authority = {"caBundle": self.authority} if self.authority else {}
        ref = {"name": "netbox", "key": "token"}
        entries = {"vrf": str(self.vrf), "ownerField": self.field, "quarantineSeconds": 1}
        return {"url": self.seen_at, "tokenSecretRef": ref, **authority, **entries, **more}

    def entries(self, address: str = "") -> list[Json]:
        """Return what stands there, of all addresses or of one."""
        chosen = f"&address={address}" if address else ""
        path = f"ipam/ip-addresses/?vrf_id={self.vrf}&limit=1000{chosen}"
        found: list[Json] = self.call("GET", path)["results"]
        return found

    def entry(self, address: str) -> Json:
        """Return the one entry of *address*."""
        found = self.entries(address)
        if len(found) != 1:
            raise Broken(f"NetBox has {len(found)} entries of {address}: {found}")
        return found[0]

    def remove(self, address: str) -> None:
        """Let somebody delete what is written of *address*."""
        for one in self.entries(address):
            self.call("DELETE", f"ipam/ip-addresses/{one['id']}/")

    def take(self, address: str) -> None:
        """Let somebody write *address* down for a host of his own."""
        body = {"address": f"{address}/28", "vrf": self.vrf, "description": "a printer"}
        self.call("POST", "ipam/ip-addresses/", body)

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        kind = "Bearer" if self.token.startswith("nbt_") else "Token"
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"{kind} {self.token}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )
        tls = ssl.create_default_context(cadata=self.authority) if self.authority else None
        with urllib.request.urlopen(request, context=tls, timeout=60) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else {}


@contextmanager
def open_netbox(lab: Bed) -> Iterator[Netbox]:
    """Yield the NetBox of one lab, arranged; what was written into a real one goes afterwards."""
    with ExitStack() as stack:
        real = os.environ.get(REAL)
        if real:
            authority = Path(os.environ["POINTSMAN_NETBOX_CA"]).read_text()
            token = Path(os.environ["POINTSMAN_NETBOX_ADMIN"]).read_text().strip()
            url = real.rstrip("/")
        else:
            url, token, authority = stack.enter_context(_fake()), ADMIN, ""
        scheme, _, target = url.partition("://")
        way = stack.enter_context(door(lab, lab.topology.managers[0].name, target))
        books = Netbox(url, f"{scheme}://127.0.0.1:{way.port}", token, authority, way)
        books.arrange()
        yield books
        for one in books.entries():
            books.call("DELETE", f"ipam/ip-addresses/{one['id']}/")


@contextmanager
def _fake() -> Iterator[str]:
    """Serve the fake from a thread of its own."""
    started, urls = threading.Event(), list[str]()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        async with serving(FakeNetbox()) as url:
            urls.append(url)
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="fake NetBox")
    thread.start()
    try:
        if not started.wait(60):
            raise Broken("the fake NetBox does not start")
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
