"""deploy/monitoring is what the tables say, and speaks of metrics and Pods that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from monitoring.__main__ import FILES, PLACE, PLACES, ROOT, stale
from monitoring.alerts import ALERTS
from monitoring.panels import ROWS
from monitoring.scraping import NAMESPACE, PROGRAMS
from tests.docs import pages

METRIC = re.compile(r"\b((?:pointsman|process)_\w+?)(?:_bucket|_count|_sum)?\b(?=[{)\[ ]|$)")
MANIFESTS = {"manager": "20-manager.yaml", "agent": "30-agent.yaml"}


def test_the_files_are_fresh_and_those_of_the_chart() -> None:
    for place, names in PLACES.items():
        assert stale(place, names) == []
        assert {path.name for path in place.iterdir()} == set(names)


def test_a_file_that_is_not_fresh_is_named(tmp_path: Path) -> None:
    for name, make in FILES.items():
        (tmp_path / name).write_text(make())
    (tmp_path / "alerts.yaml").write_text("groups: []\n")
    (tmp_path / "prometheus.yaml").unlink()
    assert stale(tmp_path) == ["alerts.yaml", "prometheus.yaml"]


def test_every_metric_of_an_alert_is_documented() -> None:
    documented = set(re.findall(r"`((?:pointsman|process)_\w+)`", pages.read("docs/metrics.md")))
    for alert in ALERTS:
        named = set(METRIC.findall(alert.expr))
        assert named, alert.expr
        assert named <= documented, alert.name


def test_every_metric_of_a_panel_is_documented() -> None:
    documented = set(re.findall(r"`((?:pointsman|process)_\w+)`", pages.read("docs/metrics.md")))
    for row in ROWS:
        for panel in row.panels:
            for query in panel.queries:
                named = set(METRIC.findall(query.expr))
                assert named, query.expr
                assert named <= documented, panel.title


def test_the_dashboard_has_every_panel_of_the_table_and_room_for_each() -> None:
    made = json.loads((PLACE / "dashboard.json").read_text())["panels"]
    shown = [one for one in made if one["type"] != "row"]
    table = [panel for row in ROWS for panel in row.panels]
    assert [one["title"] for one in shown] == [panel.title for panel in table]
    for one, panel in zip(shown, table, strict=True):
        assert [t["expr"] for t in one["targets"]] == [query.expr for query in panel.queries]
    assert len({one["id"] for one in made}) == len(made)
    cells = [
        (x, y)
        for one in made
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert {x for x, _ in cells} == set(range(24))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.component)
def test_the_pods_are_found_by_what_the_manifests_say(program) -> None:
    text = (ROOT / "deploy" / MANIFESTS[program.component]).read_text()
    (made,) = [
        one
        for one in yaml.safe_load_all(text)
        if one and one["kind"] in ("Deployment", "DaemonSet")
    ]
    pod = made["spec"]["template"]
    assert made["metadata"]["namespace"] == NAMESPACE
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "pointsman"
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == program.component
    (container,) = [one for one in pod["spec"]["containers"] if one["name"] == program.component]
    assert any(re.fullmatch(rf"--http=.*:{program.port}", arg) for arg in container["args"])
    assert pod["spec"]["hostNetwork"] is True
