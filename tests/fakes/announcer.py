"""One Announcer without an API server: it exists or not, and holds what was reported.

Strict: nothing can be reported to an object that doesn't exist, and nothing is dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from agent.planner.desired import Report
from agent.snapshot import Assignment, NodeName
from pointsman.model.delta import Delta
from pointsman.runtime.target import Unavailable


class FakeAnnouncer:
    """The port ``OwnAnnouncer``, and the hands that change what it shows."""

    def __init__(self, node: NodeName) -> None:
        self._node = node
        self.exists = False
        self.assigned = Assignment()
        self.report: Report | None = None
        self.away = False
        self.writes = 0
        self.rival: str | None = None
        self.confirmed = True  # it was listed
        self.read: Callable[[], Awaitable[Assignment | None]] = self.assignment
        self._wake: Callable[[], None] = lambda: None

    async def watch(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        wake()
        await asyncio.Event().wait()

    async def assignment(self) -> Assignment | None:
        if not self.confirmed:
            raise Unavailable("the fake Announcer was never listed yet")
        return self.assigned if self.exists else None

    async def afresh(self) -> Assignment | None:
        return await self.read()

    async def observe(self) -> Mapping[NodeName, Report | None]:
        return {self._node: self.report} if self.exists else {}

    async def apply(self, work: Delta[NodeName, Report | None]) -> None:
        if self.away:
            raise Unavailable("the fake API server is away")
        if not self.exists or work.drop or set(work.put) != {self._node}:
            raise AssertionError(f"nothing an agent does: {work}")
        self.report = work.put[self._node]
        self.writes += 1
        self._wake()  # one's own write comes back by the watch

    def create(self) -> None:
        self.exists, self.report = True, None
        self._wake()

    def assign(self, assignment: Assignment) -> None:
        """Let the API say *assignment*: it is there, and listed, from now on."""
        self.exists = self.confirmed = True
        self.assigned = assignment
        self._wake()

    def delete(self) -> None:
        self.exists = False
        self._wake()

    def put_by_someone_else(self, report: Report | None) -> None:
        self.report = report
        self._wake()
