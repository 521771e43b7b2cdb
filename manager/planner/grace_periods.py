"""What is too early to be bad news: what others are about to say.

A new Service has no EndpointSlice for a moment, and a node's agent reports a moment after its
Node is there. Until then nothing is stated, so that neither a condition nor an Event warns of
what mends itself. Offline, without a clock, nothing is awaited. It refuses to take back what
was stated already.
"""

from datetime import datetime, timedelta
from typing import Final

from manager.snapshot import Announcer, BgpPeer, Node, Service, Snapshot
from pointsman.model.names import READY
from pointsman.model.timestamps import parse_time

SLICES: Final = timedelta(seconds=5)  # the controller's; it takes a fraction of a second
AGENT: Final = timedelta(seconds=60)  # of a new Node: an image is pulled, a process starts
AGENTS: Final = timedelta(seconds=10)  # of a new cluster of ours: Announcers come, agents report
NO_TIME: Final = timedelta()


def until_slices(snapshot: Snapshot, service: Service) -> timedelta:
    """Return for how long the first EndpointSlice of *service* may still be awaited."""
    return _left(snapshot.taken_at, service.created, SLICES)


def until_report(snapshot: Snapshot, node: Node, peer: BgpPeer) -> timedelta:
    """Return for how long it may still be awaited what the agent of *node* says of *peer*."""
    if _reports(snapshot.announcers.get(node.name)):
        return NO_TIME
    ready = next((c.last_transition_time for c in peer.conditions if c.type == READY), "")
    return max(
        _left(snapshot.taken_at, node.created, AGENT),
        _left(snapshot.taken_at, ready or peer.created, AGENTS),
    )


def _reports(announcer: Announcer | None) -> bool:
    return announcer is not None and announcer.reported


def _left(now: datetime | None, since: str, grace: timedelta) -> timedelta:
    began = parse_time(since)
    if now is None or began is None:
        return NO_TIME
    return min(grace, max(NO_TIME, grace - (now - began)))
