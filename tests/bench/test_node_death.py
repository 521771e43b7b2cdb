"""2,000 addresses of layer 2 on three nodes, one of which loses its power: figures.

The whole product in the lab; the stand-in API, Pods and tcpdump share the machine with it, and
forwarding rules are left out. The addresses are of no network of the LAN (`layer2.interface` says
where they are answered for), so nobody but tcpdump listens. Time runs from the power cut to each
address's first announcement by another node, by tcpdump's clock.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from time import sleep

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.layer2 import lan
from lab.errors import Broken
from lab.handle import Lab
from lab.options import Options
from lab.supervision.processes import process_status
from tests.bench.many_services import SLICES, piece, service

pytestmark = pytest.mark.bench
COUNT = int(os.environ.get("ADDRESSES", "2000"))
PATIENCE_S, DAY_S = 900, 86_400
NODE = "node2"
ANNOUNCED = re.compile(r"^(\S+) (\S+) > ff:ff:ff:ff:ff:ff.* who-has (\S+) tell \3,")


def assigned(lab: Lab) -> Mapping[str, frozenset[str]]:
    """Return by node the addresses that it is told to answer for."""
    listed = lab.api.get(f"{cluster.CRS}/announcers")["items"]
    return {
        one["metadata"]["name"]: frozenset(
            address
            for entry in one.get("spec", {}).get("assignments", ())
            for address in entry["addresses"]
        )
        for one in listed
    }


def complete(lab: Lab) -> bool:
    """Whether all addresses are somebody's, and the agents have taken that up."""
    if (count := sum(map(len, assigned(lab).values()))) != COUNT:
        raise Broken(f"{count} of {COUNT} addresses are assigned")
    for one in lab.api.get(f"{cluster.CRS}/announcers")["items"]:
        executed = one.get("status", {}).get("observedGeneration")
        if executed != one["metadata"]["generation"]:
            raise Broken(f"{one['metadata']['name']} executes {executed}")
    return True


def grow(lab: Lab) -> None:
    def make(number: int) -> None:
        lab.api.create(SLICES, piece(lab, f"many-{number:05}", serving=True))
        lab.api.create(cluster.SERVICES, service(f"many-{number:05}"))

    cluster.each(range(COUNT), make)
    lab.wait("all addresses at their nodes", lambda: complete(lab), timeout_s=PATIENCE_S)


def first_announcements(
    lines: list[str], lost: frozenset[str], *, since_s: float, of: str
) -> list[float]:
    """Return after how many seconds each address of *lost* was announced by another than *of*.

    *since_s*: of the day, as tcpdump's lines have it.
    """
    found: dict[str, float] = {}
    for line in lines:
        one = ANNOUNCED.match(line)
        if one is not None and one[2] != of and one[3] in lost:
            found.setdefault(one[3], (of_the_day_s(time.fromisoformat(one[1])) - since_s) % DAY_S)
    return sorted(found.values())


def of_the_day_s(at: time) -> float:
    return 3600 * at.hour + 60 * at.minute + at.second + at.microsecond / 1e6


def silent(heard: lan.Capture) -> bool:
    """Whether nothing of the addresses was said for two seconds."""
    before = sum("198.18." in line for line in heard.lines)
    sleep(2.0)
    return sum("198.18." in line for line in heard.lines) == before


def agents_mib(lab: Lab) -> list[float]:
    pids = [lab.process(f"agent:{node.name}")["pid"] for node in lab.topology.nodes]
    return [int(process_status(pid)["VmRSS"].split()[0]) / 1024 for pid in pids]


def test_a_node_with_a_third_of_the_addresses_dies(say: Say) -> None:
    options = replace(Options(), name=labs.fresh(), without=("proxy",))
    options = replace(options, agent_args=("--proxy-health=off",))
    with Lab.up(options, attached=True) as lab:
        cluster.prepare(lab)
        lan.eip(lab, "bulk", "198.18.0.0/20", interface="eth0", conflictCheck=False)
        grow(lab)
        memory = agents_mib(lab)
        lost, mac = assigned(lab)[NODE], lan.mac_of(lab, NODE)
        with lan.capturing(lab, "death") as heard:
            lab.wait("tcpdump", lambda: lan.macs(lab, "192.0.2.11") and heard.lines)
            # All rounds are over, and the rate's burst is whole again.
            lab.wait("silence", lambda: silent(heard), timeout_s=PATIENCE_S)
            since_s = of_the_day_s(datetime.now().astimezone().time())
            lab.fail(NODE)

            def all_announced() -> list[float]:
                found = first_announcements(heard.lines, lost, since_s=since_s, of=mac)
                if len(found) != len(lost):
                    raise Broken(f"{len(found)} of {len(lost)} are announced")
                return found

            took_s = lab.wait("all announced", all_announced, timeout_s=120)
    say(
        f"{len(lost)} of {COUNT} addresses were the dead node's; announced by another: the first "
        f"after {took_s[0]:.2f} s, half after {took_s[len(took_s) // 2]:.2f} s, the last after "
        f"{took_s[-1]:.2f} s; agents before it: {', '.join(f'{one:.1f}' for one in memory)} MiB"
    )
