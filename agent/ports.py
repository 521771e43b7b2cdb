"""What the agent needs from the outside, as types: what an adapter must be able to do.

Every port is watched for as long as the agent lives: *wake* says "look again", never
what changed. All of them raise Unavailable for trouble that time may heal.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from agent.arriving import Found
from agent.kernel import Bound, Held, KernelKey
from agent.planner.desired import Report
from agent.snapshot import (
    AddressConflict,
    Assignment,
    Network,
    NodeName,
    ProxyHealth,
    Unacknowledged,
    Withheld,
)
from pointsman.model.delta import Delta
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


class Heartbeats(Protocol):
    """This node's beats to the managers, and whether they are heard."""

    async def watch(self, wake: Wake) -> None:
        """Send and listen; call *wake* whenever somebody falls silent, or answers again."""
        ...

    def follow(self, assignment: Assignment | None, proxy: ProxyHealth) -> None:
        """Send to these managers from now on, and say so of the service proxy."""
        ...

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The managers that have not acknowledged for long, by name."""
        ...

    async def confirmed(self) -> None:
        """Return once a leader has acknowledged a later beat, and this node's generation in it."""
        ...


class Paths(Protocol):
    """Whether this node's interfaces reach their gateways."""

    async def run(self) -> None:
        """Ask them until cancelled."""
        ...

    def follow(self, network: Network) -> None:
        """Ask the gateways of *network* from now on."""
        ...

    @property
    def down(self) -> tuple[str, ...]:
        """The interfaces that reach none of their gateways any more, by name."""
        ...


class Responders(Protocol):
    """Who answers ARP and NDP for the addresses that this node is assigned."""

    async def run(self, wake: Wake) -> None:
        """Answer until cancelled; call *wake* whenever what is to be reported changes."""
        ...

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        """Answer for these from now on, and for nothing else: what is revoked falls silent first.

        *confirmed*: whether the API has said so since this agent started.
        """
        ...

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """The addresses that are not answered for, and why; it changes at a measured pace."""
        ...

    @property
    def conflicts(self) -> tuple[AddressConflict, ...]:
        """Who else claims one; at the same pace."""
        ...

    @property
    def unacknowledged(self) -> tuple[Unacknowledged, ...]:
        """The addresses that a gateway does not acknowledge, the first 64; at the same pace."""
        ...

    @property
    def executes(self) -> int:
        """The generation that is executed, of those that the API confirmed; at the same pace."""
        ...


class KernelHost(Protocol):
    """The kernel's addresses and routes, as far as they are this agent's."""

    async def observe(self) -> Mapping[KernelKey, Held]:
        """Return what of ours is there, and of nobody else."""
        ...

    async def apply(
        self, work: Delta[KernelKey, Bound], *, lease_s: int
    ) -> Mapping[KernelKey, str]:
        """Put, with that lease, then drop; return what was refused, and why.

        What is there and is put again gets a new lease. What is others' stays as it is. After
        anything but a put alone, what nothing of ours needs any more is gone, the interface first.
        """
        ...


class Kernel(Protocol):
    """What this node's kernel holds for a router on the node."""

    async def run(self, wake: Wake) -> None:
        """Put it there and renew it until cancelled; call *wake* when the report changes.

        It stays when this ends: an agent that is replaced takes it over, or its leases end.
        """
        ...

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        """Hold this from now on, and nothing else of ours.

        *confirmed*: whether the API has said so since this agent started.
        """
        ...

    @property
    def net_admin(self) -> bool:
        """Whether this agent may change addresses and routes."""
        ...

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """What was asked for and isn't there, and why; a route by its first address."""
        ...

    @property
    def executes(self) -> int:
        """The generation that the kernel holds, of those that the API confirmed."""
        ...


class Arrivals(Protocol):
    """New flows that still come for what is watched, while this node drains."""

    async def run(self, wake: Wake) -> None:
        """Look until cancelled; call *wake* whenever there is something to be reported."""
        ...

    def follow(self, assignment: Assignment, network: Network) -> None:
        """Look for what *assignment* says from now on, on the interfaces of *network*."""
        ...

    @property
    def found(self) -> Found:
        """What is to be said of it; it changes at a measured pace."""
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

    async def afresh(self) -> Assignment | None:
        """Return the spec as it is now, by a consistent read; None: the object doesn't exist.

        Raises:
            Unavailable: it could not be read.
        """
        ...

    @property
    def confirmed(self) -> bool:
        """Whether `assignment` is the API's word since this agent started."""
        ...
