"""The alerts as files: one for a Prometheus, one for the Prometheus operator."""

from typing import Any, Final

import yaml

from monitoring.alert import Alert
from monitoring.alerts import ALERTS

HEADER: Final = "# Generated from monitoring/alerts.py by `python -m monitoring --write`.\n"


def groups() -> list[dict[str, Any]]:
    """Return the rule groups, as Prometheus and its operator both spell them."""
    return [{"name": "pointsman", "rules": [_rule(alert) for alert in ALERTS]}]


def rules_file() -> str:
    """Return the text of a file for `rule_files` of a Prometheus."""
    return HEADER + _yaml({"groups": groups()})


def prometheus_rule() -> str:
    """Return the same for the Prometheus operator.

    Source: the operator's API, monitoring.coreos.com/v1.
    """
    return HEADER + _yaml(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {
                "name": "pointsman",
                "namespace": "pointsman-system",
                "labels": {"app.kubernetes.io/name": "pointsman"},
            },
            "spec": {"groups": groups()},
        }
    )


def _rule(alert: Alert) -> dict[str, Any]:
    waits = {"for": alert.lasting} if alert.lasting != "0m" else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **waits,
        "labels": {"severity": alert.severity.value},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook": alert.runbook,
        },
    }


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=110, allow_unicode=True)
