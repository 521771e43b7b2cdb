"""The agent's one loop body: observe, plan, diff, apply. It keeps no state of its own."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.changes import Change, changes
from agent.planner.report import plan
from agent.ports import (
    Arrivals,
    Heartbeats,
    Kernel,
    Links,
    OwnAnnouncer,
    Paths,
    Responders,
    ServiceProxy,
)
from agent.snapshot import ProxyHealth, Settings, Snapshot, Withheld
from pointsman.model.delta import delta
from pointsman.runtime.logs import about
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agent:
    """The picture of one node, put together from its ports."""

    settings: Settings
    links: Links
    proxy: ServiceProxy
    announcer: OwnAnnouncer
    heartbeats: Heartbeats
    paths: Paths
    responders: Responders
    kernel: Kernel
    arrivals: Arrivals

    async def snapshot(self) -> Snapshot:
        """Return the node as it is now.

        Raises:
            Unavailable: a source hasn't spoken yet; a report without it would be wrong.
        """
        assignment = await self.announcer.assignment()
        # First: a node whose kernel or proxy does not answer must be heard all the more.
        self.heartbeats.follow(assignment, self.proxy.health)
        if self.proxy.health is ProxyHealth.UNKNOWN:
            raise Unavailable(f"no verdict yet from the service proxy at {self.settings.proxy_url}")
        arrivals = self.arrivals.found
        return Snapshot(
            settings=self.settings,
            network=await self.links.observe(),
            proxy=self.proxy.health,
            assignment=assignment,
            unanswered=self.heartbeats.unanswered,
            rival=self.announcer.rival,
            withheld=(*self.responders.withheld, *self._withheld_by_kernel()),
            conflicts=self.responders.conflicts,
            unacknowledged=self.responders.unacknowledged,
            # Of the two the older: what is not said to be withheld is executed.
            executes=min(self.responders.executes, self.kernel.executes),
            net_admin=self.kernel.net_admin,
            arriving=arrivals.arriving,
            quiet=arrivals.quiet,
            arriving_unmeasured=arrivals.unmeasured,
        )

    def _withheld_by_kernel(self) -> Iterator[Withheld]:
        """Yield what nobody else withholds: an Announcer takes one reason for an address."""
        known = {one.address for one in self.responders.withheld}
        return (one for one in self.kernel.withheld if one.address not in known)

    async def step(self) -> None:
        """Converge once."""
        snapshot = await self.snapshot()
        self.paths.follow(snapshot.network)
        desired = plan(snapshot)
        before = await self.announcer.observe()
        if work := delta(desired.reports, before):
            await self.announcer.apply(work)
            for node in sorted(work.put):
                log.info("reported node %s", node)
                _tell(changes(before.get(node), desired.reports[node]))


def _tell(found: Iterable[Change]) -> None:
    for one in found:
        level = logging.WARNING if one.warning else logging.INFO
        log.log(level, "%s: %s", one.reason, one.message, extra=about(reason=one.reason))
