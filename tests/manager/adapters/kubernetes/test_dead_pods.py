"""Pods of dead nodes, on a fake API that knows what deploy/ grants, and on a virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.client import PODS, Refused
from manager.adapters.kubernetes.dead_pods import REST_S, DeadPods, to_mark
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.pages import PAGE
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube

pytestmark = pytest.mark.looptime

NODE1 = NodeName("node1")


class Bed:
    """An API with Pods, and what is dead."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.dead: frozenset[NodeName] = frozenset()
        self.leads = True
        clock = Clock(
            monotonic=lambda: asyncio.get_running_loop().time(),
            wall=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )
        sink = FencedSink(self.kube, Fence(lambda _: self.leads, 2.0))
        self.marking = DeadPods(self.kube, sink, dead=lambda: self.dead, clock=clock)

    def pod(
        self, name: str, node: str = "node1", *, ready: str = "True", phase: str = "Running"
    ) -> None:
        conditions = [
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": ready, "lastTransitionTime": "2025-01-01T00:00:00Z"},
        ]
        self.kube.put(
            PODS,
            {
                "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
                "spec": {"nodeName": node},
                "status": {"phase": phase, "podIP": "10.244.1.10", "conditions": conditions},
            },
        )

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.kube.objects["pods", "default", name]["status"]
        return found

    def ready(self, name: str) -> str:
        (one,) = [c for c in self.status(name)["conditions"] if c["type"] == "Ready"]
        return str(one["status"])

    @property
    def patched(self) -> list[str]:
        return [name for verb, _, name in self.kube.requests if verb == "patch status"]


@asynccontextmanager
async def marking(bed: Bed) -> AsyncIterator[None]:
    task = asyncio.create_task(bed.marking.run())
    try:
        yield
    finally:
        task.cancel()


async def test_ready_pods_of_a_dead_node_are_marked_within_a_second_and_nothing_else_is() -> None:
    bed = Bed()
    bed.pod("web")
    bed.pod("other", "node2")
    bed.pod("unready", ready="False")
    bed.pod("done", phase="Succeeded")
    before = bed.status("web")
    async with marking(bed):
        await asyncio.sleep(5)
        assert bed.kube.requests == []
        bed.dead = frozenset({NODE1})
        await asyncio.sleep(1)
        assert bed.patched == ["web"]
        assert bed.status("web") == {
            **before,
            "conditions": [
                {"type": "Initialized", "status": "True"},
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "NodeDead",
                    "message": "Pointsman: neither the agent of the Pod's node nor its kernel "
                    "answers",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                },
            ],
        }
        assert bed.ready("other") == "True"


def test_only_dead_nodes_are_marked_by_who_leads_and_not_while_anything_is_frozen() -> None:
    liveness = {NodeName(one): one for one in Liveness}
    assert to_mark(liveness, (), leading=True) == {"Dead"}
    assert to_mark(liveness, (), leading=False) == set()
    assert to_mark(liveness, ("zone a",), leading=True) == set()


async def test_what_a_kubelet_writes_of_a_node_that_lives_again_stays() -> None:
    bed = Bed()
    bed.pod("web")
    bed.dead = frozenset({NODE1})
    async with marking(bed):
        await asyncio.sleep(1)
        bed.dead = frozenset()
        bed.pod("web")
        await asyncio.sleep(60)
        assert bed.ready("web") == "True"
        assert bed.patched == ["web"]


async def test_a_pod_that_is_bound_later_is_marked_as_well() -> None:
    bed = Bed()
    bed.dead = frozenset({NODE1})
    async with marking(bed):
        await asyncio.sleep(5)
        bed.pod("late")
        await asyncio.sleep(REST_S + 1)
        assert bed.ready("late") == "False"


async def test_many_are_marked_at_a_pace_and_it_stops_when_the_node_is_dead_no_more() -> None:
    bed = Bed()
    for number in range(PAGE + 100):
        bed.pod(f"web-{number:04}")
    bed.dead = frozenset({NODE1})
    async with marking(bed):
        await asyncio.sleep(2)
        assert 50 <= len(bed.patched) <= 100
        bed.dead = frozenset()  # it returned, or its domain is frozen, or we lead no more
        count = len(bed.patched)
        await asyncio.sleep(60)
        assert len(bed.patched) <= count + 1
        bed.dead = frozenset({NODE1})
        await asyncio.sleep(30)
        assert {bed.ready(f"web-{number:04}") for number in range(PAGE + 100)} == {"False"}


async def test_nothing_is_sent_by_who_surely_leads_no_more() -> None:
    bed = Bed()
    bed.pod("web")
    bed.dead, bed.leads = frozenset({NODE1}), False
    async with marking(bed):
        await asyncio.sleep(10)
        assert bed.patched == []


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Refused(409, "Conflict", "modified"), id="it changed meanwhile"),
        pytest.param(Unavailable("no answer"), id="the API is away"),
        pytest.param(Refused(500, "InternalError", "a webhook"), id="it is refused"),
    ],
)
async def test_a_write_that_fails_is_made_again(error: Exception) -> None:
    bed = Bed()
    bed.pod("web")
    bed.dead = frozenset({NODE1})
    failing: Callable[[str, str, str], Exception | None] = lambda verb, *_: (  # noqa: E731
        error if verb == "patch status" else None
    )
    bed.kube.fault = failing
    async with marking(bed):
        await asyncio.sleep(1)
        assert bed.ready("web") == "True"
        bed.kube.fault = lambda *_: None
        await asyncio.sleep(10)
        assert bed.ready("web") == "False"


async def test_one_node_that_cannot_be_listed_delays_no_other() -> None:
    bed = Bed()
    bed.pod("web", "node2")
    bed.dead = frozenset({NODE1, NodeName("node2")})
    calls = iter([Refused(403, "Forbidden", "pods is forbidden")])
    bed.kube.fault = lambda verb, *_: next(calls, None) if verb == "list" else None
    async with marking(bed):
        await asyncio.sleep(1)
        assert bed.ready("web") == "False"


async def test_a_missing_right_is_said_once_with_the_file_that_grants_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bed = Bed()
    bed.dead = frozenset({NODE1})
    bed.kube.fault = lambda *_: Refused(403, "Forbidden", "pods is forbidden")
    async with marking(bed):
        await asyncio.sleep(120)
    (text,) = [one.getMessage() for one in caplog.records]
    assert text == (
        "Pods of the dead node node1 cannot be marked: pods is forbidden; apply "
        "deploy/options/mark-dead-nodes.yaml"
    )
