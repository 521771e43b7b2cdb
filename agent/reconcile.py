"""The agent's one loop body: observe, plan, diff, apply. It keeps no state of its own."""

import logging
from dataclasses import dataclass

from agent.planner.report import plan
from agent.ports import Links, OwnAnnouncer, ServiceProxy
from agent.snapshot import ProxyHealth, Settings, Snapshot
from pointsman.model.delta import delta
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agent:
    """The picture of one node, put together from its ports."""

    settings: Settings
    links: Links
    proxy: ServiceProxy
    announcer: OwnAnnouncer

    async def snapshot(self) -> Snapshot:
        """Return the node as it is now.

        Raises:
            Unavailable: a source hasn't spoken yet; a report without it would be wrong.
        """
        if self.proxy.health is ProxyHealth.UNKNOWN:
            raise Unavailable(f"no verdict yet from the service proxy at {self.settings.proxy_url}")
        return Snapshot(
            settings=self.settings,
            network=await self.links.observe(),
            proxy=self.proxy.health,
            assignment=await self.announcer.assignment(),
            rival=self.announcer.rival,
        )

    async def step(self) -> None:
        """Converge once."""
        snapshot = await self.snapshot()
        desired = plan(snapshot)
        if work := delta(desired.reports, await self.announcer.observe()):
            await self.announcer.apply(work)
            for node in sorted(work.put):
                log.info("reported node %s", node)
