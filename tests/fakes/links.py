"""A node's network without a kernel: links, addresses, default routes, and who is told.

Strict where the kernel is: what doesn't exist can't be changed, what exists can't be made
again, and what goes takes what hangs on it along.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_interface

from agent.snapshot import DefaultRoute, Link, LinkAddress, LinkIndex, Network
from pointsman.model.address import family_of
from pointsman.runtime.target import Unavailable


class FakeLinks:
    """The port ``Links``, and the hands that change what it shows."""

    def __init__(self) -> None:
        self._links: dict[LinkIndex, Link] = {}
        self._administratively: dict[LinkIndex, bool] = {}
        self._carrier: dict[LinkIndex, bool] = {}
        self._addresses: list[LinkAddress] = []
        self._routes: list[DefaultRoute] = []
        self._next_index = 2  # 1 is the loopback interface's
        self._wakes: list[Callable[[], None]] = []
        self.away = False
        self.observed = 0

    async def watch(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)
        try:
            wake()
            await asyncio.Event().wait()
        finally:
            self._wakes.remove(wake)

    async def observe(self) -> Network:
        self.observed += 1
        if self.away:
            raise Unavailable("the fake kernel lists nothing now")
        return Network(
            links=tuple(self._links.values()),
            addresses=tuple(self._addresses),
            default_routes=tuple(self._routes),
        )

    def add_link(self, name: str, mac: str) -> None:
        if any(link.name == name for link in self._links.values()):
            raise FileExistsError(name)
        index = LinkIndex(self._next_index)
        self._next_index += 1
        self._links[index] = Link(index=index, name=name, kind="veth", mac=mac)
        self._administratively[index] = self._carrier[index] = True
        self._changed()

    def set_up(self, name: str, up: bool) -> None:
        index = self._index(name)
        self._administratively[index] = up
        if not up:
            self._forget_routes(index)
        self._change(index)

    def set_carrier(self, name: str, carrier: bool) -> None:
        index = self._index(name)
        self._carrier[index] = carrier
        self._change(index)

    def set_mac(self, name: str, mac: str) -> None:
        self._change(self._index(name), mac=mac)

    def rename(self, name: str, new_name: str) -> None:
        self._change(self._index(name), name=new_name)

    def set_master(self, name: str, master: str) -> None:
        self._change(self._index(name), master=self._index(master))

    def delete(self, name: str) -> None:
        index = self._index(name)
        del self._links[index], self._administratively[index], self._carrier[index]
        self._addresses = [address for address in self._addresses if address.link != index]
        self._forget_routes(index)
        self._changed()

    def add_address(self, name: str, text: str) -> None:
        address = LinkAddress(self._index(name), ip_interface(text))
        if address in self._addresses:
            raise FileExistsError(text)
        self._addresses.append(address)
        self._changed()

    def remove_address(self, name: str, text: str) -> None:
        self._addresses.remove(LinkAddress(self._index(name), ip_interface(text)))
        index, held = self._index(name), [address.interface for address in self._addresses]
        self._routes = [
            route
            for route in self._routes
            if route.link != index or any(route.gateway in one.network for one in held)
        ]
        self._changed()

    def set_default_route(self, name: str, gateway: str) -> None:
        address = ip_address(gateway)
        family = family_of(address)
        self._routes = [route for route in self._routes if route.family is not family]
        self._routes.append(DefaultRoute(family, self._index(name), address))
        self._changed()

    def add_other_route(self, name: str, destination: str) -> None:
        self._index(name)  # nothing this port shows changes, so nobody is told

    def _index(self, name: str) -> LinkIndex:
        for link in self._links.values():
            if link.name == name:
                return link.index
        raise FileNotFoundError(name)

    def _change(self, index: LinkIndex, **changes: object) -> None:
        up = self._administratively[index] and self._carrier[index]
        self._links[index] = replace(self._links[index], up=up, **changes)  # type: ignore[arg-type]
        self._changed()

    def _forget_routes(self, index: LinkIndex) -> None:
        self._routes = [route for route in self._routes if route.link != index]

    def _changed(self) -> None:
        for wake in self._wakes:
            wake()
