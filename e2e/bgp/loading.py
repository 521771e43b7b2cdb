"""Routers that run what we print: a configuration loaded whole, then taken back.

What a router refuses, or only grumbles at, fails the test with the router's own words.
"""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from lab.network.topology import SECOND_ROUTER, RouterKind
from lab.parts import CHECKOUT
from lab.routers.frr import Frr

LISTS = re.compile(r"^((?:ip|ipv6) prefix-list \S+)", re.MULTILINE)
STATIC = re.compile(r"^(?:ip|ipv6) route ", re.MULTILINE)


def printed(lab: Bed, kind: str, peer: str) -> str:
    """Return what `pointsman plan --router-config` prints for the lab's cluster."""
    words = [sys.executable, "-m", "cli", "plan", "--router-config", kind, "--peer", peer]
    words += ["--kubeconfig", str(lab.kubeconfig)]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def checked(lab: Bed) -> list[dict[str, Any]]:
    """Return the clauses that `pointsman peers --check` finds, the speaker asked too."""
    words = [sys.executable, "-m", "cli", "peers", "--check", "-o", "json"]
    words += ["--kubeconfig", str(lab.kubeconfig)]
    words += ["--gobgp-socket", str(lab.folder("sidecar") / "gobgp.sock")]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return list(json.loads(done.stdout)["clauses"])


# --- FRR ---


@contextlib.contextmanager
def frr(lab: Bed, text: str) -> Iterator[None]:
    """Have the FRR run with *text* and nothing of BGP besides."""
    with contextlib.ExitStack() as more:
        if STATIC.search(text):
            for daemon in _for_static_routes(lab):
                more.enter_context(_beside(lab, daemon))
        routers.vtysh(lab, "configure terminal", "no router bgp")
        try:
            load(lab, text)
            yield
        finally:
            again(lab)
            for name in sorted(set(LISTS.findall(text))):
                routers.vtysh(lab, "configure terminal", f"no {name}")


def again(lab: Bed) -> None:
    """Have bgpd begin again, with what its file says."""
    before = lab.process("bgpd")["pid"]
    lab.kill("bgpd")
    lab.wait("another bgpd", lambda: lab.process("bgpd")["pid"] not in (before, None))
    lab.wait("its file", lambda: "router bgp" in routers.vtysh(lab, "show running-config"))


def load(lab: Bed, text: str) -> None:
    """Have vtysh read *text*: checked first, then in earnest."""
    file = home(lab) / "printed.conf"
    file.write_text(text)
    program = "vtysh"
    for how in (("-C", "-f"), ("-f",)):
        answer = lab.exec("router", program, *how, str(file))
        assert "%" not in answer, answer


def home(lab: Bed) -> Path:
    return lab.folder("router")


def _first(lab: Bed) -> Frr:
    return Frr(labs.router_part(RouterKind.FRR), home(lab))


def _for_static_routes(lab: Bed) -> list[str]:
    by_mgmtd = _first(lab).takes_static_routes_by_mgmtd()
    return ["mgmtd", "staticd"] if by_mgmtd else ["staticd"]


@contextlib.contextmanager
def _beside(lab: Bed, daemon: str) -> Iterator[None]:
    """Run one more of FRR's daemons beside the lab's, as its bgpd is run."""
    router = _first(lab)
    command = router.daemon(daemon)
    (home(lab) / f"{daemon}.conf").touch()
    with (home(lab) / f"{daemon}.log").open("wb") as words:
        process = subprocess.Popen(lab.command("router", command), stdout=words, stderr=words)
    socket = router.socket(daemon)
    try:
        lab.wait(daemon, socket.exists)
        yield
    finally:
        process.kill()
        process.wait()
        socket.unlink(missing_ok=True)  # vtysh would wait for nobody


# --- BIRD ---


@contextlib.contextmanager
def bird(lab: Bed, text: str) -> Iterator[None]:
    """Have the second router run with *text* and nothing besides."""
    file = lab.folder(SECOND_ROUTER) / "printed.conf"
    file.write_text(text)
    checked = routers.birdc(lab, "configure", "check", f'"{file}"')
    assert "Configuration OK" in checked, checked
    with routers.configured(lab, text):
        yield


# --- what then comes of it ---


def kernel(lab: Bed, machine: str, prefix: str, nodes: str) -> None:
    """Wait until exactly those nodes are the next hops of *prefix* in a router's kernel."""
    wanted = cluster.hops(lab, nodes, 6 if ":" in prefix else 4)

    def look() -> bool:
        found = lab.gateways(prefix, machine=machine)
        if found != wanted:
            raise Broken(f"the next hops of {prefix} are {sorted(found)}, not {sorted(wanted)}")
        return True

    lab.wait(f"{prefix} at {machine}", look)


def discarded(lab: Bed, machine: str, prefix: str) -> None:
    """Wait until the router's kernel discards what goes to *prefix*."""
    family = "-6" if ":" in prefix else "-4"
    command = ("ip", family, "route", "show", "exact", prefix)
    lab.wait(f"the discard of {prefix}", lambda: "blackhole" in lab.exec(machine, *command))
