"""The bed of containers: every verb of `e2e.bed.Bed`, by Docker's means.

What differs from the lab, because Docker has no such thing: a cable that is cut is an interface
that was set down on its machine (`cut`); and a machine reaches the API by that cable, as most do.
What it lacks skips the test that asks for it, by name.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, TypeVar
from urllib.parse import urlencode

import docker
import pytest

from e2e.bed import Bed
from e2e.containers import machines, probe, programs
from e2e.containers.daemon import Daemon, absent, machine_key
from e2e.containers.faults import Faults
from lab import patience
from lab.cluster import client, objects
from lab.commands import printed
from lab.errors import Broken
from lab.network.routes import next_hops
from lab.network.topology import CLIENT, Topology
from lab.options import Options
from lab.parts import find
from lab.patience import PATIENCE_S
from lab.supervision.processes import descendants
from pointsman.runtime.errors import Misuse

T = TypeVar("T")
BUILT_S = 180.0


class DockerBed:
    def __init__(self, options: Options, topology: Topology, daemon: Daemon) -> None:
        self.options, self.topology, self._daemon = options, topology, daemon
        self.faults = Faults(self)

    # --- the cluster ---

    @property
    def standin_api(self) -> bool:
        return True

    @property
    def kubeconfig(self) -> Path:
        return self.topology.kubeconfig

    @property
    def api(self) -> client.ApiClient:
        return client.ApiClient(client.load(self.kubeconfig))

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        command = [str(find("kubectl").path), *words]
        return self._run(command, check=check, stdin=stdin, timeout_s=PATIENCE_S)

    def endpoints(self, service: str, *words: str) -> None:
        objects.write_endpoints(self.api, self.topology, service, words)

    # --- its machines ---

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        self.topology.namespace(machine)  # refuses what is none
        if machine == "switch":
            pytest.skip("the Docker bed has no switch to run commands on: Docker's bridges are it")
        return ["docker", "exec", "-i", self._daemon.called(machine_key(machine)), *command]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def exec(
        self, machine: str, *command: str, check: bool = True, timeout_s: float = PATIENCE_S
    ) -> str:
        try:
            return self._run(self.command(machine, command), check=check, timeout_s=timeout_s)
        except Broken as error:
            if "/proc/sys" in " ".join(command) and "Read-only" in str(error):
                pytest.skip("the Docker bed has no sysctls that can be written: Docker shuts them")
            raise

    def _run(
        self, command: Sequence[str], *, check: bool, timeout_s: float, stdin: str | None = None
    ) -> str:
        return printed(command, self.environment(), check=check, timeout_s=timeout_s, stdin=stdin)

    def folder(self, name: str) -> Path:
        folder = self.topology.runtime_dir / name
        folder.mkdir(exist_ok=True)
        return folder

    def get(self, address: str, port: int = 80, *, machine: str = "client") -> tuple[str, ...]:
        status, body = self._ask(address, port, machine)
        if status == probe.NOBODY:
            raise Broken(f"{address} port {port} did not answer {machine}: {body}.")
        return tuple(body.split())

    def _ask(self, address: str, port: int, machine: str) -> tuple[int, str]:
        if machine != "client":
            once = ("python", "-m", "e2e.containers.probe", "--once", address, str(port), "/")
            status, _, body = self.exec(machine, *once).partition(" ")
            return int(status), body
        asked = http.client.HTTPConnection(str(CLIENT[0].ip), machines.PROBE_PORT, timeout=10)
        try:
            asked.request("GET", f"/?{urlencode({'address': address, 'port': port})}")
            answer = asked.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"The bed's client can't be asked: {error}.") from error
        finally:
            asked.close()

    def gateways(self, prefix: str, *, machine: str = "router") -> set[str]:
        family = "-6" if ":" in prefix else "-4"
        text = self.exec(machine, "ip", "-j", family, "route", "show", "exact", prefix)
        return next_hops(text)

    # --- its programs ---

    def status(self) -> dict[str, Any]:
        processes = [self.process(name) for name in self.program_names]
        return {"processes": processes, "failed": self.faults.names}

    def process(self, name: str) -> dict[str, Any]:
        container = self.container(name)
        container.reload()
        state = container.attrs["State"]
        rights = container.attrs["HostConfig"]["CapAdd"] or []
        return {
            "name": name,
            "state": state["Status"],
            "pid": state["Pid"] or None,
            "restarts": container.attrs["RestartCount"],
            "capabilities": " ".join(word.lower().removeprefix("cap_") for word in rights),
        }

    def pids(self, name: str) -> list[int]:
        pid = self.process(name)["pid"]
        return [pid, *descendants(pid)] if pid else []

    def log(self, program: str) -> str:
        wanted = ("zebra", "bfdd", "bgpd", "bird") if program == "router" else (program,)
        names = [name for name in wanted if name in self._daemon.names()]
        if not names:
            raise Misuse(f"The Docker bed logs no {program!r}.")
        return "".join(self.container(n).logs().decode(errors="replace") for n in names)

    def kill(self, program: str, number: Signals = SIGKILL) -> None:
        # Not `docker kill`: after that Docker would not start it again.
        script = f"kill -{int(number)} $(cat /proc/1/task/1/children)"
        self.container(program).exec_run(["sh", "-c", script], user="0", privileged=False)

    @property
    def program_names(self) -> list[str]:
        return [program.name for program in programs.programs(self.options, self.topology)]

    def container(self, name: str) -> Any:
        """Return docker-py's container of the program or machine *name*.

        Raises:
            Misuse: there is none.
        """
        if name not in self._daemon.names():
            raise Misuse(f"The Docker bed runs no {name!r}.")
        return self._daemon.container(name)

    # --- faults ---

    def fail(self, target: str) -> None:
        self.faults.fail(target)

    def heal(self, target: str) -> None:
        self.faults.heal(target)

    def cut(self, machine: str) -> None:
        self.exec(machine, "ip", "link", "set", "eth0", "down")

    def mend(self, machine: str) -> None:
        self.exec(machine, "ip", "link", "set", "eth0", "up")
        self.furnish(next(m for m in machines.machines(self.topology) if m.name == machine))

    def furnish(self, machine: machines.Machine) -> None:
        """Write the addresses and routes of *machine* that Docker doesn't know of."""
        if machine.setup:
            script = " && ".join(f"ip {words}" for words in machine.setup)
            self.exec(machine.name, "sh", "-ec", script)

    # --- time ---

    def wait(self, what: str, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        return patience.wait(what, look, timeout_s=timeout_s)

    # --- life ---

    def build(self) -> None:
        """Return when every program runs and the cluster knows its Nodes."""
        home = self.topology.runtime_dir
        for folder in ("bin", "proxy-failed"):
            self.folder(folder)
        for path, text in programs.router_files(self.topology):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        for name, text in programs.shells(self.topology):
            (home / "bin" / name).write_text(text)
            (home / "bin" / name).chmod(0o755)
        for one in (home, *home.iterdir()):
            one.chmod(0o777)  # whatever user the programs are, here and in their containers
        address = self.topology.managers[0].addresses[0].ip
        self.kubeconfig.write_text(
            objects.plain_kubeconfig(f"http://{address}:{machines.API_PORT}")
        )
        for segment in machines.segments(self.topology):
            self._daemon.network(segment)
        for machine in machines.machines(self.topology):
            self._daemon.machine(machine)
            self.furnish(machine)
        if (home / "router" / "bgpd.conf").exists():
            self.exec("router", "sh", "-c", f"chown -R frr:frr {home}/router")
        first, *rest = programs.programs(self.options, self.topology)
        self._daemon.program(first)
        self.wait("the API", self._answers, timeout_s=BUILT_S)
        objects.seed(self.api, self.topology)
        for program in rest:
            self._daemon.program(program)
        self.wait("the service proxies", self._proxied, timeout_s=BUILT_S)

    def hand_over(self) -> None:
        """Let us remove what programs wrote as other users; the client's machine can."""
        with contextlib.suppress(Broken, subprocess.SubprocessError):
            self.exec("client", "chmod", "-R", "a+rwX", str(self.topology.runtime_dir))

    def _answers(self) -> bool:
        return bool(self.api.get("/api/v1/namespaces"))

    def _proxied(self) -> bool:
        nodes = self.topology.nodes
        return all((self.topology.runtime_dir / f"ready-{n.name}").exists() for n in nodes)


@contextmanager
def standing(options: Options) -> Iterator[Bed]:
    """Yield the bed that *options* describe; skip the test where there can be none."""
    if why := machines.lacking(options):
        pytest.skip(f"the Docker bed has no {why}")
    if why := absent():
        pytest.skip(why)
    root = Path(tempfile.mkdtemp(prefix="pointsman-"))
    root.chmod(0o755)
    topology = replace(options.topology(), runtime_root=root)
    topology.runtime_dir.mkdir()
    with contextlib.ExitStack() as ending:  # each is done, whatever becomes of the others
        ending.callback(shutil.rmtree, root, ignore_errors=True)
        name, ours = f"pointsman-{options.name}", docker.from_env(timeout=300)
        daemon = ending.enter_context(Daemon(name, topology.runtime_dir, ours))
        made = DockerBed(options, topology, daemon)
        bed: Bed = made  # here the type checker proves that it has every verb of a bed
        ending.callback(made.hand_over)
        ending.callback(made.faults.forget)
        daemon.sweep()
        made.build()
        yield bed
