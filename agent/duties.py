"""The agent's second loop body: what it is assigned, executed at once. It decides nothing.

Apart from the report's, because a revocation must not wait for a service proxy's verdict or
for a write. The last assignment lies on the node's disk too: an agent that finds no API server
after a boot goes on by it, and every address is probed before it is answered for.
"""

import logging
from dataclasses import dataclass, field

from agent.ports import Arrivals, Kernel, Links, OwnAnnouncer, Responders
from agent.snapshot import Assignment, Network
from pointsman.model.address import Address
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Duties:
    """From the ports to the responders, and to the kernel."""

    announcer: OwnAnnouncer
    links: Links
    responders: Responders
    kernel: Kernel
    arrivals: Arrivals
    _network: Network | None = field(default=None, init=False)
    _last: Assignment = field(default_factory=Assignment, init=False)
    _stale: bool = field(default=True, init=False)

    def network_changed(self) -> None:
        """Take that the kernel has news: without any, the last picture of it stands."""
        self._stale = True

    async def step(self) -> None:
        """Execute what is assigned now.

        Raises:
            Unavailable: nothing is known of an assignment, or of the node's network.
        """
        assignment = await self.announcer.assignment()
        network = await self._observed()
        spec, confirmed = assignment or Assignment(), self.announcer.confirmed
        self._log(spec)
        self.responders.follow(spec, network, confirmed=confirmed)
        self.kernel.follow(spec, network, confirmed=confirmed)
        self.arrivals.follow(spec, network)

    def _log(self, spec: Assignment) -> None:
        """Say how many addresses came and went, of each kind; an assignment is read again often."""
        before, self._last = self._last, spec
        if before is spec:
            return
        kinds: tuple[tuple[str, frozenset[object], frozenset[object]], ...] = (
            ("addresses to answer for", _answered(before), _answered(spec)),
            ("addresses of the kernel", before.kernel, spec.kernel),
            ("unreachable routes", frozenset(before.unreachable), frozenset(spec.unreachable)),
        )
        for what, old, now in kinds:
            if old != now:
                log.info("%s: %d put, %d dropped", what, len(now - old), len(old - now))

    async def _observed(self) -> Network:
        if self._network is None or self._stale:
            self._stale = False
            try:
                self._network = await self.links.observe()
            except Unavailable as error:
                self._stale = True
                if self._network is None:
                    raise
                log.warning("%s; going by what it was", error)
        return self._network


def _answered(assignment: Assignment) -> frozenset[Address]:
    return frozenset(address for duty in assignment.duties for address in duty.addresses)
