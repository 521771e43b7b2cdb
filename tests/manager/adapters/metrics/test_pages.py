"""When a manager is healthy, and when it is ready."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from manager.adapters.metrics.counters import Counters
from manager.adapters.metrics.pages import SESSIONS_S, STUCK_S, Sources, pages
from manager.planner.desired import Finished
from manager.snapshot import Observed
from pointsman.model.route import PeerName, SessionReport
from pointsman.runtime.http_server import Pages
from tests.manager.reconcile_rig import Rig

pytestmark = [pytest.mark.looptime]
UP, IDLE = SessionReport("Established"), SessionReport("Idle")


@dataclass
class Manager:
    """What a manager holds, for a test to change."""

    finished: Finished | None
    readings: tuple[Observed, ...]
    unlisted: tuple[str, ...] = ()
    busy_since: float | None = None

    def pages(self) -> Pages:
        registry = CollectorRegistry()
        Counters(registry, replica="a").planned(0.1)
        return pages(
            Sources(
                version="1.2",
                replica="a",
                per_service=False,
                registry=registry,
                finished=lambda: self.finished,
                readings=lambda: self.readings,
                leading=lambda: True,
                held_back=lambda: 0,
                watch_ages=dict,
                unlisted=lambda: self.unlisted,
                busy_since=lambda: self.busy_since,
            )
        )

    def session(self, report: SessionReport) -> None:
        (reading,) = self.readings
        self.readings = (replace(reading, sessions={PeerName("tor"): report}),)


@pytest.fixture
async def manager() -> AsyncIterator[Manager]:
    rig = Rig()
    await rig.step()
    await rig.settle()
    made = Manager(rig.reconciler.finished, rig.speakers.readings)
    made.session(UP)
    yield made
    rig.task.cancel()


async def test_a_step_that_does_not_end_is_unhealthy(manager: Manager) -> None:
    shown = manager.pages()
    assert shown.unhealthy() == ""
    manager.busy_since = asyncio.get_running_loop().time()
    await asyncio.sleep(STUCK_S - 1)
    assert shown.unhealthy() == ""
    await asyncio.sleep(2)
    assert shown.unhealthy() == "the step under way began 61 s ago and does not end"


async def test_it_is_ready_once_it_works(manager: Manager) -> None:
    finished, manager.finished = manager.finished, None
    manager.unlisted = ("services", "nodes")
    shown = manager.pages()
    assert shown.unready() == "not in sync: never listed yet: nodes, services"
    manager.unlisted = ()
    assert shown.unready() == "no plan was made yet"
    manager.finished = finished
    assert shown.unready() == ""


async def test_a_rollout_waits_for_sessions_but_not_for_a_router_that_is_away(
    manager: Manager,
) -> None:
    manager.session(IDLE)
    shown = manager.pages()
    assert shown.unready() == "no session yet with tor"
    await asyncio.sleep(SESSIONS_S + 1)
    assert shown.unready() == ""


async def test_a_session_that_ends_later_is_no_rollouts_business(manager: Manager) -> None:
    shown = manager.pages()
    assert shown.unready() == ""
    manager.session(IDLE)
    assert shown.unready() == ""


async def test_the_plan_is_shown_as_the_command_prints_it(manager: Manager) -> None:
    plan = manager.pages().plan
    assert plan is not None
    shape = json.loads(plan()())
    assert shape["services"]["a/web"]["addresses"] == ["198.51.100.0"]
    manager.finished = None
    assert "no plan was made yet" in json.loads(plan()())["error"]


async def test_what_is_counted_and_what_is_so_stand_together(manager: Manager) -> None:
    text = generate_latest(manager.pages().registry()).decode()
    assert "pointsman_plan_seconds_count 1.0" in text
    assert 'pointsman_bgp_session_up{peer="tor",speaker="a"} 1.0' in text
