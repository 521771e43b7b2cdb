"""Words for what a LAN knows of an address: who answers, what a kernel holds, what is lost.

Nothing here asks our own programs: arping, ndisc6 and kernels say what is so.
"""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGTERM

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.proxies import programmed
from lab.network.topology import POD_PORT
from lab.patience import PATIENCE_S

EIPS = {4: ("lan4", "192.0.2.200-192.0.2.220"), 6: ("lan6", "2001:db8:2::200-2001:db8:2::220")}
FAMILIES = (4, 6)
UDP_PORT = 81  # of the Service; the Pods hear it where they hear all
# Entries are refreshed every two seconds instead of each half minute (ip-sysctl.rst).
SHORT = {"base_reachable_time_ms": 1000, "delay_first_probe_time": 1}
USUAL = {"base_reachable_time_ms": 30_000, "delay_first_probe_time": 5}
TO_ALL = re.compile(r"> (ff:ff|33:33)")  # in a line of tcpdump


def prepare(lab: Bed) -> None:
    for name, addresses in EIPS.values():
        eip(lab, name, addresses)


def eip(lab: Bed, name: str, *addresses: str, **layer2: object) -> None:
    spec = {"addresses": list(addresses), "protocol": "layer2", "layer2": layer2}
    lab.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", name, spec))


def tidy(lab: Bed) -> None:
    patience(lab, USUAL)
    lab.exec("router", "ip", "neigh", "flush", "all", check=False)


def patience(lab: Bed, values: dict[str, int]) -> None:
    """Let the router's neighbor entries live as *values* say."""
    for family in ("ipv4", "ipv6"):
        set_kernel(lab, "router", **{f"{family}/neigh/eth0/{k}": v for k, v in values.items()})


def set_kernel(lab: Bed, machine: str, **values: int) -> None:
    """Set what /proc/sys/net of *machine* has; a bare Debian has no `sysctl`."""
    script = 'for one; do echo "${one#*=}" > "/proc/sys/net/${one%%=*}"; done'
    words = [f"{name}={value}" for name, value in values.items()]
    lab.exec(machine, "sh", "-ec", script, "sh", *words)


def serve(lab: Bed, name: str, *pods: str, eip: str = "", family: int = 4, **spec: object) -> str:
    """Create a Service of HTTP and datagrams; return its address once it is up on each node."""
    ports = [
        {"name": "http", "port": 80, "targetPort": POD_PORT, "protocol": "TCP"},
        {"name": "echo", "port": UDP_PORT, "targetPort": POD_PORT, "protocol": "UDP"},
    ]
    families = {"ipFamilies": [f"IPv{family}"], "ipFamilyPolicy": "SingleStack"}
    notes = {"eip": eip or EIPS[family][0]}
    cluster.make(lab, name, *pods, notes=notes, ports=ports, **families, **spec)
    address = cluster.held(lab, name)[0]
    cluster.reported(lab, name, "Announced", "True", "Announced")
    lab.wait(f"an answer of {name}", lambda: lab.get(address))
    programmed(lab, address, *(node.name for node in lab.topology.nodes))
    return address


# --- who answers ---


AT_ONCE = 10  # arpings side by side: each sends one question a second


def macs(lab: Bed, address: str, *, machine: str = "router", count: int = 2) -> Counter[str]:
    """Return who answers *machine* for *address*, and how often, of *count* questions or more."""
    if ":" in address:
        ask = ("ndisc6", "-m", "-r", "1", "-w", "300", address, "eth0")
        out = "".join(lab.exec(machine, *ask, check=False) for _ in range(count))
        found = re.findall(r"address: ([0-9A-F:]{17})", out)
    else:
        # -b: everybody is asked, each time. Two, because after one answer it would not listen on.
        side_by_side = min(AT_ONCE, -(-count // 2))
        each = -(-count // side_by_side)
        words = ("arping", "-b", "-I", "eth0", "-c", str(each), "-w", str(each + 1), address)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outs = pool.map(lambda _: lab.exec(machine, *words, check=False), range(side_by_side))
            out = "".join(outs)
        found = re.findall(r"\[([0-9A-F:]{17})\]", out)
    return Counter(mac.lower() for mac in found)


def owner(lab: Bed, address: str) -> str:
    """Return the node whose MAC answers; Broken: nobody's, or more than one does."""
    found = macs(lab, address)
    if len(found) != 1:
        raise Broken(f"{address} is answered by {dict(found)}")
    return node_of(lab, next(iter(found)))


def answered(lab: Bed, address: str) -> str:
    """Wait until exactly one node answers for *address*; return which."""
    return lab.wait(f"one MAC for {address}", lambda: owner(lab, address))


def node_of(lab: Bed, mac: str) -> str:
    for node in lab.topology.nodes:
        if mac in lab.exec(node.name, "ip", "link", "show", "eth0"):
            return node.name
    raise Broken(f"{mac} is no node's")


def mac_of(lab: Bed, machine: str) -> str:
    (link,) = json.loads(lab.exec(machine, "ip", "-j", "link", "show", "eth0"))
    return str(link["address"])


def neighbor(lab: Bed, address: str, *, machine: str = "router") -> str:
    """Return the MAC that the kernel of *machine* has for *address*, "" for none."""
    entries = json.loads(lab.exec(machine, "ip", "-j", "neigh", "show", address) or "[]")
    return str(entries[0].get("lladdr", "")) if entries else ""


def moved(lab: Bed, address: str, *, away_from: str) -> str:
    """Wait until the router's kernel sends what is for *address* to another node; return which."""
    before = mac_of(lab, away_from)

    def look() -> str:
        mac = neighbor(lab, address)
        if mac in ("", before):
            raise Broken(f"the router has {mac or 'nothing'} for {address}")
        return mac

    return node_of(lab, lab.wait(f"another MAC for {address}", look))


# --- what a kernel says of its neighbors meanwhile ---


@dataclass
class Monitor:
    """`ip monitor neigh` on a machine: what became of the entry of each address."""

    path: Path

    def states(self, address: str) -> Counter[str]:
        """Return how often the entry of *address* got into each state."""
        return Counter(
            line.split()[-1]
            for line in self.path.read_text().splitlines()
            if f"{address} dev" in line
        )


@contextlib.contextmanager
def monitoring(lab: Bed, name: str, *, machine: str = "router") -> Iterator[Monitor]:
    path = lab.folder("layer2") / f"{name}.neigh"
    with _running(lab, machine, ["ip", "monitor", "neigh"], path):
        yield Monitor(path)


@dataclass
class Capture:
    """tcpdump's lines: frames about one address."""

    path: Path
    own: str  # the MAC of the machine

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    def asked(self, address: str) -> tuple[int, int]:
        """Return how often the machine asked everybody for *address*, and how often one alone."""
        asked = [line for line in self.lines if self._asks(line, address)]
        to_all = [line for line in asked if TO_ALL.search(line)]
        return len(to_all), len(asked) - len(to_all)

    def answer(self, address: str, *, after: int) -> str:
        """Return the first answer to what the machine asked everybody after so many lines.

        What it asked of one alone before is answered meanwhile, too, and announcements come.
        """
        lines = iter(self.lines[after:])
        any(self._asks(line, address) and TO_ALL.search(line) for line in lines)
        return next((one for one in _replies(lines, address) if f" > {self.own}" in one), "")

    def replies(self, address: str) -> list[str]:
        """Return the lines of answers about *address*, and of what was announced of it."""
        return list(_replies(self.lines, address))

    def _asks(self, line: str, address: str) -> bool:
        words = (f"who-has {address}", f"neighbor solicitation, who has {address}")
        return f" {self.own} > " in line and any(word in line for word in words)


def _replies(lines: Iterable[str], address: str) -> Iterator[str]:
    words = (f"Reply {address} is-at", f"neighbor advertisement, tgt is {address}")
    return (line for line in lines if any(word in line for word in words))


@contextlib.contextmanager
def capturing(lab: Bed, name: str, *, machine: str = "router") -> Iterator[Capture]:
    """See ARP and NDP on *machine*'s side of the LAN."""
    path = lab.folder("layer2") / f"{name}.frames"
    command = ["tcpdump", "--immediate-mode", "-nnel", "-i", "eth0", "arp or icmp6"]
    with _running(lab, machine, command, path):
        yield Capture(path, mac_of(lab, machine))


# --- what is lost ---


@dataclass
class Flow:
    """Numbered datagrams to one address, and what came back; complete once it is over."""

    path: Path
    outages: list[tuple[float, float]] = field(default_factory=list)
    sent: int = 0
    lost: int = 0

    def read(self) -> None:
        found = json.loads(self.path.read_text())
        self.sent, self.lost = found["sent"], found["lost"]
        self.outages = [(start, end) for start, end in found["outages"]]

    @property
    def longest_s(self) -> float:
        """Return the longest time in which nothing came back."""
        return max((end - start for start, end in self.outages), default=0.0)


@contextlib.contextmanager
def flowing(
    lab: Bed, addresses: Sequence[str], *, rate: int = 200, machine: str = "client"
) -> Iterator[dict[str, Flow]]:
    """Send *rate* datagrams a second to each of *addresses*, from one port each, meanwhile."""
    flows = {one: Flow(lab.folder("layer2") / f"{one.replace(':', '.')}.json") for one in addresses}
    with contextlib.ExitStack() as all_of_them:
        for address, flow in flows.items():
            flow.path.unlink(missing_ok=True)
            words = ("send", "--rate", str(rate), "--to", address, "--out", str(flow.path))
            out = flow.path.with_suffix(".log")
            all_of_them.enter_context(_running(lab, machine, _datagrams(*words), out))
        time.sleep(0.5)  # their interpreter starts
        yield flows
    for flow in flows.values():
        lab.wait("what the flow counted", flow.path.exists)
        flow.read()


@contextlib.contextmanager
def echoing(lab: Bed) -> Iterator[None]:
    """Let every Pod send datagrams back."""
    with contextlib.ExitStack() as all_of_them:
        for node in lab.topology.nodes:
            out = lab.folder("layer2") / f"{node.name}.echo"
            command = _datagrams("echo", "--port", str(POD_PORT))
            all_of_them.enter_context(_running(lab, node.pods_machine, command, out))
        for node in lab.topology.nodes:
            lab.wait(f"the echo of {node.name}", partial(_hears, lab, node.pods_machine))
        yield


def _hears(lab: Bed, machine: str) -> bool:
    """Return whether a program of *machine* has bound the Pods' UDP port, in both families."""
    return f":{POD_PORT:04X} " in lab.exec(machine, "cat", "/proc/net/udp6")


def _datagrams(*words: str) -> list[str]:
    return [sys.executable, "-m", "e2e.layer2.datagrams", *words]


@contextlib.contextmanager
def _running(lab: Bed, machine: str, command: list[str], out: Path) -> Iterator[None]:
    with (
        out.open("w") as sink,
        subprocess.Popen(
            lab.command(machine, command),
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=lab.environment(),
        ) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(SIGTERM)
            process.wait(timeout=PATIENCE_S)
