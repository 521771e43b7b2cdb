"""This node's own Announcer at the API server, over plain HTTP calls.

It follows one object and patches that object's status: it never makes one, never writes
a spec, never touches another node's. Whatever the server refuses is Unavailable: an
agent that died of an answer would take its node out of service for someone else's fault.
"""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from agent.adapters.assignment_codec import assignment_of
from agent.adapters.client import REQUEST_S, Client, Refused, events
from agent.adapters.kubeconfig import Access
from agent.adapters.status_codec import from_status, status_patch, to_status
from agent.planner.desired import Report
from agent.planner.verdicts import AnotherAgent
from agent.snapshot import Assignment, NodeName
from pointsman.model.delta import Delta
from pointsman.model.names import AGENT_FIELD_MANAGER, API_PATH
from pointsman.model.nesting import depth_exceeds
from pointsman.runtime import answer
from pointsman.runtime.clock import Clock
from pointsman.runtime.contest import Contest
from pointsman.runtime.loop import exponential
from pointsman.runtime.outage import Outage
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)

PATH = API_PATH + "/announcers"
WATCH_S = 300  # asked of the server; it ends the stream then and we ask on
LAG_S = 15.0  # how much later than that a silent stream is given up
RECONNECT_S = 1.0  # at most, after a stream that ended as it should: it may end at once
RETRY_CAP_S = 15.0
DEEPEST = 16  # nesting of a status; ours has four levels

Json = Mapping[str, Any]


class ApiAnnouncer:
    """The port ``OwnAnnouncer`` on a Kubernetes API."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        *,
        node: NodeName,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        outage = Outage("the API server", log=log, monotonic=clock.monotonic)
        self._client = Client(session, access, outage)
        self._node, self._clock, self._chance = node, clock, chance
        self._listed = False
        self._heard_at: float | None = None
        self._object: Json | None = None
        self._read_of: Json | None = None
        self._read = Assignment()  # of that one
        self._seen = 0  # the newest resourceVersion that touched _object, deletion included
        self._writes = 0
        self._wrote: Report | None = None  # as it was read back
        self._contest, self._rival, self._warned = Contest(), "", ""

    @property
    def rival(self) -> str | None:
        """Return who else writes this node's status again and again, None for nobody."""
        return self._rival if self._contest.is_on(self._clock.monotonic()) else None

    @property
    def ended(self) -> Callable[[str, int | None], None]:
        """Who hears of each request that ended: its verb, and its HTTP status, None for none."""
        return self._client.ended

    @ended.setter
    def ended(self, hears: Callable[[str, int | None], None]) -> None:
        self._client.ended = hears

    @property
    def silent_s(self) -> float | None:
        """Return how long ago the API server said anything of it; None: it was never listed."""
        return None if self._heard_at is None else self._clock.monotonic() - self._heard_at

    async def assignment(self) -> Assignment | None:
        """Return the spec as last heard, or None while the object doesn't exist."""
        announcer = self._known()
        if announcer is None:
            return None
        if announcer is not self._read_of:  # thousands of addresses are read once
            self._read_of, self._read = announcer, assignment_of(announcer)
        return self._read

    @property
    def confirmed(self) -> bool:
        """Return whether the object was listed: what `assignment` returns is the API's word."""
        return self._listed

    async def afresh(self) -> Assignment | None:
        """Return the spec as it is now, None: the object doesn't exist.

        A list without a resourceVersion is a consistent read; of a kind that is gone it is no
        empty one, but refused.
        """
        async with self._client.call("GET", PATH, params=self._only_ours()) as response:
            listed = answer.as_list(answer.decoded(await response.read()), "Announcer")
        for item in listed["items"]:
            if self._is_ours(item):
                self._take(item, deleted=False)
                return assignment_of(item)
        return None

    async def observe(self) -> Mapping[NodeName, Report | None]:
        """Return the status the API holds; empty while the object doesn't exist."""
        announcer = self._known()
        return {} if announcer is None else {self._node: from_status(_status(announcer))}

    async def apply(self, work: Delta[NodeName, Report | None]) -> None:
        """Write the report. Nothing is dropped: an object that goes takes its status along.

        Raises:
            Unavailable: not written; on a conflict, what changed has been read meanwhile.
        """
        report, announcer = work.put.get(self._node), self._known()
        if report is None or announcer is None:
            return
        observed = _status(announcer)
        self._give_way(report, from_status(observed))
        desired = to_status(report, observed, now=self._clock.wall())
        body = {
            "metadata": {"resourceVersion": announcer["metadata"].get("resourceVersion", "")},
            "status": status_patch(observed, desired),
        }
        headers = {"Content-Type": "application/merge-patch+json"}
        parameters = {"fieldManager": AGENT_FIELD_MANAGER}
        path = f"{PATH}/{self._node}/status"
        try:
            async with self._client.call(
                "PATCH", path, params=parameters, data=json.dumps(body), headers=headers
            ) as response:
                self._writes += 1
                written = answer.decoded(await response.read())
                thing = answer.as_thing(written, name=self._node)
                self._take(thing, deleted=False)
                self._wrote = from_status(_status(thing))
                self._contest.wrote()
        except Refused as refusal:
            if refusal.code == 409:
                await self._list()
            raise

    def _give_way(self, report: Report, observed: Report | None) -> None:
        """Return if it is our turn to write over *observed*.

        What we find when we start is our predecessor's, and what is no report is nobody's.

        Raises:
            Unavailable: another agent wrote it over ours, and not for the first time.
        """
        if self._wrote is None or observed is None or observed == self._wrote:
            return
        self._rival = "" if observed.host == report.host else observed.host
        wait_s = self._contest.wait_s(self._clock.monotonic())
        if wait_s > 0:
            sentence = str(AnotherAgent(self._node, report.host, self._rival))
            if sentence != self._warned:
                log.warning("%s", sentence)
                self._warned = sentence
            raise Unavailable(f"another agent reports for node {self._node}", wait_s)

    async def watch(self, wake: Callable[[], None]) -> None:
        """Follow the object for ever; call *wake* whenever it may have changed."""
        delays, logged = exponential(cap_s=RETRY_CAP_S), ""
        while True:
            since_s = self._clock.monotonic()
            try:
                version = await self._list()
                wake()
                while True:
                    version = await self._follow(version, wake)
                    await asyncio.sleep(self._jittered(RECONNECT_S))
            except Unavailable as error:
                # A list that works beside a watch that doesn't is no recovery.
                if self._clock.monotonic() - since_s > RETRY_CAP_S:
                    delays, logged = exponential(cap_s=RETRY_CAP_S), ""
                if str(error) != logged:
                    logged = str(error)
                    log.warning("%s; trying again", logged)
                await asyncio.sleep(max(self._jittered(next(delays)), error.retry_after_s))

    async def _list(self) -> str:
        """Read the object by a list of one, which also says where to watch from."""
        writes = self._writes
        async with self._client.call("GET", PATH, params=self._only_ours()) as response:
            listed = answer.as_list(answer.decoded(await response.read()), "Announcer")
        version = str(listed["metadata"].get("resourceVersion", ""))
        if self._writes == writes:  # else our write's answer is newer than this list
            ours = [item for item in listed["items"] if self._is_ours(item)]
            self._object = ours[0] if ours else None
            self._seen = _number(version)
        self._listed, self._heard_at = True, self._clock.monotonic()
        return version

    async def _follow(self, version: str, wake: Callable[[], None]) -> str:
        """Take events until the stream ends; return where to go on from."""
        parameters = self._only_ours() | {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_S - self._chance.randrange(WATCH_S // 4)),
        }
        patience = aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_S, sock_read=WATCH_S + LAG_S
        )
        async with self._client.call("GET", PATH, params=parameters, timeout=patience) as response:
            async for kind, thing in events(response):
                self._heard_at = self._clock.monotonic()
                if kind == "ERROR":
                    raise Unavailable(f"the watch of Announcers ended: {_message(thing)}")
                version = str(thing["metadata"].get("resourceVersion") or version)
                if kind != "BOOKMARK" and self._is_ours(thing):
                    self._take(thing, deleted=kind == "DELETED")
                    wake()
        return version

    def _take(self, announcer: Json, *, deleted: bool) -> None:
        """Remember *announcer* unless something newer is known already."""
        version = _number(announcer["metadata"].get("resourceVersion"))
        if version >= self._seen:
            self._seen, self._object = version, None if deleted else announcer

    def _known(self) -> Json | None:
        if not self._listed:
            raise Unavailable(f"the Announcer of node {self._node} was never listed yet")
        return self._object

    def _is_ours(self, announcer: Json) -> bool:
        return bool(announcer["metadata"]["name"] == self._node)

    def _only_ours(self) -> dict[str, str]:
        return {"fieldSelector": f"metadata.name={self._node}"}

    def _jittered(self, delay_s: float) -> float:
        return delay_s * self._chance.uniform(0.5, 1.0)


def _status(announcer: Json) -> Json:
    """Return the status, which anybody may have written: another shape counts as none."""
    status = announcer.get("status")
    deep = depth_exceeds(status, DEEPEST)
    return status if isinstance(status, Mapping) and not deep else {}


def _message(status: Json) -> str:
    message = status.get("message")
    return message[:300] if isinstance(message, str) else "without a reason"


def _number(version: object) -> int:
    # Comparable as integers since Kubernetes 1.35 says so; never anything else on etcd.
    return answer.number(version) or 0
