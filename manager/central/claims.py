"""Who else speaks for addresses that this replica answers for centrally, for the plan to see.

Where broadcasts don't reach the nodes, nobody else hears it. What is shown changes at most once
in ten seconds: who forges frames on a LAN does not write to an API server at will.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from manager.snapshot import Snapshot
from pointsman.model.address import Address
from pointsman.runtime.pace import Paced


class Claims:
    """Follows what was heard. *wake*: the next snapshot shows something else."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._heard: Mapping[Address, str] = {}
        self._shown: Paced[Mapping[Address, str]] = Paced({})
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, heard: Mapping[Address, str]) -> None:
        """Show *heard*, the hardware address that claims each, as soon as it is time."""
        self._heard = heard
        if self._timer is None:
            self._offer()

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with what is shown of this."""
        shown = self._shown.value
        return replace(snapshot, claimed=shown) if shown else snapshot

    def close(self) -> None:
        """Wake nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _offer(self) -> None:
        self._timer, loop = None, asyncio.get_running_loop()
        before = self._shown.value
        wait_s = self._shown.offer(self._heard, now_s=loop.time())
        if wait_s is not None:
            self._timer = loop.call_later(wait_s, self._offer)
        elif self._shown.value != before:
            self.wake()
