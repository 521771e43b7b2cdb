"""`pointsman node drain --wait` returns when the router is rid of the node, and never before."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conftest import Say
from e2e import cluster
from e2e.addresses import words
from e2e.bed import Bed
from e2e.route_events import RouteEvents, session
from lab.options import Options

pytestmark = pytest.mark.lab
ROOT = Path(__file__).parents[2]
ADDRESSES = {"node1": "192.0.2.11", "node2": "192.0.2.12", "node3": "192.0.2.13"}
SPEAKERS = ("192.0.2.10", "192.0.2.9")


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2)


@pytest.fixture
def quick(lab: Bed) -> Iterator[Bed]:
    """The lab; what a drain marks is withdrawn a second later, not five."""
    path = f"{cluster.CRS}/bgpconfs/default"
    lab.api.merge(path, {"spec": {"gracefulShutdownSeconds": 1}})
    yield lab
    lab.api.merge(path, {"spec": {"gracefulShutdownSeconds": None}})


def pointsman(lab: Bed, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *words, "--kubeconfig", str(lab.kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def next_hops(lab: Bed, address: str) -> set[str]:
    """Return which nodes the kernel of the router sends to."""
    text = lab.exec("router", "ip", "route", "show", f"{address}/32")
    return {node for node, one in ADDRESSES.items() if f"via {one} " in text}


def test_what_is_told_is_gone_when_the_command_returns(lab: Bed, say: Say) -> None:
    for speaker in SPEAKERS:
        lab.wait("a session", partial(session, lab, speaker))
    cluster.make(lab, "web")
    web = cluster.settled(lab, "web")
    lab.wait("all nodes", lambda: next_hops(lab, web) == set(ADDRESSES))
    with RouteEvents(lab) as events:
        drained = pointsman(lab, "node", "drain", "node1", "--wait", "60s")
        left = next_hops(lab, web)
    assert (drained.returncode, drained.stderr) == (0, "")
    assert "Node node1 is out of all routes" in drained.stdout
    assert left == {"node2", "node3"}
    assert not [line for line in events.about(f"{web}/32") if line.startswith("Deleted")]
    undrained = pointsman(lab, "node", "undrain", "node1")
    assert (undrained.returncode, undrained.stdout) == (0, "Node node1 no longer drains.\n")
    lab.wait("all nodes again", lambda: next_hops(lab, web) == set(ADDRESSES))


def test_the_router_turns_away_before_the_paths_go(lab: Bed) -> None:
    cluster.make(lab, "web")
    web = cluster.settled(lab, "web")
    lab.wait("all nodes", lambda: next_hops(lab, web) == set(ADDRESSES))
    # Until it was seen: a busy machine does not look every five seconds.
    path = f"{cluster.CRS}/bgpconfs/default"
    lab.api.merge(path, {"spec": {"gracefulShutdownSeconds": 120}})
    assert pointsman(lab, "node", "drain", "node1").returncode == 0
    lab.wait("a marked path of both", lambda: marked(lab, web) == ["192.0.2.11"] * 2)
    assert next_hops(lab, web) == {"node2", "node3"}
    lab.api.merge(path, {"spec": {"gracefulShutdownSeconds": None}})
    lab.wait("the paths gone", lambda: marked(lab, web) == [])
    lab.wait("all of them", lambda: "192.0.2.11" not in advertised(lab, web))
    assert pointsman(lab, "node", "undrain", "node1").returncode == 0


def paths(lab: Bed, address: str) -> list[Any]:
    command = f"show bgp ipv4 unicast {address}/32 json"
    found: list[Any] = json.loads(lab.exec("router", "vtysh", "-c", command)).get("paths", [])
    return found


def marked(lab: Bed, address: str) -> list[str]:
    """Return the next hops whose paths bear the community graceful-shutdown."""
    return [
        one["nexthops"][0]["ip"]
        for one in paths(lab, address)
        if "gracefulShutdown" in json.dumps(one.get("community", {})).replace("-s", "S")
    ]


def advertised(lab: Bed, address: str) -> set[str]:
    return {one["nexthops"][0]["ip"] for one in paths(lab, address)}


def test_a_manager_that_does_not_answer_is_missing_not_forgotten(quick: Bed) -> None:
    lab = quick
    cluster.make(lab, "web")
    web = cluster.settled(lab, "web")
    lab.wait("all nodes", lambda: next_hops(lab, web) == set(ADDRESSES))
    lab.fail("manager2")
    try:
        found = pointsman(lab, "node", "drain", "node2", "--wait", "4s")
    finally:
        lab.heal("manager2")
    assert found.returncode == 1
    assert "! BgpPeer tor-1: speaker manager2 still tells it node2." in found.stdout
    lab.wait("node2 gone", lambda: "node2" not in next_hops(lab, web))
    assert pointsman(lab, "node", "drain", "node2", "--wait", "60s").returncode == 0
    assert pointsman(lab, "node", "undrain", "node2").returncode == 0


KNOCKER = """
import socket, sys, time
four, six = sys.argv[1:]
while True:
    with socket.socket() as tcp:
        tcp.settimeout(0.2)
        tcp.connect_ex((four, 80))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"anybody?", (six, 443))
    time.sleep(0.3)
"""
IDLER = """
import socket, sys
tcp = socket.create_connection((sys.argv[1], 80))
for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
    tcp.setsockopt(socket.IPPROTO_TCP, option, value)
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print("open", flush=True)
sys.stdin.read()
tcp.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
print(tcp.recv(12).decode(), flush=True)
"""


@contextmanager
def on_client(lab: Bed, program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program of Python on the client as long as the context lasts."""
    command = lab.command("client", [sys.executable, "-c", program, *arguments])
    process = subprocess.Popen(
        command, env=lab.environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def stubborn(lab: Bed, four: str, six: str) -> Iterator[None]:
    """Have the router send two addresses to node1, whatever it is told."""
    routes = [("-4", f"{four}/32", "192.0.2.11"), ("-6", f"{six}/128", "2001:db8:2::11")]
    for family, prefix, via in routes:
        lab.exec("router", "ip", family, "route", "add", prefix, "via", via, "metric", "5")
    try:
        yield
    finally:
        for family, prefix, via in routes:
            lab.exec("router", "ip", family, "route", "del", prefix, "via", via, "metric", "5")


def lines_of(path: Path) -> set[str]:
    """Return who comes to what, of what was said until now, without the times."""
    return {line.partition(", last at")[0] for line in path.read_text().splitlines()}


def test_who_goes_on_coming_is_named_and_quiet_is_waited_for(quick: Bed, tmp_path: Path) -> None:
    lab = quick
    words.eip(lab, "six", "2001:db8:100::64", default=True)
    cluster.make(lab, "web", ipFamilyPolicy="RequireDualStack")
    four, six = cluster.held(lab, "web", 2)
    cluster.settled(lab, "web")
    lab.wait("all nodes", lambda: next_hops(lab, four) == set(ADDRESSES))
    command = [
        *(sys.executable, "-m", "cli", "node", "drain", "node1", "--wait", "5m", "--quiet", "4s"),
        *("--kubeconfig", str(lab.kubeconfig)),
    ]
    out, err = tmp_path / "out", tmp_path / "err"
    with (
        stubborn(lab, four, six),
        on_client(lab, IDLER, four) as idle,
        on_client(lab, KNOCKER, four, six) as knocks,
        out.open("w") as out_file,
        err.open("w") as err_file,
    ):
        assert idle.stdout is not None
        assert idle.stdout.readline() == "open\n"
        draining = subprocess.Popen(command, stdout=out_file, stderr=err_file)
        try:
            wanted = {
                f"203.0.113.10 still comes to {four} (default/web)",
                f"2001:db8:3::10 still comes to {six} (default/web)",
            }
            lab.wait("both named", lambda: lines_of(err) >= wanted)
            lab.wait("node1 gone elsewhere", lambda: "192.0.2.11" not in advertised(lab, four))
            began = looked_until(lab)
            enough = timedelta(seconds=6)  # more than is to be quiet
            lab.wait("six seconds of it", lambda: looked_until(lab) >= began + enough)
            assert draining.poll() is None
            knocks.kill()
            stopped_s = time.monotonic()
            assert draining.wait(timeout=120) == 0
            quiet_s = time.monotonic() - stopped_s
        finally:
            draining.kill()
            draining.wait()
        # Its keep-alives went through node1 all the while.
        assert idle.communicate("", timeout=30)[0] == "HTTP/1.1 200\n"
    assert quiet_s >= 3.5  # less what the knocker sent before it was gone
    assert lines_of(err) == wanted
    assert "No new flow has come to it for 4s, as its agent says." in out.read_text()
    assert pointsman(lab, "node", "undrain", "node1").returncode == 0
    lab.wait("nothing is looked for", lambda: not {"watched"} & announcer(lab)["spec"].keys())
    lab.wait(
        "nor spoken of",
        lambda: not {"arriving", "quiet"} & announcer(lab)["status"].keys(),
    )


def looked_until(lab: Bed) -> datetime:
    """Return until when the agent of node1 says that it has looked."""
    return datetime.fromisoformat(announcer(lab)["status"]["quiet"]["until"])


def announcer(lab: Bed) -> Any:
    return lab.api.get(f"{cluster.CRS}/announcers/node1")


XDP = """
import socket, sys
from tests.pointsman.net import xdp
index = socket.if_nametoindex("eth0")
xdp.detach(index) if sys.argv[1] == "off" else xdp.attach(index, xdp.XDP_PASS)
"""


def test_where_xdp_may_take_packets_it_is_not_measurable(quick: Bed) -> None:
    lab = quick
    cluster.make(lab, "web")
    cluster.settled(lab, "web")
    lab.exec("node1", "env", f"PYTHONPATH={ROOT}", sys.executable, "-c", XDP, "on")
    try:
        found = pointsman(lab, "node", "drain", "node1", "--wait", "100s", "--quiet", "10s")
    finally:
        lab.exec("node1", "env", f"PYTHONPATH={ROOT}", sys.executable, "-c", XDP, "off")
    assert found.returncode == 1
    assert "is not measurable here: An XDP program on eth0 may take packets" in found.stdout
    assert pointsman(lab, "node", "undrain", "node1").returncode == 0


def test_the_last_one_stays_and_that_is_said(quick: Bed) -> None:
    lab = quick
    cluster.make(lab, "web")
    web = cluster.settled(lab, "web")
    for node in ("node1", "node2"):
        assert pointsman(lab, "node", "drain", node, "--wait", "60s").returncode == 0
    last = pointsman(lab, "node", "drain", "node3", "--wait", "60s")
    assert last.returncode == 1
    assert (
        "! Node node3 goes on carrying default/web: no node that doesn't drain can." in last.stdout
    )
    lab.wait("all that drain stay", lambda: next_hops(lab, web) == set(ADDRESSES))
    for node in ADDRESSES:
        assert pointsman(lab, "node", "undrain", node).returncode == 0
