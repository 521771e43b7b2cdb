"""docs/metrics.md names every metric that the programs have, with its labels, and no other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric

import agent.adapters.metrics
from agent.adapters.totals import Totals
from agent.arriving import Counted
from manager.adapters.metrics.collector import Facts, FactsCollector
from manager.adapters.metrics.counters import Counters
from manager.snapshot import EipName, Observed
from pointsman.model.ranges import AddressSet
from pointsman.model.reservation import SourcePlan, SourceReading
from pointsman.model.route import PeerName, SessionReport
from tests.docs import pages
from tests.manager.reconcile_rig import Rig

pytestmark = [pytest.mark.looptime]
EIP = EipName("public")
ASKED = {EIP: SourcePlan()}
ROW = re.compile(r"^\| (`(?:pointsman|process)_\w+`.*?) \| (\w+) \| (.*?) \|", re.MULTILINE)
SUFFIXES = {"counter": "_total", "info": "_info"}


def documented(heading: str) -> dict[str, tuple[str, frozenset[str]]]:
    text = pages.read("docs/metrics.md")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for names, kind, labels in ROW.findall(section)
        for name in re.findall(r"`(\w+)`", names)
    }


def exposed(metrics: Iterable[Metric]) -> dict[str, tuple[str, frozenset[str]]]:
    found = {}
    for metric in metrics:
        name = metric.name + SUFFIXES.get(metric.type, "")
        kind = "gauge" if metric.type == "info" else metric.type
        labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
        found[name] = kind, frozenset(labels)
    return found


@pytest.fixture
async def facts() -> AsyncIterator[Facts]:
    rig = Rig()
    await rig.step()
    await rig.settle()
    ages: Mapping[str, float] = {"nodes": 1.0}
    finished = rig.reconciler.finished
    assert finished is not None
    asked = replace(finished.snapshot, sources={EIP: SourceReading(AddressSet())})
    finished = replace(finished, snapshot=asked, plan=replace(finished.plan, sources=ASKED))
    yield Facts(
        "1", "a", leading=True, finished=finished, readings=rig.speakers.readings,
        watch_ages=ages, per_service=True, heartbeats={"counted": 1},
    )  # fmt: skip
    rig.task.cancel()


async def test_every_metric_of_the_manager_is_described(facts: Facts) -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    counters = Counters(registry, replica="a")
    counters.requested("get", 200)
    counters.requested_of_ipam("public", "GET", 200, 0.1)
    counters.asked_ipam("public", "observe", "done")
    counters.looked([Observed(sessions={PeerName("tor"): SessionReport("Idle")})], {})
    found = exposed([*registry.collect(), *FactsCollector(facts).collect()])
    assert documented("Metrics of the manager") == found


async def test_every_metric_of_the_agent_is_described() -> None:
    counters = agent.adapters.metrics.Counters()
    counters.requested("get", 200)
    sources = agent.adapters.metrics.Sources(
        *("1", "node1"),
        busy_since=lambda: None,
        watch_age_s=lambda: 1.0,
        announced=lambda: 0,
        held=lambda: 0,
        withheld=lambda: 0,
        conflicts=lambda: 0,
        answers=Totals,
        unacknowledged=lambda: 0,
        arriving=Counted,
    )
    shown = agent.adapters.metrics.pages(sources, counters).registry()
    found = exposed(shown.collect())
    own = documented("Metrics of the agent")
    assert own == {name: what for name, what in found.items() if name.startswith("pointsman")}
    of_process = documented("Metrics of the manager").items() & found.items()
    assert found.keys() - own.keys() == {name for name, _ in of_process} - own.keys()
