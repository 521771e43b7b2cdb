"""Every query that operators are given, asked of a real Prometheus beside two managers."""

import json
import re
from collections.abc import Iterator
from functools import partial

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import lan
from e2e.monitoring.prometheus import Prometheus, watching
from e2e.route_events import session
from lab.options import Options
from monitoring.alerts import ALERTS
from monitoring.panels import ROWS

pytestmark = pytest.mark.lab
QUERIES = [query for row in ROWS for panel in row.panels for query in panel.queries]
SELECTOR = re.compile(r"\b(?:pointsman|process)_\w+(?:{[^}]*})?")
# A condition that no object has is no series, nor is an IPAM that no Eip has.
CONDITIONS = "pointsman_verdicts"
ONLY_WHILE_SO = (CONDITIONS, "pointsman_ipam_")


@pytest.fixture(scope="module")
def options() -> Options:
    as_json = ("--log-format=json",)
    return Options(managers=2, manager_args=as_json, agent_args=as_json)


@pytest.fixture(scope="module")
def prometheus(whole: Bed) -> Iterator[Prometheus]:
    """One that has scraped a cluster with Services of both protocols."""
    for manager in whole.topology.managers:
        address = str(manager.addresses[0].ip)
        whole.wait("a session", partial(session, whole, address))
    lan.prepare(whole)
    lan.serve(whole, "home")
    cluster.make(whole, "web")
    cluster.settled(whole, "web")
    with watching(whole) as made:
        yield made
    cluster.tidy(whole)


def test_managers_and_agents_are_found_by_the_rules_that_a_cluster_is_given(
    prometheus: Prometheus,
) -> None:
    found = {
        (one["metric"]["job"], one["metric"]["instance"])
        for one in prometheus.query("pointsman_build_info")
    }
    agents = {("pointsman-agent", f"node{number}") for number in (1, 2, 3)}
    assert found == agents | {("pointsman-manager", name) for name in ("manager", "manager2")}


def test_every_query_of_the_dashboard_has_an_answer(prometheus: Prometheus) -> None:
    answers = {query.expr: prometheus.query(query.expr) for query in QUERIES}
    may_be_empty = {query.expr for query in QUERIES if query.empty}
    assert {expr for expr, series in answers.items() if not series} <= may_be_empty


def test_every_alert_reads_series_that_are_there_and_none_is_due(prometheus: Prometheus) -> None:
    missing = {
        (alert.name, selector)
        for alert in ALERTS
        for selector in SELECTOR.findall(alert.expr)
        if not selector.startswith(ONLY_WHILE_SO)
        and not prometheus.query(selector.partition("[")[0])
    }
    assert not missing
    assert prometheus.query(CONDITIONS)
    (group,) = prometheus.ask("rules")["groups"]
    assert [rule["name"] for rule in group["rules"]] == [alert.name for alert in ALERTS]
    wrong = {rule["name"]: rule.get("lastError") for rule in group["rules"]}
    assert {rule["health"] for rule in group["rules"]} == {"ok"}, wrong
    prometheus.lab.wait("no alert", lambda: not prometheus.query("ALERTS"))


def test_what_fails_is_seen(prometheus: Prometheus) -> None:
    lab = prometheus.lab

    def due() -> set[str]:
        return {one["metric"]["alertname"] for one in prometheus.query("ALERTS")}

    lab.fail("node3")
    lab.wait("the alert about a dead node", lambda: "PointsmanNodeDead" in due())
    lab.heal("node3")
    lab.wait("its end", lambda: "PointsmanNodeDead" not in due())
    lab.fail("sidecar")
    lab.wait("the alert about a session", lambda: "PointsmanSessionDown" in due())
    assert "PointsmanRouterLost" not in due()  # the other replica has one
    lab.heal("sidecar")
    lab.wait("its end", lambda: "PointsmanSessionDown" not in due())


def test_every_line_that_was_logged_meanwhile_is_json_and_says_what_turned(
    prometheus: Prometheus,
) -> None:
    lab = prometheus.lab
    records = {
        program: [
            json.loads(line)
            for line in lab.log(program).splitlines()
            if not line.startswith("--- ")  # the lab's own word on how a process ended
        ]
        for program in ("manager", "manager2", "agent:node1", "agent:node3")
    }
    for found in records.values():
        assert found[0]["message"].startswith("version ")
        assert all({"time", "level", "logger", "message"} <= one.keys() for one in found)
    managers = [*records["manager"], *records["manager2"]]
    about_web = [one["reason"] for one in managers if one.get("name") == "web"]
    assert {"Allocated", "Announced"} <= set(about_web)
    warnings = [one["message"] for one in managers if one["level"] == "warning"]
    assert any("node3 is Dead" in text for text in warnings)
    assert "Reporting" in [one.get("reason") for one in records["agent:node1"]]
