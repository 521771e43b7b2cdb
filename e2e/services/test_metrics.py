"""Health and metrics of a manager and an agent that work, asked from where a Prometheus would."""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from e2e import cluster
from e2e.bed import Bed
from lab.parts import find
from lab.supervision.programs import AGENT_HTTP, MANAGER_HTTP

pytestmark = pytest.mark.lab
ASK = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), sep="\\n", end="")
"""
HERE = "127.0.0.1"
Samples = Mapping[tuple[str, ...], float]


def ask(lab: Bed, machine: str, url: str) -> tuple[int, str]:
    """Return status and text of what *machine* is answered at *url*."""
    status, _, text = lab.exec(machine, sys.executable, "-c", ASK, url).partition("\n")
    return int(status), text


def scrape(lab: Bed, machine: str, where: str) -> Mapping[str, Samples]:
    """Return the samples by name, and by the values of their labels."""
    status, text = ask(lab, machine, f"http://{where}/metrics")
    assert status == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in families(text):
        for one in family.samples:
            labels = tuple(value for _, value in sorted(one.labels.items()))
            found.setdefault(one.name, {})[labels] = one.value
    return found


def ready(lab: Bed, machine: str, base: str) -> bool:
    return ask(lab, machine, f"{base}/readyz")[0] == 200


def of_manager(lab: Bed, name: str) -> Samples:
    return scrape(lab, "router", f"{cluster.MANAGER}:{MANAGER_HTTP}")[f"pointsman_{name}"]


def test_a_manager_shows_what_it_does(lab: Bed) -> None:
    cluster.make(lab, "web")
    cluster.settled(lab, "web")
    lab.wait("an announced Service", lambda: of_manager(lab, "services")["announced",] == 1)
    lab.wait("no drift", lambda: of_manager(lab, "drift_paths")["tor-1",] == 0)
    assert of_manager(lab, "is_leader") == {(): 1}
    assert of_manager(lab, "bgp_session_up") == {("tor-1", "manager"): 1}
    assert of_manager(lab, "event_to_route_seconds_count")[()] >= 1
    assert of_manager(lab, "plan_seconds_count")[()] >= 1
    assert of_manager(lab, "api_requests_total")["200", "patch"] >= 1
    assert of_manager(lab, "api_held_back") == {(): 0}
    assert {("services",), ("nodes",), ("eips",)} <= of_manager(lab, "watch_age_seconds").keys()


def test_a_session_that_ends_is_counted(lab: Bed) -> None:
    flaps = of_manager(lab, "bgp_session_flaps_total")["tor-1", "manager"]
    lab.exec("router", "vtysh", "-c", "clear bgp *")
    lab.wait(
        "one flap more",
        lambda: of_manager(lab, "bgp_session_flaps_total")["tor-1", "manager"] > flaps,
    )
    lab.wait("the session", lambda: of_manager(lab, "bgp_session_up")["tor-1", "manager"] == 1)


def test_health_and_readiness_of_both_programs(lab: Bed) -> None:
    for machine, port in (("manager", MANAGER_HTTP), ("node1", AGENT_HTTP)):
        base = f"http://{HERE}:{port}"
        lab.wait("readiness", partial(ready, lab, machine, base))
        assert ask(lab, machine, f"{base}/healthz") == (200, "ok\n")
    assert "pointsman_build_info" in scrape(lab, "node1", f"{HERE}:{AGENT_HTTP}")


def test_the_plan_is_shown_to_its_own_host_alone(lab: Bed) -> None:
    status, text = ask(lab, "manager", f"http://{HERE}:{MANAGER_HTTP}/debug/plan")
    assert status == 200
    assert "public" in json.loads(text)["eips"]
    status, text = ask(lab, "router", f"http://{cluster.MANAGER}:{MANAGER_HTTP}/debug/plan")
    assert (status, "for this machine alone" in text) == (403, True)


@pytest.mark.parametrize(("machine", "port"), [("manager", MANAGER_HTTP), ("node1", AGENT_HTTP)])
def test_every_metric_has_a_name_of_ours_a_type_and_a_sentence(
    lab: Bed, machine: str, port: int
) -> None:
    status, text = ask(lab, machine, f"http://{HERE}:{port}/metrics")
    assert status == 200
    part = find("prometheus")
    judged = subprocess.run(
        [*part.command(part.path), "check", "metrics"],
        env={**part.environment()}, input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")
    for family in families(text):
        assert family.name.startswith(("pointsman_", "process_"))
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram")
