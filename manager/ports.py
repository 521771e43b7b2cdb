"""The systems the manager converges, as types: what an adapter must be able to do.

Every port is a :class:`~pointsman.runtime.target.Target`: read back, put, drop.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from manager.snapshot import NodeName
from pointsman.model.address import Address, Prefix
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    SourceReading,
)
from pointsman.model.route import (
    Neighbor,
    PeerName,
    Route,
    RouteKey,
    SessionReport,
    SpeakerIdentity,
)
from pointsman.runtime.target import Target, Unavailable


class Refused(Unavailable):
    """The daemon runs, and does not take what the BgpConf asks for; the words are for its user."""


class NotLeading(Unavailable):
    """This replica does not lead, or not for as long as a write may take. Nothing was sent."""


Routes = Target[RouteKey, Route]
Exports = Target[PeerName, Address]  # which router a peer's name stands for in export policy
Neighbors = Target[PeerName, Neighbor]


class Speaker(Protocol):
    """One BGP daemon: its identity, its three targets, and the reports of its sessions.

    All methods raise Unavailable while the daemon is away or being replaced.
    """

    @property
    def exports(self) -> Exports: ...

    @property
    def routes(self) -> Routes: ...

    @property
    def neighbors(self) -> Neighbors: ...

    async def identity(self) -> SpeakerIdentity | None:
        """Return who the daemon runs as; None when it was not started, or not locked down yet.

        None means: call :meth:`start`, it completes what is missing.
        """
        ...

    async def probe(self) -> None:
        """Return once the daemon answers anything at all; for every second, so it costs little.

        Raises:
            Unavailable: it did not answer within some seconds.
        """
        ...

    async def start(self, identity: SpeakerIdentity) -> None:
        """Make it run as *identity*, locked down: nothing in, nothing out but by export rules.

        Running as somebody else already, it is stopped (its parent replaces the process)
        and Unavailable is raised: a later pass finds it empty.
        """
        ...

    async def sessions(self) -> Mapping[PeerName, SessionReport]:
        """Return the state of every session of ours, and what each is sent, counted.

        Costs a pass over the table per session that is up: for status, not for every wake.
        """
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yield when a session changed state, or the daemon went away or came back: observe.

        Never ends, never raises for a daemon that is away; what happened is to be observed.
        """
        ...


class HeartbeatSocket(Protocol):
    """Where heartbeats arrive; `received` and `drained` of the driver are called from it."""

    async def run(self) -> None:
        """Read whatever comes until cancelled."""
        ...

    def drain(self) -> bool:
        """Read what is there, as much as one wake may; return whether nothing is left."""
        ...

    def send(self, data: bytes, peer: tuple[Any, ...]) -> bool:
        """Send to *peer*, as it was received from; False: the kernel did not take it."""
        ...

    def close(self) -> None: ...


class Witness(Protocol):
    """Who asks a node itself, by TCP; what that found is told to the driver's `probed`."""

    async def run(self) -> None:
        """Take answers until cancelled; then close what is open."""
        ...

    def start(self, subject: NodeName, address: str, port: int, *, hello: bool) -> None:
        """Connect now, from a fresh port; with *hello*, speak to who accepts. Never wait."""
        ...

    def collect(self) -> None:
        """Tell what has come by now."""
        ...


@dataclass(frozen=True, slots=True)
class HostInterface:
    """An interface of the host that a replica runs on."""

    name: str
    index: int
    mac: bytes
    subnets: tuple[Prefix, ...]  # of its own addresses


class FrameSocket(Protocol):
    """ARP and NDP on one interface."""

    @property
    def broken(self) -> bool:
        """Whether its interface went away: it hears nothing any more."""
        ...

    def listen(self, addresses: frozenset[Address]) -> None:
        """Hear what is asked and said about *addresses*, and nothing else.

        Raises:
            Unavailable: the kernel refuses.
        """
        ...

    def close(self) -> None: ...


class FrameNet(Protocol):
    """The host's own network, for what is answered on it."""

    def interfaces(self) -> Sequence[HostInterface]:
        """Return the interfaces with a hardware address, as they are now.

        Raises:
            Unavailable: they cannot be read.
        """
        ...

    def open(
        self, interface: HostInterface, received: Callable[[bytes], list[bytes]]
    ) -> FrameSocket:
        """Hand each frame to *received*, and send what it returns.

        Raises:
            Unavailable: the process may not, or the interface is gone.
        """
        ...


# Requests of one Eip that an IPAM works on at once. NetBox makes one entry after the other, and a
# request has ten seconds: so many fit in there, also where an entry takes a second.
SOURCE_AT_ONCE: Final = 8


class SourceRefused(Exception):
    """The IPAM answered, and will not do this one thing; its text is a clause for the user.

    Exhausted, taken by somebody else, not allowed: others are not concerned.
    """


class WriteFence(Protocol):
    """Whether this replica surely leads, asked before everything that only the leader writes."""

    def check(self) -> None:
        """Return if a write may be sent.

        Raises:
            NotLeading: it may not.
        """
        ...

    def sending(self) -> AbstractContextManager[None]:
        """Check, then count a write as under way, so that a release of the lease waits for it."""
        ...


class AddressSource(Protocol):
    """The IPAM of one Eip, as this cluster and this Eip see it.

    Every method is idempotent by owner: asked again after an answer that was lost, it finds what
    the first request made. All raise Unavailable while it is away, slow, or its answer is none
    (HTML of a proxy, a certificate that cannot be verified, a token that is refused).
    `reserve` and `describe` are called up to `SOURCE_AT_ONCE` times side by side, but never for a
    key, an entry or an address that another of these calls names; all else is called alone.
    """

    async def observe(self) -> SourceReading:
        """Return all that it holds now of this owner, and what may be given."""
        ...

    async def reserve(self, key: ReservationKey, request: AddressRequest) -> Reservation:
        """Have an address reserved for *key*, or return the one that is.

        Raises:
            SourceRefused: it is full, or the address asked for is somebody else's.
        """
        ...

    async def describe(
        self, reservation: Reservation, key: ReservationKey, holder: Holder
    ) -> Reservation:
        """Make *reservation* held by *key* and *holder*: handed over, or taken out of quarantine.

        Raises:
            SourceRefused: somebody changed it meanwhile; observe again.
        """
        ...

    async def quarantine(self, reservation: Reservation) -> None:
        """Say of *reservation* that nobody has it any more, and that nobody is to have it yet."""
        ...

    async def release(self, reservation: Reservation) -> None:
        """Give *reservation* back; gone already is fine.

        Raises:
            SourceRefused: it is no longer ours.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
