"""What the agent needs from the outside, as types: what an adapter must be able to do.

Every port is watched for as long as the agent lives: *wake* says "look again", never
what changed. All of them raise Unavailable for trouble that time may heal.
"""

from collections.abc import Callable
from typing import Protocol

from agent.planner.desired import Report
from agent.snapshot import Assignment, Network, NodeName, ProxyHealth
from pointsman.runtime.target import Target

Wake = Callable[[], None]


class Links(Protocol):
    """The node's network as the kernel has it."""

    async def watch(self, wake: Wake) -> None:
        """Call *wake* once changes can't be missed any more, then after every change."""
        ...

    async def observe(self) -> Network:
        """Return one consistent picture, read now."""
        ...


class ServiceProxy(Protocol):
    """The health of the node's service proxy."""

    async def watch(self, wake: Wake) -> None:
        """Keep asking; call *wake* whenever the verdict changes."""
        ...

    @property
    def health(self) -> ProxyHealth:
        """The verdict so far; UNKNOWN until there is one."""
        ...


# None as a value: there is a status, but not one that an agent of ours wrote.
Reports = Target[NodeName, Report | None]


class OwnAnnouncer(Reports, Protocol):
    """This node's Announcer: the spec is heard, the status is told. Never made here."""

    async def watch(self, wake: Wake) -> None:
        """Follow the object; call *wake* whenever it may have changed."""
        ...

    @property
    def rival(self) -> str | None:
        """Who else writes this node's status again and again: its name, or "" if it has none."""
        ...

    async def assignment(self) -> Assignment | None:
        """Return the spec as last heard, or None while the object doesn't exist.

        Raises:
            Unavailable: it has never been listed, so nothing is known.
        """
        ...
