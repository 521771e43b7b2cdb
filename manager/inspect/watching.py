"""The cluster as watches keep it, for whoever looks for longer than once. It writes nothing.

Secrets are not read. Each change is shown soon, and not more often than twice a second.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.inspect.cluster import Reading
from manager.inspect.leading import Leading, leading
from manager.inspect.reach import reached
from manager.snapshot import Observed, Settings

SOONEST_S: Final = 0.5
AGAIN_S: Final = 10.0  # the Lease and the clock are looked at, though nothing changed


class Watched:
    """Shows a cluster as it changes; *wake* has it shown again."""

    def __init__(self, settings: Settings, show: Callable[[Reading, Leading], None]) -> None:
        self._settings, self._show, self._changed = settings, show, asyncio.Event()

    def wake(self) -> None:
        """Have it shown again soon: something other than the cluster changed."""
        self._changed.set()

    async def run(self, kubeconfig: Path | None, *, context: str | None) -> None:
        """Show it until cancelled.

        Raises:
            NoCluster: the configuration cannot be used.
        """
        async with reached(kubeconfig, context=context) as api:
            view = ClusterView(api, wake=self.wake, rng=random.Random())
            follow = asyncio.ensure_future(view.run())
            try:
                while not follow.done():
                    try:
                        async with asyncio.timeout(AGAIN_S):
                            await self._changed.wait()
                    except TimeoutError:
                        pass
                    self._changed.clear()
                    if view.in_sync or view.unavailable:
                        who = await leading(api, now=datetime.now(UTC))
                        self._show(self._reading(view), who)
                    await asyncio.sleep(SOONEST_S)
                follow.result()  # it ends by an exception alone
            finally:
                follow.cancel()

    def _reading(self, view: ClusterView) -> Reading:
        snapshot = view.snapshot(
            speakers=(Observed(),) * self._settings.speakers,
            settings=self._settings,
            taken_at=None,
        )
        return Reading(snapshot, (*view.unavailable, *view.malformed), {})
