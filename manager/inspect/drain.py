"""Draining a node from the command line: the annotation, and when no router is told it any more.

The only thing that a command writes. What it waits for is what each manager reads back from its
own speakers and writes into the BgpPeers' status; nothing is concluded from time alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from manager.inspect import reach
from manager.inspect.quiet import Comer, Judged, Listening
from manager.inspect.reach import WRITER, away
from manager.planner.bgp.sessions import WITH_SESSION
from pointsman.model.names import DRAIN, READY
from pointsman.model.printable import clipped
from pointsman.model.route import LIVE
from pointsman.runtime.target import Unavailable

POLL_S: Final = 0.5
UNKNOWN: Final = "Unknown"  # state of a session whose speaker does not answer
Json = Mapping[str, Any]


class NoNode(Exception):
    """The node is not there, or may not be written; the text is the sentence for the user."""


@dataclass(frozen=True, slots=True)
class Quietness:
    """How far a drain is: *missing* may still tell its router the node."""

    missing: tuple[str, ...]
    judged: Judged


class Drain:
    """One node of a cluster that can be reached. Raises NoCluster when it no longer can."""

    def __init__(self, api: Any, node: str) -> None:
        self._api, self._node = api, node

    async def annotate(self, *, drains: bool) -> bool:
        """Set the annotation, or take it away; return whether that was a change.

        Raises:
            NoNode: there is no such node, or it may not be written.
        """
        from manager.adapters.kubernetes.client import NODES

        async with _refusals(self._node):
            raw = await self._api.get(NODES, "", self._node)
            before = (raw.get("metadata") or {}).get("annotations") or {}
            if (before.get(DRAIN) == "true") if drains else (DRAIN not in before):
                return False
            body = {"metadata": {"annotations": {DRAIN: "true" if drains else None}}}
            await self._api.patch(NODES, "", self._node, body=body, manager=WRITER)
        return True

    async def until_withdrawn(self, within_s: float) -> tuple[str, ...]:
        """Wait until every speaker says so; return what is missing after *within_s* seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while True:
            missing = missing_of(await self._peers(), self._node)
            if not missing or loop.time() >= until:
                return missing
            await asyncio.sleep(min(POLL_S, max(until - loop.time(), 0.0)))

    async def until_quiet(
        self, within_s: float, listening: Listening, seen: Callable[[tuple[Comer, ...]], None]
    ) -> Quietness:
        """Wait until no router is told it and it is quiet; return what is so after *within_s*.

        *seen* is told who still comes, at each look.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while True:
            missing = missing_of(await self._peers(), self._node)
            if missing:
                listening.anew()
            judged = listening.judge(await self._announcer(), loop.time())
            seen(judged.comers)
            done = judged.quiet and not missing
            if done or judged.final or loop.time() >= until:
                return Quietness(missing, judged)
            await asyncio.sleep(min(POLL_S, max(until - loop.time(), 0.0)))

    async def _announcer(self) -> Json | None:
        from manager.adapters.kubernetes.client import ANNOUNCERS, Refused

        async with _refusals(self._node):
            try:
                found = await self._api.get(ANNOUNCERS, "", self._node)
            except Refused as error:
                if error.code != 404:
                    raise
                return None
        return found if isinstance(found, Mapping) else None

    async def _peers(self) -> list[Json]:
        from manager.adapters.kubernetes.client import BGP_PEERS
        from manager.adapters.kubernetes.pages import whole_list

        async with _refusals(self._node):
            pages = await whole_list(self._api, BGP_PEERS)
        items = chain.from_iterable(page.get("items") or () for page in pages)
        return [one for one in items if isinstance(one, Mapping)]


@asynccontextmanager
async def reached(
    kubeconfig: Path | None, node: str, *, context: str | None
) -> AsyncIterator[Drain]:
    """Give access to *node* of a cluster.

    Raises:
        NoCluster: the configuration cannot be used.
    """
    async with reach.reached(kubeconfig, context=context) as api:
        yield Drain(api, node)


@asynccontextmanager
async def _refusals(node: str) -> AsyncIterator[None]:
    """Turn what an API server refuses into a sentence."""
    from manager.adapters.kubernetes.client import Refused

    try:
        yield
    except Unavailable as error:
        raise away(error) from error
    except Refused as error:
        if error.code == 404:
            raise NoNode(f"There is no Node {node}: `kubectl get nodes` has the names.") from error
        if error.code == 403:
            raise NoNode(
                f"Node {node} may not be drained by you: {error}. Ask for the rights get and "
                "patch on nodes, list on bgppeers, and get on announcers."
            ) from error
        raise NoNode(f"The API server refuses this for Node {node}: {error}.") from error


def missing_of(peers: Iterable[Json], node: str) -> tuple[str, ...]:
    """Return a sentence for each session that may still tell its router *node*.

    A session that is down tells its router nothing, and a BgpPeer that gets none has none to wait
    for. Of one whose speaker does not answer that is not known.
    """
    found: list[str] = []
    for peer in peers:
        name = clipped(str((peer.get("metadata") or {}).get("name") or ""))
        if (peer.get("spec") or {}).get("disabled") is True:
            continue
        entries = _entries(peer)
        if not entries and not _gets_no_session(peer):
            found.append(f"BgpPeer {name}: no manager has written about it yet; does one run?")
        for entry in entries:
            speaker, state = clipped(str(entry.get("name") or "")), entry.get("state")
            drained = entry.get("drained")
            if isinstance(drained, list) and node in drained:
                continue
            if state == UNKNOWN:
                found.append(
                    f"BgpPeer {name}: speaker {speaker} does not answer its manager, so what it "
                    "tells the router is not known."
                )
            elif state == LIVE:
                found.append(f"BgpPeer {name}: speaker {speaker} still tells it {node}.")
    return tuple(sorted(found))


def _gets_no_session(peer: Json) -> bool:
    """Whether a manager says that it doesn't speak to this router: another BgpPeer has it, say."""
    status = peer.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    return any(
        (one.get("type"), one.get("status")) == (READY, "False")
        and one.get("reason") not in WITH_SESSION
        for one in conditions or ()
        if isinstance(one, Mapping)
    )


def _entries(peer: Json) -> list[Json]:
    status = peer.get("status")
    speakers = status.get("speakers") if isinstance(status, Mapping) else None
    return [one for one in speakers or () if isinstance(one, Mapping)]
