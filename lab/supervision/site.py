"""A lab being built, standing, and being removed: its wires, programs and objects.

The supervisor holds one. Each step is told to whoever waits; an error leaves
nothing behind, because `remove` knows no order and asks for none.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.cluster import apiserver, client, objects
from lab.errors import Broken
from lab.network import fabric
from lab.options import ApiKind, Options
from lab.supervision.processes import Keeper
from lab.supervision.programs import Program, Programs

HEARTBEAT_S = 10.0
READY_S = 90.0  # four labs may be built at once


class Site:
    """One lab, from nothing to nothing. Its programs run as tasks of *tasks*."""

    def __init__(
        self, options: Options, tasks: asyncio.TaskGroup, *, tell: Callable[[str], None]
    ) -> None:
        self.options, self.topology = options, options.topology()
        self.programs = Programs(options)
        self.keepers: dict[str, Keeper] = {}
        self.silent_nodes: set[str] = set()  # their kubelets send no heartbeats
        self.api: client.ApiClient | None = None
        self.tasks, self._tell = tasks, tell

    @property
    def home(self) -> Path:
        return self.topology.runtime_dir

    async def build(self) -> None:
        """Return when everything that was asked for can be used."""
        shutil.rmtree(self.home, ignore_errors=True)
        for folder in ("logs", "bin", "ready", "proxy-failed"):
            (self.home / folder).mkdir(parents=True)
        self.home.chmod(0o711)  # FRR's user passes through
        (self.home / "options.json").write_text(self.options.to_json() + "\n")
        self._tell(f"wires: {len(list(self.topology.machines()))} namespaces")
        fabric.up(self.topology)
        for role, router in self.programs.routers():
            router.prepare(role)
        self._write_wrappers()
        if self.options.api is ApiKind.ASSETS:
            self._tell("certificates for kube-apiserver")
            await asyncio.to_thread(self._real_server().prepare)
        network = self._start(self.programs.network())
        if "api" not in self.options.without:
            await self._build_cluster()
        await self._all_ready(network)
        if self.api is not None:
            proxies = self._start(self.programs.proxy())
            self._tell("manager, sidecar and agents")
            await self._all_ready([*proxies, *self._start(self.programs.product())])

    async def _build_cluster(self) -> None:
        self._tell(f"Kubernetes API: {self.options.api}")
        servers = self._start(self.programs.api())
        await self._all_ready(servers)
        access = self._write_kubeconfig()
        self.api = api = client.ApiClient(access)
        await self._until_it_answers(api, servers)
        if self.options.api is ApiKind.FOREIGN:
            await asyncio.to_thread(objects.refuse_strangers, api, self.options.name)
        self._tell("CRDs, namespaces and Nodes")
        await asyncio.to_thread(objects.seed, api, self.topology)
        if self.options.api is not ApiKind.STAND_IN:
            self.tasks.create_task(self._be_the_kubelets(api))

    def _write_kubeconfig(self) -> client.Access:
        """Write the lab's kubeconfig, start the relay; return the direct access."""
        kubeconfig = self.topology.kubeconfig
        if self.options.api is ApiKind.STAND_IN:
            port = int(self.programs.port_file.read_text())
            direct = client.Access(f"http://127.0.0.1:{port}")
            kubeconfig.write_text(objects.plain_kubeconfig(direct.server))
        else:
            foreign = self.options.api is ApiKind.FOREIGN
            original = Path(self.options.api_path) if foreign else self._real_server().kubeconfig
            direct = client.load(original)
            port = direct.port if direct.host == "127.0.0.1" else apiserver.free_ports(1)[0]
            kubeconfig.write_text(objects.relayed_kubeconfig(original, port))
        kubeconfig.chmod(0o600)
        elsewhere = direct.host != "127.0.0.1"
        target = f"{direct.host}:{direct.port}"
        self._start(self.programs.relay(port=port, target=target, host=elsewhere))
        return direct

    async def _until_it_answers(self, api: client.ApiClient, servers: Iterable[Keeper]) -> None:
        until = time.monotonic() + READY_S * 2
        while True:
            try:
                await asyncio.to_thread(api.get, "/api/v1/namespaces")
                return
            except Broken:
                await self._all_ready(servers)  # raises if one has ended meanwhile
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)

    def _real_server(self) -> apiserver.ApiServer:
        return apiserver.ApiServer(Path(self.options.api_path), self.home / "apiserver")

    def _write_wrappers(self) -> None:
        for name, text in self.programs.wrappers():
            path = self.home / "bin" / name
            path.write_text(text)
            path.chmod(0o755)

    def _start(self, programs: Iterable[Program]) -> list[Keeper]:
        started = []
        for program in programs:
            keeper = Keeper(program, self.options.name, self.home / "logs")
            self.keepers[program.name] = keeper
            self.tasks.create_task(keeper.run())
            started.append(keeper)
        return started

    async def _all_ready(self, keepers: Iterable[Keeper]) -> None:
        for keeper in keepers:
            await keeper.ready(READY_S)

    async def _be_the_kubelets(self, api: client.ApiClient) -> None:
        while True:
            alive = [n.name for n in self.topology.nodes if n.name not in self.silent_nodes]
            await asyncio.gather(*(self._be_the_kubelet(api, node) for node in alive))
            await asyncio.sleep(HEARTBEAT_S)

    async def _be_the_kubelet(self, api: client.ApiClient, node: str) -> None:
        with contextlib.suppress(Broken):  # the next heartbeat is soon
            await asyncio.to_thread(objects.heartbeat, api, node)

    def remove(self) -> None:
        """Kill and take away all that was made; whatever is not there is fine."""
        for keeper in self.keepers.values():
            keeper.kill(signal.SIGKILL)
        if self.api is not None and self.options.api is ApiKind.FOREIGN:
            with contextlib.suppress(Broken):  # the cluster may be gone before the lab
                objects.unseed(self.api, self.topology)
        fabric.down(self.options.name)
        shutil.rmtree(self.home, ignore_errors=True)
