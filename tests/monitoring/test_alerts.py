"""Every alert is told when it should be and not otherwise: promtool judges, not we."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.parts import find
from monitoring.__main__ import PLACE, ROOT
from monitoring.alert import Alert
from monitoring.alerts import ALERTS
from monitoring.scraping import NAMESPACE
from tests.monitoring.alert_cases import CASES, Case

AT_M = 120  # minutes; by then every alert has waited long enough
UNITS = {"m": 1, "h": 60}
BY_NAME = {alert.name: alert for alert in ALERTS}


def promtool(*words: str, cwd: Path) -> str:
    """Return what promtool prints; fail with it when it refuses."""
    part = find("prometheus", program="promtool")
    done = subprocess.run(
        [*part.command(part.path), *words],
        cwd=cwd, env={**part.environment()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def minutes(duration: str) -> int:
    return int(duration[:-1]) * UNITS[duration[-1]]


def filled(text: str, case: Case) -> str:
    """Return *text* as Prometheus fills it in."""
    text = re.sub(r"{{ \$value( \| humanizeDuration)? }}", case.value, text)
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: case.labels[found[1]], text)


def alert_of(alert: Alert, case: Case) -> dict[str, Any]:
    return {
        "exp_labels": {"severity": alert.severity.value, **case.labels},
        "exp_annotations": {
            "summary": filled(alert.summary, case),
            "description": filled(alert.description, case),
            "runbook": alert.runbook,
        },
    }


def group_of(
    alert: Alert, series: Mapping[str, str], alerts: list[dict[str, Any]], at_m: int
) -> Any:
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{at_m}m", "alertname": alert.name, "exp_alerts": alerts}
        ],
    }


def judged(groups: list[Any], folder: Path) -> None:
    (folder / "alerts.yaml").write_text((PLACE / "alerts.yaml").read_text())
    asked = {"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": groups}
    (folder / "test.yaml").write_text(yaml.safe_dump(asked))
    promtool("test", "rules", "test.yaml", cwd=folder)


def test_every_alert_has_its_cases() -> None:
    assert list(CASES) == [alert.name for alert in ALERTS]


def test_each_is_told_in_its_words_when_it_should_be(tmp_path: Path) -> None:
    judged(
        [
            group_of(BY_NAME[name], case.bad, [alert_of(BY_NAME[name], case)], AT_M)
            for name, case in CASES.items()
        ],
        tmp_path,
    )


def test_none_is_told_while_all_is_well(tmp_path: Path) -> None:
    judged([group_of(BY_NAME[n], case.good, [], AT_M) for n, case in CASES.items()], tmp_path)


def test_none_is_told_before_its_time(tmp_path: Path) -> None:
    late = {"PointsmanReplicaLost": 111}  # when it is lost, in its case
    waiting = [alert for alert in ALERTS if alert.lasting != "0m"]
    groups = []
    for alert in waiting:
        # Some need two samples, or ten minutes of them, before they have a value at all.
        just_before = late.get(alert.name, 0) + minutes(alert.lasting) - 1
        groups.append(group_of(alert, CASES[alert.name].bad, [], just_before))
    judged(groups, tmp_path)


def test_a_case_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    """Else the three above would show nothing."""
    alert, case = BY_NAME["PointsmanFrozen"], CASES["PointsmanFrozen"]
    with pytest.raises(AssertionError, match="FAILED"):
        judged([group_of(alert, case.good, [alert_of(alert, case)], AT_M)], tmp_path)
    with pytest.raises(AssertionError, match="FAILED"):
        judged([group_of(alert, case.bad, [], AT_M)], tmp_path)


def test_promtool_takes_the_rules_and_both_ways_to_scrape(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text((PLACE / "alerts.yaml").read_text())
    config = yaml.safe_load((PLACE / "prometheus.yaml").read_text())
    for job in config["scrape_configs"]:
        # Debian builds Prometheus without a client of Kubernetes: what finds Pods is checked here.
        assert job.pop("kubernetes_sd_configs") == [
            {"role": "pod", "namespaces": {"names": [NAMESPACE]}}
        ]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    found = promtool("check", "config", "prometheus.yaml", cwd=tmp_path)
    assert f"SUCCESS: {len(ALERTS)} rules found" in found
    rule = yaml.safe_load((PLACE / "prometheusrule.yaml").read_text())
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    configs = []
    for monitor in yaml.safe_load_all((PLACE / "podmonitors.yaml").read_text()):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
        rules = [{names.get(k, k): v for k, v in one.items()} for one in endpoint["relabelings"]]
        configs.append({"job_name": monitor["metadata"]["name"], "relabel_configs": rules})
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"scrape_configs": configs}))
    promtool("check", "config", "p.yaml", cwd=tmp_path)


def test_every_alert_has_a_runbook() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    sections = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", page, re.M | re.S))
    assert list(sections) == [alert.name for alert in ALERTS]
    for alert in ALERTS:
        first = sections[alert.name].partition("\n")[0]
        after = f"after {alert.lasting}" if alert.lasting != "0m" else "at once"
        assert first == f"{alert.severity.value}, {after}: `{alert.expr}`"
