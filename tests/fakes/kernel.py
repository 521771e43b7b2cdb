"""A kernel's addresses and routes in memory, as strict as Linux; and a keeper of none.

Strict: what another has is never replaced; an IPv4 route goes with the address it is bound to;
a lease ends by itself. tests/conformance/kernel asks the same of a real kernel.
"""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network

from agent.kernel import (
    Bound,
    Discarded,
    Held,
    HostAddress,
    KernelKey,
    PassedOn,
    Redistributed,
)
from agent.snapshot import Assignment, Network, Withheld
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.runtime.target import Unavailable


class FakeKernelHost:
    """The port ``KernelHost``, and the hands of others."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._ours: dict[KernelKey, tuple[Bound, float | None]] = {}
        self._routes_of_others: set[Prefix] = set()
        self._interface_of_others = False
        self.away = False
        self.has_interface = False
        self.applied: list[Delta[KernelKey, Bound]] = []

    async def observe(self) -> Mapping[KernelKey, Held]:
        self._ask()
        now_s = self._now_s()
        return {
            key: Held(bound, None if ends_s is None else ends_s - now_s)
            for key, (bound, ends_s) in self._ours.items()
        }

    async def apply(
        self, work: Delta[KernelKey, Bound], *, lease_s: int
    ) -> Mapping[KernelKey, str]:
        self._ask()
        self.applied.append(work)
        refused: dict[KernelKey, str] = {}
        for key in sorted(work.put, key=lambda one: not isinstance(one, HostAddress)):
            if self._interface_of_others:
                refused[key] = "an interface that Pointsman did not make"
            elif self._is_of_others(key):
                refused[key] = "a route that is not Pointsman's"
            else:
                self._ours[key] = work.put[key], self._end_of(key, lease_s)
                self.has_interface = True
        for key in work.drop:
            self._remove(key)
        if (work.drop or not work.put) and not self._ours:
            self.has_interface = False
        return refused

    def add_address(self, text: str, valid_s: int) -> None:
        """Have an agent before this one put it."""
        self._ours[HostAddress(ip_address(text))] = None, self._now_s() + valid_s
        self.has_interface = True

    def add_foreign_route(self, text: str) -> None:
        self._routes_of_others.add(ip_network(text))

    def add_foreign_interface(self) -> None:
        self._interface_of_others = True

    def remove(self, key: KernelKey) -> None:
        """Have somebody take it away."""
        self._remove(key)

    def _ask(self) -> None:
        if self.away:
            raise Unavailable("the fake kernel does not answer")
        for key, (_bound, ends_s) in list(self._ours.items()):
            if ends_s is not None and ends_s <= self._now_s():
                self._remove(key)

    def _is_of_others(self, key: KernelKey) -> bool:
        return (
            isinstance(key, Redistributed)
            and key not in self._ours
            and key.prefix in self._routes_of_others
        )

    def _end_of(self, key: KernelKey, lease_s: int) -> float | None:
        leased = isinstance(key, HostAddress) or (
            isinstance(key, Redistributed) and key.prefix.version == 6
        )
        return self._now_s() + lease_s if leased else None

    def _remove(self, key: KernelKey) -> None:
        self._ours.pop(key, None)
        if isinstance(key, HostAddress):
            bound = [one for one, (to, _end) in self._ours.items() if to == key.address]
            for one in bound:
                del self._ours[one]


class FakeKernel:
    """The port ``Kernel`` of a node whose agent changes nothing."""

    def __init__(self) -> None:
        self.followed: list[tuple[Assignment, Network, bool]] = []
        self.net_admin = False
        self.withheld: tuple[Withheld, ...] = ()
        self.executes = 0

    async def run(self, wake: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        self.followed.append((assignment, network, confirmed))
        if confirmed:
            self.executes = assignment.generation


def discarded(text: str) -> Discarded:
    return Discarded(ip_network(text))


def redistributed(text: str) -> Redistributed:
    return Redistributed(ip_network(text))


def passed_on(text: str) -> PassedOn:
    return PassedOn(ip_network(text))


def host_address(text: str) -> HostAddress:
    return HostAddress(ip_address(text))
