"""A lab in the hands of a program: what tests and the demo hold.

    lab = Lab.up(Options(name="t1"))
    lab.kubectl("apply", "-f", "-", stdin=manifest)
    lab.wait("a route", lambda: lab.gateways("198.51.100.0/32"))
    lab.down()

Synchronous; every method raises Misuse or Broken with a sentence. The commands
of `lab.__main__` are thin over it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lab import patience
from lab.cluster import client, objects
from lab.commands import printed
from lab.network import fabric, netns
from lab.network.http_probe import ask
from lab.network.routes import next_hops
from lab.network.topology import CLIENT
from lab.options import ApiKind, Options, completed
from lab.patience import PATIENCE_S
from lab.routers import other_versions
from lab.supervision import control, lifecycle
from lab.supervision.faults import DAEMONS
from lab.supervision.processes import descendants
from lab.supervision.programs import environment
from pointsman.runtime.errors import Misuse

T = TypeVar("T")
CLIENT_ADDRESSES = tuple(str(address.ip) for address in CLIENT)


class Lab:
    """A lab that is up."""

    def __init__(self, options: Options) -> None:
        self.options, self.topology = options, options.topology()

    # --- life ---

    @classmethod
    def up(
        cls,
        options: Options,
        *,
        attached: bool = False,
        progress: Callable[[str], None] = lambda step: None,
    ) -> Lab:
        """Return the lab that *options* describe, built if it isn't up.

        *attached*: it goes when this process does. *progress* hears each step. API server and
        kube-proxy are the real ones where the environment names them.

        Raises:
            Misuse: a lab of that name is up with other options, or the environment names
                programs that are none.
            Broken: it can't be built; nothing of it is left.
        """
        lifecycle.check_machine()
        options = completed(options, os.environ)
        with contextlib.suppress(control.NotUp):
            running = cls.running(options.name)
            if differences := running.options.differences(options):
                raise Misuse(
                    f"Lab {options.name!r} is up with other options ({'; '.join(differences)}). "
                    "Take it down first, or give this one another --name."
                )
            progress("it is up already")
            return running
        for sentence in other_versions.report(options):
            progress(sentence)
        lifecycle.start(options, attached=attached, progress=progress)
        return cls(options)

    @classmethod
    def running(cls, name: str) -> Lab:
        """Return the lab called *name*.

        Raises:
            NotUp: there is none.
        """
        answer = control.ask(name, "status")
        return cls(Options.from_json(json.dumps(answer["options"])))

    def down(self) -> None:
        lifecycle.down(self.options.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    # --- looking ---

    def status(self) -> dict[str, Any]:
        """Return what `lab status -o json` prints."""
        answer: dict[str, Any] = control.ask(self.options.name, "status")
        return answer

    def process(self, name: str) -> dict[str, Any]:
        """Return the status of one program, such as "agent:node1"."""
        for process in self.status()["processes"]:
            if process["name"] == name:
                return dict(process)
        raise Misuse(f"Lab {self.options.name!r} runs no {name!r}.")

    def pids(self, name: str) -> list[int]:
        """Return the process of one program, and those below it; none while it isn't there."""
        pid = self.process(name)["pid"]
        return [pid, *descendants(pid)] if pid else []

    @property
    def standin_api(self) -> bool:
        """Whether the API server is the stand-in, which makes faults to order and counts."""
        return self.options.api is ApiKind.STAND_IN

    @property
    def kubeconfig(self) -> Path:
        return self.topology.kubeconfig

    @property
    def api(self) -> client.ApiClient:
        """The API from the host, past the relay: it answers while `fail api` lasts."""
        if self.options.api is ApiKind.FOREIGN:
            return client.ApiClient(client.load(Path(self.options.api_path)))
        return client.ApiClient(client.load(self.kubeconfig))

    def folder(self, name: str) -> Path:
        """Return a folder below the lab's own: a router's, "sidecar", or one made now."""
        folder = self.topology.runtime_dir / name
        folder.mkdir(exist_ok=True)
        return folder

    def log_files(self, program: str) -> list[Path]:
        """Return the logs of *program*; "router", "tor1" and "all" name several.

        Raises:
            Misuse: there is no such program.
        """
        folder = self.topology.runtime_dir / "logs"
        every = sorted(folder.glob("*.log"))
        of_router = "" if program == "router" else f"-{program}"
        names = {f"{daemon}{of_router}" for daemon in DAEMONS} | {program.replace(":", "-")}
        found = [log for log in every if program == "all" or log.stem in names]
        if not found:
            known = ", ".join(log.stem for log in every)
            raise Misuse(f"Lab {self.options.name!r} logs no {program!r}: it logs {known}.")
        return found

    def log(self, program: str) -> str:
        return "".join(path.read_text(errors="replace") for path in self.log_files(program))

    def wait(self, what: str, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        """Return the first truthy value that *look* returns.

        Raises:
            Broken: none in time, or the last look itself failed; *what* is in the sentence.
        """
        return patience.wait(what, look, timeout_s=timeout_s)

    # --- doing ---

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        return netns.entering(self.topology.namespace(machine), command)

    def environment(self) -> dict[str, str]:
        """Return what commands in the lab see: its kubeconfig, and its own programs first."""
        path = f"{self.topology.runtime_dir / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return environment({"KUBECONFIG": str(self.kubeconfig), "PATH": path})

    def exec(
        self, machine: str, *command: str, check: bool = True, timeout_s: float = PATIENCE_S
    ) -> str:
        """Return what *command* prints on *machine*.

        Raises:
            Broken: it failed, and *check* is on.
        """
        return self._run(self.command(machine, command), check=check, timeout_s=timeout_s)

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Return what kubectl prints, run in the host's namespace."""
        command = [str(self.topology.runtime_dir / "bin" / "kubectl"), *words]
        return self._run(command, check=check, stdin=stdin, timeout_s=60)

    def _run(
        self, command: Sequence[str], *, check: bool, timeout_s: float, stdin: str | None = None
    ) -> str:
        return printed(command, self.environment(), check=check, timeout_s=timeout_s, stdin=stdin)

    def get(self, address: str, port: int = 80, *, machine: str = "client") -> tuple[str, ...]:
        """Return (node, pod, client seen) of one request to *address*, a new connection.

        Raises:
            Broken: nobody answered within 2 s.
        """
        return tuple(self.http(address, port, machine=machine)[1].split())

    def http(
        self, address: str, port: int, *, path: str = "/", machine: str = "client"
    ) -> tuple[int, str]:
        """Return status and body of one GET, sent from *machine*."""
        return ask(self.topology.namespace(machine), address, port, path=path)

    def gateways(self, prefix: str, *, machine: str = "router") -> set[str]:
        """Return the next hops of *prefix* in that router's kernel; empty: no route."""
        family = "-6" if ":" in prefix else "-4"
        text = self.exec(machine, "ip", "-j", family, "route", "show", "exact", prefix)
        return next_hops(text)

    def fail(self, target: str) -> None:
        control.ask(self.options.name, "fail", target=target)

    def heal(self, target: str) -> None:
        control.ask(self.options.name, "heal", target=target)

    def cut(self, machine: str) -> None:
        """Pull the cable of *machine* at the switch."""
        fabric.set_link(self.topology, machine, up=False)

    def mend(self, machine: str) -> None:
        """Plug it in again."""
        fabric.set_link(self.topology, machine, up=True)

    def kill(self, program: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send *program* a signal; the lab starts it again when it dies."""
        control.ask(self.options.name, "kill", program=program, signal=int(number))

    def relay(self, line: str) -> None:
        """Tell the relay: `cut`, `latency 0.05`, ..."""
        control.ask(self.options.name, "relay", line=line)

    def endpoints(self, service: str, *words: str) -> None:
        """Write the EndpointSlices of *service* ("NS/NAME"); no words: nobody serves."""
        objects.write_endpoints(self.api, self.topology, service, words)
