"""What this node's kernel is to hold, kept there: put, renewed, and swept where it isn't ours to.

The port ``Kernel``. It has no memory: what is there is read, and what is of ours is known by its
interface and its routing protocol. When it ends, everything stays for the rest of its lease: an
agent that is upgraded takes over, the addresses of one that is gone leave by themselves. Without
anything to hold nothing is opened, and no library is loaded.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.kernel import (
    HostAddress,
    KernelPlan,
    kernel_plan,
    kernel_work,
    lease_for,
    of_whom,
)
from agent.ports import KernelHost
from agent.snapshot import Assignment, Network, Withheld
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.runtime.log_once import LogOnce
from pointsman.runtime.loop import Loop

NO_NET_ADMIN: Final = (
    "The agent of this node may not change addresses and routes: give it the capability NET_ADMIN "
    "(deploy/patches/kernel.yaml)."
)
GAP_S: Final = 0.2  # between two looks: each of our own changes is one more reason to look
log = logging.getLogger(__name__)


@dataclass(slots=True)
class KernelKeeper:
    """Follows an assignment. *opened* returns the host, once something is to be done."""

    opened: Callable[[], Awaitable[KernelHost]]
    net_admin: bool
    lease_s: int  # of what a node usually holds
    withheld: tuple[Withheld, ...] = field(default=(), init=False)
    executes: int = field(default=0, init=False)
    held: int = field(default=0, init=False)  # addresses and routes that are there
    _plan: KernelPlan = field(default_factory=KernelPlan, init=False)
    _generation: int = field(default=0, init=False)  # of the plan, if the API confirmed it
    _followed: bool = field(default=False, init=False)
    _remains: bool = field(default=False, init=False)  # something of ours is there, or may be
    _host: KernelHost | None = field(default=None, init=False)
    _loop: Loop | None = field(default=None, init=False)
    _wake: Callable[[], None] = field(default=lambda: None, init=False)

    async def run(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._loop = Loop(
            self._step,
            min_interval_s=GAP_S,
            # A look that fails leaves time for another before a lease ends.
            resync_s=self.lease_s / 3,
            backoff_cap_s=self.lease_s / 6,
            on_unavailable=LogOnce(log).log,
        )
        await self._loop.run()

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        plan, before = kernel_plan(assignment, network), self._plan
        self._plan, self._followed = plan, True
        if confirmed:
            self._generation = assignment.generation
        there = _on_our_interface(network)
        if there is not None:
            self._remains = True
        news = plan != before or (there or frozenset()) != _addresses(plan)
        if self._loop is not None and (news or self.executes != self._generation):
            self._loop.wake()

    async def _step(self) -> None:
        """Converge the kernel once.

        Raises:
            Unavailable: it cannot be asked; what it holds stays for the rest of its lease.
        """
        if not self._followed:
            return  # nothing is known of an assignment: what is there is nobody's to sweep
        plan, generation = self._plan, self._generation
        refused: Mapping[Address, str] = {}
        if plan.desired or self._remains:
            if self.net_admin:
                refused = await self._converge(plan)
            else:
                refused = {of_whom(key): NO_NET_ADMIN for key in plan.desired}
        self.held = sum(of_whom(key) not in refused for key in plan.desired)
        self._report({**refused, **plan.withheld}, generation)

    async def _converge(self, plan: KernelPlan) -> Mapping[Address, str]:
        if self._host is None:
            self._host = await self.opened()
        lease_s = lease_for(plan.desired, self.lease_s)
        work = kernel_work(plan.desired, await self._host.observe(), lease_s=lease_s)
        # With nothing to hold, what is left of it goes, too: leases may have ended meanwhile.
        due = work or not plan.desired
        refused = await self._host.apply(work, lease_s=lease_s) if due else {}
        self._remains = bool(plan.desired or refused)
        return {of_whom(key): reason for key, reason in refused.items() if key in plan.desired}

    def _report(self, withheld: Mapping[Address, str], generation: int) -> None:
        listed = tuple(Withheld(one, withheld[one]) for one in sorted(withheld, key=address_order))
        if (listed, generation) != (self.withheld, self.executes):
            self.withheld, self.executes = listed, generation
            self._wake()


def _addresses(plan: KernelPlan) -> frozenset[Address]:
    return frozenset(key.address for key in plan.desired if isinstance(key, HostAddress))


def _on_our_interface(network: Network) -> frozenset[Address] | None:
    """Return what leads here by our interface, in the last picture; None: it isn't there."""
    link = next((one for one in network.links if one.name == KERNEL_INTERFACE), None)
    if link is None or not link.up:
        return None if link is None else frozenset()
    return frozenset(
        one.interface.ip
        for one in network.addresses
        if one.link == link.index
        and not (one.interface.version == 6 and one.interface.ip.is_link_local)
    )
