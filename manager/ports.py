"""The systems the manager converges, as types: what an adapter must be able to do.

Every port is a :class:`~pointsman.runtime.target.Target`: read back, put, drop.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from pointsman.model.address import Address
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
