"""The parent of a lab: builds it, keeps it, answers for it, takes it away.

`python -m lab.supervisor` is started by `lab up` and lives as long as the lab.
Whatever ends it (Ctrl-C, `lab down`, an error half-way) ends everything it
made. Where it is killed outright, its children die with it and `lab down`
removes the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lab import apiserver, cluster, control, fabric, faults, kube
from lab.faults import Fault, Part
from lab.options import ApiKind, Options
from lab.processes import Keeper
from lab.programs import Program, Programs
from lab.topology import RUNTIME_ROOT, Broken, Misuse

UNKNOWN_AFTER_S = 5.0  # the node controller's patience, shortened from 40 s
HEARTBEAT_S = 10.0
READY_S = 30.0
BUSY = "Lab {!r} is being started or taken down by another process."


@contextlib.contextmanager
def owning(name: str) -> Iterator[None]:
    """This process alone may make or remove the lab called *name* meanwhile.

    Raises:
        Broken: another one does.
    """
    RUNTIME_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = RUNTIME_ROOT / f"{name}.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Broken(BUSY.format(name)) from None
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock.fileno())):
            raise Broken(BUSY.format(name))  # its last owner removed it under our hands
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


class Supervisor:
    """One lab, from nothing to nothing."""

    def __init__(self, options: Options, said: TextIO) -> None:
        self._options, self._said = options, said
        self._topology = options.topology()
        self._programs = Programs(options)
        self._keepers: dict[str, Keeper] = {}
        self._faults: dict[str, Fault] = {}
        self._doubts: dict[str, asyncio.Task[None]] = {}  # nodes on their way to Unknown
        self._api: kube.Kube | None = None
        self._began = time.monotonic()

    async def run(self) -> None:
        """Build, tell that it is ready, serve until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                await self._build()
                path = self._home / control.SOCKET
                await asyncio.start_unix_server(self._answer, path)
                path.chmod(0o600)
                self._log_here()
                self._tell(ready=True, seconds=round(time.monotonic() - self._began, 1))
                await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            self._remove()

    # --- building ---

    @property
    def _home(self) -> Path:
        return self._topology.runtime_dir

    async def _build(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        for folder in ("logs", "bin", "proxy-failed"):
            (self._home / folder).mkdir(parents=True)
        self._home.chmod(0o711)  # FRR's user passes through
        (self._home / "options.json").write_text(self._options.to_json() + "\n")
        self._tell(step=f"wires: {len(list(self._topology.machines()))} namespaces")
        fabric.up(self._topology)
        if "router" not in self._options.without:
            self._programs.router().prepare(self._topology)
        self._write_wrappers()
        if self._options.api is ApiKind.ASSETS:
            self._tell(step="certificates for kube-apiserver")
            await asyncio.to_thread(self._real_server().prepare)
        network = self._start(self._programs.network())
        if "api" not in self._options.without:
            await self._build_cluster()
        await self._all_ready(network)
        if self._api is not None:
            proxies = self._start(self._programs.proxy())
            self._tell(step="manager, sidecar and agents")
            await self._all_ready([*proxies, *self._start(self._programs.product())])

    def _log_here(self) -> None:
        """From now on nobody reads our stderr: a traceback goes to a log of the lab."""
        with (self._home / "logs" / "supervisor.log").open("a") as log:
            os.dup2(log.fileno(), 2)

    async def _build_cluster(self) -> None:
        self._tell(step=f"Kubernetes API: {self._options.api}")
        await self._all_ready(self._start(self._programs.api()))
        access = self._write_kubeconfig()
        self._api = api = kube.Kube(access)
        await self._until_it_answers(api)
        if self._options.api is ApiKind.FOREIGN:
            await asyncio.to_thread(cluster.refuse_strangers, api, self._options.name)
        self._tell(step="CRDs, namespaces and Nodes")
        await asyncio.to_thread(cluster.seed, api, self._topology)
        if self._options.api is not ApiKind.STAND_IN:
            self._tasks.create_task(self._be_the_kubelets(api))

    def _write_kubeconfig(self) -> kube.Access:
        """Write the lab's kubeconfig, start the relay; return the direct access."""
        kubeconfig = self._topology.kubeconfig
        if self._options.api is ApiKind.STAND_IN:
            port = int(self._programs.port_file.read_text())
            direct = kube.Access(f"http://127.0.0.1:{port}")
            kubeconfig.write_text(cluster.plain_kubeconfig(direct.server))
        else:
            foreign = self._options.api is ApiKind.FOREIGN
            original = Path(self._options.api_path) if foreign else self._real_server().kubeconfig
            direct = kube.load(original)
            port = direct.port if direct.host == "127.0.0.1" else apiserver.free_ports(1)[0]
            kubeconfig.write_text(cluster.relayed_kubeconfig(original, port))
        kubeconfig.chmod(0o600)
        elsewhere = direct.host != "127.0.0.1"
        target = f"{direct.host}:{direct.port}"
        self._start(self._programs.relay(port=port, target=target, host=elsewhere))
        return direct

    async def _until_it_answers(self, api: kube.Kube) -> None:
        until = time.monotonic() + READY_S * 2
        while True:
            try:
                await asyncio.to_thread(api.get, "/api/v1/namespaces")
                return
            except Broken:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)

    def _real_server(self) -> apiserver.ApiServer:
        return apiserver.ApiServer(Path(self._options.api_path), self._home / "apiserver")

    def _write_wrappers(self) -> None:
        for name, text in self._programs.wrappers():
            path = self._home / "bin" / name
            path.write_text(text)
            path.chmod(0o755)

    def _start(self, programs: Iterable[Program]) -> list[Keeper]:
        started = []
        for program in programs:
            keeper = Keeper(program, self._options.name, self._home / "logs")
            self._keepers[program.name] = keeper
            self._tasks.create_task(keeper.run())
            started.append(keeper)
        return started

    async def _all_ready(self, keepers: Iterable[Keeper]) -> None:
        for keeper in keepers:
            await keeper.ready(READY_S)

    async def _be_the_kubelets(self, api: kube.Kube) -> None:
        while True:
            for node in self._topology.nodes:
                if node.name not in self._faults:
                    with contextlib.suppress(Broken):  # the next one is soon
                        await asyncio.to_thread(cluster.renew_lease, api, node.name)
            await asyncio.sleep(HEARTBEAT_S)

    def _remove(self) -> None:
        for keeper in self._keepers.values():
            keeper.kill(signal.SIGKILL)
        if self._api is not None and self._options.api is ApiKind.FOREIGN:
            with contextlib.suppress(Broken):  # the cluster may be gone before the lab
                cluster.unseed(self._api, self._topology)
        fabric.down(self._options.name)
        shutil.rmtree(self._home, ignore_errors=True)

    # --- answering ---

    def _tell(self, **what: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            self._said.write(json.dumps(what) + "\n")
            self._said.flush()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        try:
            answer = {"done": await self._obey(json.loads(line))}
        except Misuse as misuse:
            answer = {"misuse": str(misuse)}
        except Broken as broken:
            answer = {"broken": str(broken)}
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _obey(self, request: dict[str, Any]) -> Any:
        match request["verb"]:
            case "status":
                return self._status()
            case "fail":
                return await self._fail(faults.parse(request["target"], self._topology))
            case "heal":
                return await self._heal(faults.parse(request["target"], self._topology))
            case "kill":
                return self._kill(request["program"], signal.Signals(request["signal"]))
            case "relay":
                return await self._relay(request["line"])
            case "down":
                os.kill(os.getpid(), signal.SIGTERM)
                return None
            case verb:
                raise Misuse(f"The supervisor knows no verb {verb!r}.")

    def _status(self) -> dict[str, Any]:
        return {
            "name": self._options.name,
            "options": json.loads(self._options.to_json()),
            "pid": os.getpid(),
            "kubeconfig": str(self._topology.kubeconfig),
            "api": self._api.access.server if self._api else None,
            "failed": sorted(self._faults),
            "processes": [keeper.standing().to_json() for keeper in self._keepers.values()],
        }

    def _kill(self, program: str, number: signal.Signals) -> None:
        keeper = self._keepers.get(program)
        if keeper is None:
            known = ", ".join(self._keepers)
            raise Misuse(f"Lab {self._options.name!r} runs no {program!r}: it runs {known}.")
        keeper.kill(number)

    # --- failing and healing ---

    async def _fail(self, fault: Fault) -> None:
        if fault.text in self._faults:
            return
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                fabric.set_link(self._topology, node, up=False)
                self._hold((f"agent:{node}", f"pods:{node}"), fault.text)
                self._flag(node).touch()
                if self._api is not None:
                    self._doubts[node] = self._tasks.create_task(self._doubt(self._api, node))
            case Part.LINK:
                fabric.set_link(self._topology, fault.which[0], up=False)
            case Part.PROGRAM:
                self._hold(fault.which, fault.text)
            case Part.PROXY:
                self._flag(fault.which[0]).touch()
            case Part.API:
                await self._relay(" ".join(["freeze", *self._namespaces(fault)]))
        self._faults[fault.text] = fault

    async def _heal(self, fault: Fault) -> None:
        if self._faults.pop(fault.text, None) is None:
            return
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                if task := self._doubts.pop(node, None):
                    task.cancel()
                if f"link:{node}" not in self._faults:
                    fabric.set_link(self._topology, node, up=True)
                self._release((f"agent:{node}", f"pods:{node}"), fault.text)
                self._unflag(node)
                if self._api is not None:
                    await asyncio.to_thread(cluster.set_ready, self._api, node, "True")
            case Part.LINK:
                if fault.which[0] not in self._faults:
                    fabric.set_link(self._topology, fault.which[0], up=True)
            case Part.PROGRAM:
                self._release(fault.which, fault.text)
            case Part.PROXY:
                self._unflag(fault.which[0])
            case Part.API:
                await self._relay(" ".join(["thaw", *self._namespaces(fault)]))

    async def _doubt(self, api: kube.Kube, node: str) -> None:
        await asyncio.sleep(UNKNOWN_AFTER_S)
        with contextlib.suppress(Broken):  # an API that is away hears of it never, as in life
            await asyncio.to_thread(cluster.set_ready, api, node, "Unknown")

    def _hold(self, programs: Iterable[str], reason: str) -> None:
        for keeper in self._kept(programs):
            keeper.hold(reason)

    def _release(self, programs: Iterable[str], reason: str) -> None:
        for keeper in self._kept(programs):
            keeper.release(reason)

    def _kept(self, programs: Iterable[str]) -> list[Keeper]:
        return [self._keepers[name] for name in programs if name in self._keepers]

    def _flag(self, node: str) -> Path:
        return self._programs.proxy_flags / node

    def _unflag(self, node: str) -> None:
        if not {node, f"proxy:{node}"} & self._faults.keys():
            self._flag(node).unlink(missing_ok=True)

    def _namespaces(self, fault: Fault) -> list[str]:
        return [self._topology.namespace(machine) for machine in fault.which]

    async def _relay(self, line: str) -> None:
        if self._api is None:
            raise Misuse(f"Lab {self._options.name!r} has no API: it was started without one.")
        reader, writer = await asyncio.open_unix_connection(self._programs.relay_control)
        writer.write(f"{line}\n".encode())
        said = (await reader.readline()).decode().strip()
        writer.close()
        if said != "ok":
            raise Misuse(f"{said}.")


async def supervise(options: Options, said: TextIO, *, attached: bool) -> None:
    """Run the lab until SIGTERM or SIGINT, or, if *attached*, until stdin ends."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end() -> None:  # once: what follows is cleaning up
        loop.remove_reader(sys.stdin)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if attached:
        loop.add_reader(sys.stdin, end)  # only its end can make it readable
    with owning(options.name):
        with contextlib.suppress(asyncio.CancelledError):
            await Supervisor(options, said).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.supervisor", description=__doc__)
    parser.add_argument("--options", required=True, help="JSON")
    parser.add_argument("--report", type=int, required=True, help="descriptor to report to")
    parser.add_argument("--attached", action="store_true", help="end when stdin does")
    given = parser.parse_args()
    options = Options.from_json(given.options)
    with os.fdopen(given.report, "w") as said:
        try:
            asyncio.run(supervise(options, said, attached=given.attached))
        except (Misuse, Broken, BaseExceptionGroup) as error:
            reason = _first(error)
            if not isinstance(reason, Misuse | Broken):
                raise
            kind = "misuse" if isinstance(reason, Misuse) else "broken"
            with contextlib.suppress(BrokenPipeError):
                said.write(json.dumps({kind: str(reason)}) + "\n")
            return 1
    return 0


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
