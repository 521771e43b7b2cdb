"""A lab comes, and goes without a trace, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.handle import Lab
from lab.network.topology import RouterKind
from lab.options import Options
from lab.parts import CHECKOUT
from lab.supervision import lifecycle
from pointsman.runtime.errors import Misuse

pytestmark = pytest.mark.lab

BARE = ("manager", "sidecar", "agents", "api", "pods")


def host() -> dict[str, str]:
    """Return what a lab could have changed of the machine it runs on."""

    def printed(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    sysctls = [p for p in Path("/proc/sys/net").rglob("*") if p.is_file() and readable(p)]
    return {
        "links": printed("ip", "-br", "link"),
        "addresses": printed("ip", "-br", "addr"),
        "routes": printed("ip", "route") + printed("ip", "-6", "route"),
        "rules": printed("nft", "list", "ruleset"),
        "sysctls": "\n".join(f"{p}={value(p)}" for p in sorted(sysctls)),
    }


def readable(path: Path) -> bool:
    return os.access(path, os.R_OK) and path.name not in ("stat", "nf_conntrack_count")


def value(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def running(name: str) -> list[str]:
    """Return the command lines that mention the lab called *name*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if any(f"/{name}/" in word or f"pm-{name}-" in word for word in words):
                found.append(" ".join(words))
    return found


def test_up_and_down_leave_the_host_as_it_was(fresh_name: Callable[[], str]) -> None:
    name, before = fresh_name(), host()
    began = time.monotonic()
    lab = Lab.up(Options(name=name, without=("manager", "sidecar", "agents")))
    assert time.monotonic() - began < 90  # 4 s on an idle machine; here it has company
    assert len(lifecycle.traces(name)) == 11
    assert all(process["state"] == "running" for process in lab.status()["processes"])
    assert host() == before
    lab.down()
    assert (lifecycle.traces(name), running(name)) == ([], [])
    assert host() == before


def test_a_second_up_is_the_same_lab_or_misuse(
    fresh_name: Callable[[], str], capfd: pytest.CaptureFixture[str]
) -> None:
    name = fresh_name()
    words = ["up", "--detach", "--name", name, "--nodes", "1", "--without", ",".join(BARE)]
    assert main(words) == 0
    pid = Lab.running(name).status()["pid"]
    assert main(words) == 0
    assert Lab.running(name).status()["pid"] == pid
    words[words.index("1")] = "2"
    assert main(words) == 2
    assert "nodes: 1, not 2" in capfd.readouterr().err
    assert main(["down", "--name", name]) == 0
    assert lifecycle.traces(name) == []


def test_labs_run_side_by_side(fresh_name: Callable[[], str]) -> None:
    options = Options(name=fresh_name(), without=("manager", "sidecar", "agents"))
    other = Options(name=fresh_name(), nodes=1, without=options.without, router=RouterKind.BIRD)
    with Lab.up(options) as one, Lab.up(other) as two:
        assert len(one.api.get("/api/v1/nodes")["items"]) == 3
        assert len(two.api.get("/api/v1/nodes")["items"]) == 1
        assert "bird" in {process["name"] for process in two.status()["processes"]}
        assert "manager_v4" in two.exec("router", "birdc", "show", "protocols")
        two.down()
        assert one.get("10.244.2.10", 8080, machine="node1")[0] == "node2"


def test_two_subnets_meet_at_the_router(fresh_name: Callable[[], str]) -> None:
    without = ("manager", "sidecar", "agents", "api")
    with Lab.up(Options(name=fresh_name(), subnets=2, without=without)) as lab:
        for pod in lab.topology.nodes[1].pods[0]:
            assert lab.get(str(pod.ip), 8080, machine="node1")[0] == "node2"
            assert lab.get(str(pod.ip), 8080, machine="client")[0] == "node2"


def test_two_racks_meet_at_the_spine(fresh_name: Callable[[], str]) -> None:
    without = ("manager", "sidecar", "agents", "api")
    with Lab.up(Options(name=fresh_name(), racks=2, without=without)) as lab:
        for pod in lab.topology.nodes[1].pods[0]:
            assert lab.get(str(pod.ip), 8080, machine="node1")[0] == "node2"
            assert lab.get(str(pod.ip), 8080, machine="client")[0] == "node2"
        programs = {process["name"] for process in lab.status()["processes"]}
        assert {"bgpd", "bgpd:tor1", "bird:tor2"} <= programs
        assert "router_v4" in lab.exec("tor2", "birdc-tor2", "show", "protocols")
        lab.wait("both racks at the spine", lambda: _established(lab) == 4)
        logs = [log.stem for log in lab.log_files("tor1")]
        assert logs == ["bfdd-tor1", "bgpd-tor1", "zebra-tor1"]


def _established(lab: Lab) -> int:
    """Return how many of the spine's sessions are up."""
    families = json.loads(lab.exec("router", "vtysh", "-c", "show bgp summary json"))
    peers = [p for family in families.values() for p in family.get("peers", {}).values()]
    return sum(peer["state"] == "Established" for peer in peers)


def foreground(name: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lab", "up", "--name", name, *more]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "until",
    [
        pytest.param("wires", id="while the wires are laid"),
        pytest.param("API", id="while the API starts"),
        pytest.param("Nodes", id="while objects are made"),
        pytest.param("Ctrl-C", id="once it is up"),
    ],
)
def test_ctrl_c_leaves_nothing(
    fresh_name: Callable[[], str], until: str, number: signal.Signals
) -> None:
    name = fresh_name()
    process = foreground(name, "--without", "manager,sidecar,agents")
    assert process.stdout is not None
    with process.stdout as lines:
        while until not in (line := lines.readline()):
            assert line, "it ended before"
        process.send_signal(number)
        lines.read()
    assert process.wait(30) in (0, 1)
    assert (lifecycle.traces(name), running(name)) == ([], [])


def test_whoever_takes_down_what_it_started_leaves_nothing_open(
    fresh_name: Callable[[], str],
) -> None:
    """As a run of tests does, lab after lab: no pipe to a supervisor, and no zombie."""
    program = (
        "from lab.options import Options; from lab.supervision import lifecycle\n"
        f"options = Options(name={fresh_name()!r}, without={BARE!r})\n"
        "lifecycle.start(options, attached=True, progress=print)\n"
        "lifecycle.down(options.name)\n"
    )
    command = [sys.executable, "-X", "dev", "-c", program]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "ResourceWarning" not in done.stderr


def gone(name: str) -> None:
    until = time.monotonic() + 60
    while lifecycle.traces(name) or running(name):
        assert time.monotonic() < until, (lifecycle.traces(name), running(name))
        time.sleep(0.05)


def test_a_foreground_lab_goes_with_its_command(fresh_name: Callable[[], str]) -> None:
    name = fresh_name()
    process = foreground(name, "--without", ",".join(BARE))
    assert process.stdout is not None
    with process.stdout as lines:
        while "Ctrl-C" not in lines.readline():
            assert process.poll() is None
    process.kill()
    process.wait()
    gone(name)


def test_down_cleans_up_after_a_killed_supervisor(fresh_name: Callable[[], str]) -> None:
    name = fresh_name()
    lab = Lab.up(Options(name=name, without=("manager", "agents")))
    os.kill(lab.status()["pid"], signal.SIGKILL)
    assert lifecycle.down(name)
    gone(name)


def test_what_cannot_be_built_leaves_nothing(fresh_name: Callable[[], str]) -> None:
    """A cluster that holds somebody's Node is refused, after everything else stood."""
    name = fresh_name()
    with Lab.up(Options(name=fresh_name(), nodes=1, without=(*BARE[:3], "pods"))) as other:
        foreign = ["up", "--detach", "--name", name, "--kubeconfig", str(other.kubeconfig)]
        assert main(foreign) == 2
        with pytest.raises(Misuse, match="holds Node 'node1', which lab"):
            Lab.up(foreign_options(name, other))
        assert other.api.get("/api/v1/nodes/node1")  # and it is still there
    assert (lifecycle.traces(name), running(name)) == ([], [])


def foreign_options(name: str, other: Lab) -> Options:
    stored = json.loads(Options(name=name).to_json())
    stored |= {"api": "kubeconfig", "api_path": str(other.kubeconfig)}
    return Options.from_json(json.dumps(stored))
