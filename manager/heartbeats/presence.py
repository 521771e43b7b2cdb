"""What heartbeats add to a snapshot: who lives, and where replicas hear it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from manager.heartbeats.driver import HeartbeatDriver
from manager.snapshot import ManagerReplica, NodeName, Snapshot
from pointsman.model.liveness import Liveness
from pointsman.wire.replica_report import mark_of


@dataclass(frozen=True, slots=True)
class Presence:
    """The port ``Liveness`` of the reconciler. Without a driver nobody is judged."""

    driver: HeartbeatDriver | None
    managers: Callable[[], tuple[ManagerReplica, ...]]
    managers_known: Callable[[], bool]

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with what is known now."""
        driver = self.driver
        if driver is not None:
            snapshot = driver.company.seen(snapshot, asyncio.get_running_loop().time())
        return replace(
            snapshot,
            managers=self.managers(),
            managers_known=self.managers_known(),
            liveness=_together(driver.liveness, snapshot) if driver is not None else {},
            links_down=driver.links_down if driver is not None else {},
            frozen=driver.frozen if driver is not None else (),
        )


def _together(own: Mapping[NodeName, Liveness], snapshot: Snapshot) -> Mapping[NodeName, Liveness]:
    """Return our verdicts, and of nodes that we never heard those of other replicas.

    Who starts while a node is dead knows nothing of it, and would advertise it again.
    """
    if not (marks := snapshot.among.dead):
        return own
    dead = (name for name in snapshot.nodes if name not in own and mark_of(name) in marks)
    return {**own, **dict.fromkeys(dead, Liveness.Dead)}
