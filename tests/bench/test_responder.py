"""What answering ARP and NDP costs a node: beside a flood of others' questions, and the kernel.

Two namespaces and a cable; who asks, and who answers, are processes of their own. What the kernel
spends on a flood (it looks at each broadcast as well) is not counted: it would without us.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from conftest import Say
from lab.network import netns
from pointsman.model.address import Address
from tests.pointsman.net.wires import cable

pytestmark = [pytest.mark.bench, pytest.mark.lab]
ROOT = Path(__file__).parents[2]
ADDRESSES = 100
FLOOD, OURS, SECONDS = 100_000, 100, 5.0
KERNELS = {4: ip_address("192.0.2.11"), 6: ip_address("2001:db8:2::11")}
OURS_FROM = {4: ip_address("192.0.2.100"), 6: ip_address("2001:db8:2::100")}


@dataclass
class Bench:
    """Who answers in one namespace, and how to ask from another."""

    namespace: str
    process: subprocess.Popen[str]

    def cpu(self) -> tuple[float, int]:
        """Return the seconds of CPU time that it has used, and how many frames it lost."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        spent, lost = self.process.stdout.readline().split()
        return int(spent) / 1e9, int(lost)

    def load(self, what: str, *words: str) -> dict[str, Any]:
        """Run the load to its end; return what it prints, with the CPU time of who answered."""
        before_s, lost = self.cpu()
        found: dict[str, Any] = json.loads(
            subprocess.run(
                command(self.namespace, "tests.bench.arp_load", "far", what, *words),
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        after_s, after = self.cpu()
        return found | {"cpu_s": after_s - before_s, "lost": after - lost}


def command(namespace: str, module: str, *words: str) -> list[str]:
    return netns.entering(namespace, [sys.executable, "-m", module, *words])


def addresses(version: int, count: int) -> list[Address]:
    """Return so many that are no neighbors of each other: the filter has to tell them apart."""
    return [OURS_FROM[version] + 3 * n for n in range(count)]


@contextmanager
def bench(ours: list[Address]) -> Iterator[Bench]:
    with cable() as wires:
        wires.ip(
            *(
                f"addr add {one}/{24 if one.version == 4 else 64} dev near nodad"
                for one in KERNELS.values()
            )
        )
        # Who asks is known for good: an answer of the kernel waits for nothing.
        wires.ip("neigh add 192.0.2.1 lladdr 02:00:00:00:00:0b dev near nud permanent")
        process = subprocess.Popen(
            command(wires.namespace, "tests.bench.answering", "near", *map(str, ours)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Bench(wires.namespace, process)
        finally:
            process.communicate()  # its input ends


def percentiles(took_us: list[float]) -> str:
    cuts = statistics.quantiles(took_us, n=100)
    return f"p50 {cuts[49]:.0f} us, p99 {cuts[98]:.0f} us"


@pytest.mark.parametrize("version", [4, 6], ids=["arp", "ndp"])
def test_a_flood_of_foreign_questions(version: int, say: Say) -> None:
    ours = addresses(version, ADDRESSES)
    asked = [str(one) for one in ours]
    with bench(ours) as one:
        # The first frame shows that the link carries; and the series of announcements ends.
        one.load("flood", "--ours", *asked, "--rate", "20", "--seconds", "6")
        alone = one.load("flood", "--ours", *asked, "--rate", str(OURS))
        rates = ("--rate", str(OURS), "--foreign", str(FLOOD))
        both = one.load("flood", "--ours", *asked, *rates)
    for found in (alone, both):
        assert found["answered"] == found["asked"]
        assert found["lost"] == 0
    share = [100 * found["cpu_s"] / found["seconds"] for found in (alone, both)]
    say(
        f"IPv{version}: {both['foreign'] / both['seconds']:,.0f} foreign questions a second: "
        f"{share[1]:.2f} % of a core with {OURS} of ours a second, {share[0]:.2f} % without them;"
        f" {both['answered']} of {both['asked']} answered"
    )
    assert share[1] - share[0] <= 1.0


@pytest.mark.parametrize("version", [4, 6], ids=["arp", "ndp"])
def test_answers_beside_the_kernels(version: int, say: Say) -> None:
    ours = addresses(version, ADDRESSES)
    kernels = ("--kernel", str(KERNELS[version]))
    with bench(ours) as one:
        one.load("flood", "--ours", str(ours[0]), "--rate", "20", "--seconds", "6")
        found = one.load("turns", "--ours", str(ours[0]), *kernels, "--rate", "1000")
        most = one.load("flood", "--ours", *map(str, ours), "--rate", "4500")
    for which in ("ours", "kernel"):
        each = found[which]
        rate = len(each["took_us"]) / each["seconds"]
        say(f"IPv{version} {which}: {rate:.0f} replies/s, {percentiles(each['took_us'])}")
        assert each["lost"] == 0
    say(
        f"IPv{version}: {most['answered'] / most['seconds']:.0f} replies/s, "
        f"{1e6 * most['cpu_s'] / most['answered']:.0f} us of CPU time each"
    )
