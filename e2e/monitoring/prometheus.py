"""A Prometheus on a lab's router: it scrapes managers and agents, and answers queries.

Its targets are found as in a cluster: by the very rules of `monitoring.scraping`, from the labels
that a cluster's Pods would have. Debian builds it without a client of Kubernetes, so the labels
are given to it.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import yaml

from e2e.bed import Bed
from lab.handle import Lab
from lab.parts import find
from monitoring import scraping
from monitoring.__main__ import PLACE

MACHINE: Final = "router"
HERE, PORT = "127.0.0.1", 9090
EVERY: Final = "1s"
WINDOW: Final = "10s"  # for Grafana's $__rate_interval
META: Final = "__meta_kubernetes_pod_"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    lab: Lab

    def ask(self, path: str, **words: object) -> Any:
        """Return the data of one answer of its API; a query that it refuses fails."""
        where = f"/api/v1/{path}" + (f"?{urlencode(words)}" if words else "")
        status, text = self.lab.http(HERE, PORT, path=where, machine=MACHINE)
        answer = json.loads(text)
        assert (status, answer["status"]) == (200, "success"), text
        return answer["data"]

    def query(self, expr: str) -> list[Any]:
        """Return what *expr* comes to now: one entry per series."""
        asked = self.ask("query", query=expr.replace("$__rate_interval", WINDOW))
        return list(asked["result"])

    def range(self, expr: str, *, start: float, end: float, step_s: float) -> list[Any]:
        """Return the series of *expr* from *start* to *end*, in Unix time."""
        expr = expr.replace("$__rate_interval", WINDOW)
        asked = self.ask("query_range", query=expr, start=start, end=end, step=step_s)
        return list(asked["result"])

    def up(self) -> bool:
        """Whether every target was scraped twice, so that there are rates."""
        there = len(self.lab.topology.managers) + len(self.lab.topology.nodes)
        seen = self.query(f"sum_over_time(up[{WINDOW}]) >= 2")
        return len(seen) == there


@contextmanager
def watching(lab: Bed) -> Iterator[Prometheus]:
    """Yield a Prometheus that scrapes *lab*, with our alerts; it ends with the context."""
    assert isinstance(lab, Lab)
    home = lab.folder("prometheus")
    (home / "alerts.yaml").write_text((PLACE / "alerts.yaml").read_text())
    (home / "prometheus.yaml").write_text(yaml.safe_dump(_config(lab)))
    part = find("prometheus")
    program = part.path.with_name("prometheus")
    words = (
        f"--config.file={home}/prometheus.yaml",
        f"--storage.tsdb.path={home}/data",
        f"--web.listen-address={HERE}:{PORT}",
        "--log.level=warn",
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            lab.command(MACHINE, [*part.command(program), *words]),
            env={**lab.environment(), **part.environment()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        made = Prometheus(lab)
        lab.wait("Prometheus", lambda: lab.http(HERE, PORT, path="/-/ready", machine=MACHINE))
        lab.wait("two scrapes of every target", made.up)
        yield made
    finally:
        process.terminate()
        process.wait()


def _config(lab: Bed) -> dict[str, Any]:
    """Return a configuration that finds the lab's programs as it would find Pods."""
    machines = {
        "manager": [(one.name, str(one.addresses[0].ip)) for one in lab.topology.managers],
        "agent": [(one.name, str(one.addresses[0].ip)) for one in lab.topology.nodes],
    }
    jobs = []
    for program in scraping.PROGRAMS:
        job = scraping.scrape_config(program)
        del job["kubernetes_sd_configs"]
        job["scrape_interval"] = EVERY
        job["static_configs"] = [
            _pod(program.component, container, node, address)
            for node, address in machines[program.component]
            for container in (program.component, "gobgpd")
        ]
        jobs.append(job)
    return {
        "global": {"evaluation_interval": EVERY},
        "rule_files": ["alerts.yaml"],
        "scrape_configs": jobs,
    }


def _pod(component: str, container: str, node: str, address: str) -> dict[str, Any]:
    """Return one container of a Pod, as Prometheus has it before its rules decide."""
    labels = {
        "label_app_kubernetes_io_name": "pointsman",
        "label_app_kubernetes_io_component": component,
        "container_name": container,
        "node_name": node,
        "ip": address,
    }
    return {
        "targets": [f"{address}:0"],
        "labels": {f"{META}{name}": value for name, value in labels.items()},
    }
