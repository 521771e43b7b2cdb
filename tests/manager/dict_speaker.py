"""A speaker of dictionaries: notes in which order it was read and changed, and may go away."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from manager.planner.desired import SpeakerPlan
from manager.ports import Refused
from pointsman.model.delta import Delta
from pointsman.model.route import (
    Neighbor,
    PathAttributes,
    PeerName,
    Route,
    RouteKey,
    SessionReport,
    SpeakerIdentity,
)
from pointsman.runtime.target import Unavailable

TOR = PeerName("tor")
WHO = SpeakerIdentity(64512, IPv4Address("198.18.0.1"))
OTHER = SpeakerIdentity(64513, IPv4Address("198.18.0.1"))
UP = SessionReport("Established")


def key(number: int = 0, hop: int = 11) -> RouteKey:
    """Return the path of one address by one next hop."""
    return RouteKey(IPv4Network(f"198.51.100.{number}/32"), IPv4Address(f"192.0.2.{hop}"))


def speaker_plan(*keys: RouteKey, peers: bool = True) -> SpeakerPlan:
    """Return the plan of one speaker: these paths, to one router."""
    return SpeakerPlan(
        identity=WHO,
        exports={TOR: IPv4Address("192.0.2.1")} if peers else {},
        routes={one: Route(PathAttributes(), frozenset({TOR})) for one in keys},
        neighbors={TOR: Neighbor(IPv4Address("192.0.2.1"), 64500)} if peers else {},
    )


class Part:
    """One target. It notes what is done to it in the diary of its speaker."""

    def __init__(self, speaker: "DictSpeaker", name: str) -> None:
        self._speaker, self._name = speaker, name
        self.contents: dict[Any, Any] = {}
        self.read_s = 0.0
        self.hangs = False  # an apply is not answered while this is so

    async def observe(self) -> Mapping[Any, Any]:
        self._speaker.answer(f"read {self._name}")
        await asyncio.sleep(self.read_s)
        return dict(self.contents)

    async def apply(self, work: Delta[Any, Any]) -> None:
        if self._speaker.is_now is None:
            raise Unavailable("it was not started")  # as gobgpd does
        while self.hangs:
            await asyncio.sleep(0.05)
        for name, value in work.put.items():
            self._speaker.answer(f"put {self._name}")
            self.contents[name] = value
            await asyncio.sleep(0.01)
        for name in work.drop:
            self._speaker.answer(f"drop {self._name}")
            self.contents.pop(name, None)


class DictSpeaker:
    """manager.ports.Speaker; *away* or *away_after* answers it raises Unavailable."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.away = False
        self.away_after: int | None = None
        self.hangs = False  # asked who it is, it does not answer while this is so
        self.is_now: SpeakerIdentity | None = None
        self.refusal = ""  # why it does not start, instead of doing so
        self.reports: dict[PeerName, SessionReport] = {}
        self.turned = asyncio.Event()
        self.exports, self.routes, self.neighbors = (
            Part(self, name) for name in ("exports", "routes", "neighbors")
        )

    def answer(self, what: str) -> None:
        """Note that *what* was asked, or raise."""
        if self.away_after == 0:
            self.away, self.away_after = True, None
        if self.away:
            raise Unavailable("away")
        if self.away_after is not None:
            self.away_after -= 1
        self.diary.append(what)

    def replace(self) -> None:
        """Become another process: empty."""
        self.is_now, self.reports = None, {}
        for part in (self.exports, self.routes, self.neighbors):
            part.contents.clear()

    async def probe(self) -> None:
        if self.away:
            raise Unavailable("away")

    async def identity(self) -> SpeakerIdentity | None:
        while self.hangs:
            await asyncio.sleep(0.05)
        self.answer("identity")
        return self.is_now

    async def start(self, identity: SpeakerIdentity) -> None:
        self.answer("start")
        if self.is_now not in (None, identity):
            self.replace()
            raise Unavailable("it was stopped and comes back")
        if self.refusal:
            raise Refused(self.refusal)
        self.is_now = identity

    async def sessions(self) -> Mapping[PeerName, SessionReport]:
        self.answer("sessions")
        return dict(self.reports)

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self.turned.wait()
            self.turned.clear()
            yield None

    def applied(self) -> list[str]:
        """Return what was applied since the last call, without what was read."""
        found = [line for line in self.diary if line.split()[0] in ("start", "put", "drop")]
        self.diary.clear()
        return found
