"""Pods of a dead node are marked not ready, so that nobody in the cluster sends to them.

What a router sends to a living node is sent on by its service proxy, to Pods of a dead node as well
until Kubernetes has marked them, which takes some 50 s. Off unless asked for: these objects
are not ours. One condition is written, `Ready`, and never taken back: the kubelet of a
node that lives again writes it anew. Nodes themselves are never written; a condition Unknown of a
third party's keeps Kubernetes from marking their Pods at all (kubernetes/kubernetes#112733).

Refuses to write while anything is frozen, or while this replica does not lead.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol

from manager.adapters.kubernetes.client import PODS, Kind, Refused
from manager.adapters.kubernetes.fence import NotLeading
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.pages import Lister, pages
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness
from pointsman.model.names import NODE_DEAD, READY
from pointsman.model.timestamps import format_time
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable

LOOK_S: Final = 0.2  # between two looks at the verdicts
AGAIN_S: Final = 1.0  # after some Pods were marked, or could not be
REST_S: Final = 10.0  # of a node without ready Pods: a Pod may be bound to it yet
LONGEST_S: Final = 60.0
PAUSE_S: Final = 0.02  # between two writes: 50 a second at most
LIST_S: Final = 10.0
OVER: Final = frozenset({"Succeeded", "Failed"})  # phases of Pods that ended
log = logging.getLogger(__name__)


class Writer(Protocol):
    """How one is written: fenced, so that only a leader does."""

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json: ...


def to_mark(
    liveness: Mapping[NodeName, Liveness], frozen: Sequence[str], *, leading: bool
) -> frozenset[NodeName]:
    """Return the nodes whose Pods are to be marked: none while anything is frozen."""
    if frozen or not leading:
        return frozenset()
    return frozenset(name for name, one in liveness.items() if one is Liveness.Dead)


class DeadPods:
    """Marks the Pods of the nodes that *dead* names now: none while frozen, or not leading."""

    def __init__(
        self,
        reader: Lister,
        writer: Writer,
        *,
        dead: Callable[[], AbstractSet[NodeName]],
        clock: Clock,
    ) -> None:
        self._reader, self._writer, self._dead, self._clock = reader, writer, dead, clock
        self._due: dict[NodeName, float] = {}
        self._failures: dict[NodeName, int] = {}
        self._warned: set[str] = set()

    async def run(self) -> None:
        """Mark until cancelled. A node that cannot be read or written waits alone."""
        while True:
            await asyncio.sleep(LOOK_S)
            for node in sorted(self._dead()):
                if self._due.get(node, 0.0) <= self._clock.monotonic():
                    await self._mark(node)
            for gone in self._due.keys() - self._dead():
                del self._due[gone]
                self._failures.pop(gone, None)

    async def _mark(self, node: NodeName) -> None:
        """Mark the Pods of one node as far as it goes, and note when to look again."""
        marked = 0
        try:
            async for pod in self._ready_pods(node):
                if node not in self._dead():
                    return
                marked += await self._write(pod)
                await asyncio.sleep(PAUSE_S)
        except (Unavailable, Refused, TimeoutError) as error:
            self._failures[node] = self._failures.get(node, 0) + 1
            wait_s = min(AGAIN_S * 2 ** self._failures[node], LONGEST_S)
            self._tell(node, error)
        else:
            self._failures.pop(node, None)
            wait_s = AGAIN_S if marked else REST_S
        finally:
            if marked:
                log.warning("node %s is dead: %d of its Pods are marked not ready", node, marked)
        self._due[node] = self._clock.monotonic() + wait_s

    async def _ready_pods(self, node: NodeName) -> AsyncIterator[Json]:
        of_node = {"fieldSelector": f"spec.nodeName={node}"}
        async for page in pages(self._reader, PODS, of_node, within_s=LIST_S):
            for pod in page.get("items") or ():
                if any(_is_ready(one) for one in _conditions(pod)) and not _is_over(pod):
                    yield pod

    async def _write(self, pod: Json) -> bool:
        """Mark one Pod; return whether it is. One that changed meanwhile is looked at again."""
        meta = pod["metadata"]
        try:
            await self._writer.patch(
                PODS,
                meta.get("namespace", ""),
                meta["name"],
                body=not_ready(pod, now=format_time(self._clock.wall())),
                sub="status",
            )
        except NotLeading:
            raise
        except Refused as error:
            if error.code not in (404, 409):
                raise
            return False
        return True

    def _tell(self, node: NodeName, error: Exception) -> None:
        """Say once in which words it does not go."""
        if isinstance(error, NotLeading):
            return
        words = str(error) or "no answer in time"
        if isinstance(error, Refused) and error.code == 403:
            words += "; apply deploy/options/mark-dead-nodes.yaml"
        if words not in self._warned:
            self._warned.add(words)
            log.error("Pods of the dead node %s cannot be marked: %s", node, words)


def not_ready(pod: Json, *, now: str) -> dict[str, Any]:
    """Return the patch that marks *pod*: the whole list of its conditions, of this version."""
    message = "Pointsman: neither the agent of the Pod's node nor its kernel answers"
    conditions = [
        {
            **one,
            "status": "False",
            "reason": NODE_DEAD,
            "message": message,
            "lastTransitionTime": now,
        }
        if one.get("type") == READY
        else dict(one)
        for one in _conditions(pod)
    ]
    meta = pod["metadata"]
    return {
        "metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
        "status": {"conditions": conditions},
    }


def _conditions(pod: Json) -> Iterator[Json]:
    found = (pod.get("status") or {}).get("conditions") or ()
    return (one for one in found if isinstance(one, dict))


def _is_ready(condition: Json) -> bool:
    return condition.get("type") == READY and condition.get("status") == "True"


def _is_over(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in OVER
