"""How a Prometheus finds managers and agents: as its own configuration, and for its operator.

Both programs use their node's network, so their address is the node's. Their Pods name no port
for it, and a manager's Pod has a second container, so each container that is no target is left
out and the port is put in here.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

HEADER: Final = "# Generated from monitoring/scraping.py by `python -m monitoring --write`.\n"
NAMESPACE: Final = "pointsman-system"
EVERY: Final = "15s"
_PREFIX: Final = "__meta_kubernetes_pod_"
_IP, _CONTAINER, _NODE = f"{_PREFIX}ip", f"{_PREFIX}container_name", f"{_PREFIX}node_name"


@dataclass(frozen=True, slots=True)
class Program:
    """One of our programs, by its label app.kubernetes.io/component, and its port."""

    component: str
    port: int


PROGRAMS: Final = (Program("manager", 9472), Program("agent", 9473))


def relabelings(program: Program) -> list[dict[str, Any]]:
    """Return what makes targets of a Pod's containers, as `relabel_configs` spell it."""
    return [
        {"source_labels": [_CONTAINER], "regex": program.component, "action": "keep"},
        _address("([^:]+)", f"$1:{program.port}"),
        _address("(.*:.*)", f"[$1]:{program.port}"),  # IPv6
        {"source_labels": [_NODE], "target_label": "instance"},
    ]


def _address(regex: str, replacement: str) -> dict[str, Any]:
    return {
        "source_labels": [_IP],
        "regex": regex,
        "target_label": "__address__",
        "replacement": replacement,
    }


def scrape_config(program: Program) -> dict[str, Any]:
    """Return one of the `scrape_configs` of a Prometheus that runs in the cluster."""
    component = f"{_PREFIX}label_app_kubernetes_io_component"
    name = f"{_PREFIX}label_app_kubernetes_io_name"
    ours = {"source_labels": [name, component], "regex": f"pointsman;{program.component}"}
    return {
        "job_name": f"pointsman-{program.component}",
        "scrape_interval": EVERY,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}],
        "relabel_configs": [{**ours, "action": "keep"}, *relabelings(program)],
    }


def prometheus_file() -> str:
    """Return a whole configuration of a Prometheus that watches Pointsman and nothing else."""
    return HEADER + _yaml(
        {
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [scrape_config(program) for program in PROGRAMS],
        }
    )


def pod_monitors() -> str:
    """Return the same for the Prometheus operator (monitoring.coreos.com/v1)."""
    return HEADER + "---\n".join(_yaml(_pod_monitor(program)) for program in PROGRAMS)


def _pod_monitor(program: Program) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "pointsman"}
    ours = {**labels, "app.kubernetes.io/component": program.component}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {
            "name": f"pointsman-{program.component}",
            "namespace": NAMESPACE,
            "labels": labels,
        },
        "spec": {
            "selector": {"matchLabels": ours},
            "podMetricsEndpoints": [
                {
                    "interval": EVERY,
                    "relabelings": [_camel(rule) for rule in relabelings(program)],
                }
            ],
        },
    }


def _camel(rule: dict[str, Any]) -> dict[str, Any]:
    names = {"source_labels": "sourceLabels", "target_label": "targetLabel"}
    return {names.get(key, key): value for key, value in rule.items()}


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=110)
