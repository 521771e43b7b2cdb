"""The bed made by containerlab and kind: `pytest --bed e2e/topologies/one-tor`.

Its user deploys it and installs the product (docs/e2e.md): this uses what is there, and removes
only what a test made. The cluster is a real one, so programs are Pods, and faults are what one can
do to containers: pull a cable at the switch, stop a node, delete a Pod. Everything else is skipped
by name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, NoReturn, TypeVar

import pytest

from e2e.bed import Bed
from e2e.topologies.files import Clab, read_clab
from e2e.topologies.nodes import KindTopology, topology
from e2e.topologies.wiring import switches
from lab import patience
from lab.cluster import client, objects
from lab.commands import printed
from lab.errors import Broken
from lab.network.routes import next_hops
from lab.options import Options
from lab.patience import PATIENCE_S
from pointsman.model.names import NAMESPACE
from pointsman.runtime.errors import Misuse

T = TypeVar("T")
DAEMONS = ("zebra", "bfdd", "bgpd", "bird")


def lacks(what: str) -> NoReturn:
    pytest.skip(f"the bed of containerlab and kind has no {what}")


class KindBed:
    def __init__(self, clab: Clab, shape: KindTopology, kubeconfig: Path) -> None:
        self._clab, self.topology, self.kubeconfig = clab, shape, kubeconfig
        self._failed: set[str] = set()

    # --- the cluster ---

    @property
    def standin_api(self) -> bool:
        return False

    @property
    def api(self) -> client.ApiClient:
        return client.ApiClient(client.load(self.kubeconfig))

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        return self._run(("kubectl", *words), check=check, stdin=stdin, timeout_s=PATIENCE_S)

    def endpoints(self, service: str, *words: str) -> None:
        objects.write_endpoints(self.api, self.topology, service, words)

    # --- its machines ---

    def container(self, machine: str) -> str:
        """Return Docker's name of *machine*."""
        known = {node.name for node in self.topology.nodes}
        if machine in known:
            return machine
        if machine == "manager":
            return "pointsman-control-plane"
        if machine in self._clab.topology.nodes:
            return f"clab-{self._clab.name}-{machine}"
        lacks(f"machine {machine!r}")

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        container, node = self.container(machine), self._clab.topology.nodes.get(machine)
        if command[0] == "vtysh" and not any("frr" in line for line in (node.exec if node else ())):
            lacks(f"FRR on {machine}")
        return ["docker", "exec", "-i", container, *command]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def exec(
        self, machine: str, *command: str, check: bool = True, timeout_s: float = PATIENCE_S
    ) -> str:
        return self._run(self.command(machine, command), check=check, timeout_s=timeout_s)

    def _run(
        self, command: Sequence[str], *, check: bool, timeout_s: float, stdin: str | None = None
    ) -> str:
        return printed(command, self.environment(), check=check, timeout_s=timeout_s, stdin=stdin)

    def folder(self, name: str) -> Path:
        lacks(f"folder {name!r} that test and machines share")

    def get(self, address: str, port: int = 80, *, machine: str = "client") -> tuple[str, ...]:
        once = ("python", "-m", "e2e.containers.probe", "--once", address, str(port), "/")
        status, _, body = self.exec(machine, *once).partition(" ")
        if status != "200":
            raise Broken(f"{address} port {port} did not answer {machine}: {body.strip()}.")
        return tuple(body.split())

    def gateways(self, prefix: str, *, machine: str = "router") -> set[str]:
        family = "-6" if ":" in prefix else "-4"
        return next_hops(self.exec(machine, "ip", "-j", family, "route", "show", "exact", prefix))

    # --- its programs ---

    def status(self) -> dict[str, Any]:
        return {"processes": [], "failed": sorted(self._failed)}

    def process(self, name: str) -> dict[str, Any]:
        if name not in DAEMONS:
            lacks(f"process {name!r} that it can look at")
        pid = self.exec("router", "pidof", name, check=False).strip()
        return {"name": name, "pid": int(pid) if pid else None}

    def pids(self, name: str) -> list[int]:
        lacks(f"process {name!r} that it can look at")

    def log(self, program: str) -> str:
        if program not in ("manager", "sidecar"):
            raise Misuse(f"The bed of containerlab and kind logs no {program!r}.")
        container = {"manager": "manager", "sidecar": "gobgp"}[program]
        words = ("logs", "deployment/pointsman-manager", "-c", container)
        return self.kubectl("-n", NAMESPACE, *words, check=False)

    def kill(self, program: str, number: Signals = SIGKILL) -> None:
        if program != "manager" or number != SIGKILL:
            lacks(f"way to send {number.name} to {program}")
        words = ("delete", "pod", "-l", "app.kubernetes.io/component=manager", "--force")
        self.kubectl("-n", NAMESPACE, *words)

    # --- faults ---

    def fail(self, target: str) -> None:
        kind, _, machine = target.rpartition(":")
        if kind not in ("", "link") or machine not in {n.name for n in self.topology.nodes}:
            lacks(f"way to fail {target!r}")
        self.cut(machine)
        if not kind:
            # Not stopped: a container that starts again has lost its cables.
            self._docker("pause", machine)
        self._failed.add(target)

    def heal(self, target: str) -> None:
        if target not in self._failed:
            return
        self._failed.discard(target)
        kind, _, machine = target.rpartition(":")
        if not kind:
            self._docker("unpause", machine)
        if not {machine, f"link:{machine}"} & self._failed:
            self.mend(machine)

    def cut(self, machine: str) -> None:
        self._plug(machine, "down")

    def mend(self, machine: str) -> None:
        self._plug(machine, "up")

    def _plug(self, machine: str, state: str) -> None:
        """Set the switch's end of the cable of *machine*: it sees its carrier go and come."""
        node = "pointsman-control-plane" if machine == "manager" else machine
        for link in self._clab.topology.links:
            ends = dict(end.split(":") for end in link.endpoints)
            for switch in switches(self._clab).keys() & ends.keys():
                if node in ends:
                    self.exec(switch, "ip", "link", "set", ends[switch], state)
                    return
        lacks(f"cable of {machine!r} at a switch")

    def _docker(self, verb: str, machine: str) -> None:
        self._run(("docker", verb, machine), check=True, timeout_s=PATIENCE_S)

    # --- time ---

    def wait(self, what: str, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        return patience.wait(what, look, timeout_s=timeout_s)


@contextmanager
def standing(folder: Path, options: Options) -> Iterator[Bed]:
    """Yield the bed that its user deployed from *folder*; skip the test that wants another."""
    clab = read_clab(folder)
    racks = sum(name.startswith("tor") for name in clab.topology.nodes) or 1
    plain = Options(name=options.name, racks=racks, nodes=4 if racks > 1 else 3)
    if differences := replace(options, pods=plain.pods).differences(plain):
        lacks(f"such options: {'; '.join(differences)}")
    try:
        kubeconfig = printed(
            ("kind", "get", "kubeconfig", "--name", "pointsman"),
            dict(os.environ),
            check=True,
            timeout_s=PATIENCE_S,
        )
    except (Broken, OSError) as error:
        pytest.skip(f"no cluster of kind's is up for {folder}: {error}. See docs/e2e.md")
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "kubeconfig"
        file.write_text(kubeconfig)
        bed: Bed = KindBed(clab, topology(options, Path(home)), file)
        try:
            yield bed
        finally:  # nobody but us knows which node is paused, and whose cable is out
            for fault in bed.status()["failed"]:
                bed.heal(fault)
