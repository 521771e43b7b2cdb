"""Which programs a lab runs: where, as whom, how they begin. No process is started here.

The product's programs get no capability at all (agents, and managers that answer ARP and NDP:
NET_RAW; agents of --kernel: NET_ADMIN, too), yet stay uid 0: whoever may read the checkout and the
interpreter must be able to run them, and a checkout of root's is often closed to others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from lab import parts
from lab.cluster import apiserver
from lab.network import netns
from lab.network.topology import NAMESPACE_PREFIX, POD_NETWORKS, SECOND_ROUTER, Node, RouterKind
from lab.options import ApiKind, Options
from lab.routers import other_versions
from lab.routers.bird import Bird
from lab.routers.frr import Frr
from lab.routers.roles import Role, roles
from pointsman.model.names import NAMESPACE

MANAGER_HTTP, AGENT_HTTP = 9472, 9473  # as the manifests have them
SUFFIXES = {"router": "", SECOND_ROUTER: "2"}  # of vtysh and birdc; others: "-" and the machine


class Rights(Enum):
    """What a program keeps of root's capabilities; the values are setpriv's words."""

    NONE = "-all"
    NET_RAW = "-all,+net_raw"
    NET_ADMIN = "-all,+net_raw,+net_admin"
    OWN = ""  # all, or the program drops them itself: the lab's own tools and routers


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the lab. Without a machine it runs in the host's namespace."""

    name: str
    command: tuple[str, ...]
    machine: str | None = None
    rights: Rights = Rights.NONE
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Path | None = None  # appears when it can be used
    listens: bool = False  # it listens (TCP) once it can be used; it may take its flags till then
    restart: bool = True

    def argv(self, lab: str) -> list[str]:
        argv = [*_set_rights(self.rights), *self.command]
        if self.machine is None:
            return argv
        return netns.entering(f"{NAMESPACE_PREFIX}{lab}-{self.machine}", argv)

    @property
    def log_name(self) -> str:
        return self.name.replace(":", "-") + ".log"


def _set_rights(rights: Rights) -> Iterator[str]:
    yield from ("setpriv", "--pdeathsig", "KILL")
    if rights is Rights.OWN:
        return
    inherited = rights.value
    yield from (f"--bounding-set={rights.value}", f"--inh-caps={inherited}")
    yield from (f"--ambient-caps={inherited}", "--no-new-privs")
    yield "--securebits=+noroot,+noroot_locked"


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of the lab that *options* describe, group by group in starting order."""

    options: Options

    @property
    def _home(self) -> Path:
        return self.options.topology().runtime_dir

    @property
    def port_file(self) -> Path:
        return self._home / "api.port"

    @property
    def relay_control(self) -> Path:
        return self._home / "relay.sock"

    @property
    def proxy_flags(self) -> Path:
        return self._home / "proxy-failed"

    def ready_file(self, name: str) -> Path:
        return self._home / "ready" / name

    def routers(self) -> Iterator[tuple[Role, Frr | Bird]]:
        for role in roles(self.options.topology()) if self._wanted("router") else ():
            home = self._home / role.machine
            if role.kind is RouterKind.FRR:
                yield role, Frr(self._part(role.kind, "zebra"), home)
            else:
                yield role, Bird(self._part(role.kind, "bird"), home)

    def api(self) -> Iterator[Program]:
        if self._wanted("api") and self.options.api is ApiKind.STAND_IN:
            command = _python("standin", "--port", "0", "--port-file", str(self.port_file))
            yield Program("api", command, ready=self.port_file, restart=False)
        elif self.options.api is ApiKind.ASSETS:
            server = apiserver.ApiServer(Path(self.options.api_path), self._home / "apiserver")
            for name, argv in server.daemons():
                yield Program(name, tuple(argv), restart=False)

    def network(self) -> Iterator[Program]:
        for role, router in self.routers():
            yield from _daemons(router, role.machine)
        if self._wanted("pods"):
            for node in self.options.topology().nodes:
                ready = self.ready_file(node.pods_machine)
                command = _python(
                    *("lab.cluster.pods", "--node", node.name, "--count", str(node.pod_count)),
                    *("--ready", str(ready)),
                )
                yield Program(f"pods:{node.name}", command, node.pods_machine, ready=ready)

    def relay(self, *, port: int, target: str, host: bool) -> Iterator[Program]:
        topology = self.options.topology()
        namespaces = [topology.namespace(machine) for machine in topology.machines()]
        flags = ("--port", str(port), "--target", target, "--control", str(self.relay_control))
        command = _python("lab.cluster.relay", *flags, *(["--host"] if host else []), *namespaces)
        yield Program("relay", command, rights=Rights.OWN, ready=self.relay_control)

    def proxy(self) -> Iterator[Program]:
        if not self._wanted("proxy"):
            return
        options, topology = self.options, self.options.topology()
        if options.kube_proxy:
            for node in topology.nodes:
                real = (options.kube_proxy, *_kube_proxy_flags(node, topology.kubeconfig))
                yield Program(f"proxy:{node.name}", real, node.name, Rights.OWN)
            return
        stand_in = _python(
            *("lab.cluster.kube_proxy", "--lab", options.name, "--nodes", str(options.nodes)),
            *("--subnets", str(options.subnets), "--pods", str(options.pods)),
            *("--kubeconfig", str(topology.kubeconfig)),
            *("--flags", str(self.proxy_flags), "--ready", str(self.ready_file("proxy"))),
        )
        # In the switch, not in the host: there the API can be frozen for it too.
        yield Program("proxy", stand_in, "switch", Rights.OWN, ready=self.ready_file("proxy"))

    def product(self) -> Iterator[Program]:
        """Yield sidecars, managers and agents: what all the rest is there to try."""
        topology, options = self.options.topology(), self.options
        kubeconfig = str(topology.kubeconfig)
        for manager in topology.managers:
            sockets = [
                self._home / sidecar.replace(":", "-") / "gobgp.sock"
                for sidecar in manager.sidecars
            ]
            if self._wanted("sidecar"):
                gobgpd = str(parts.find("gobgpd").path)
                for sidecar, socket in zip(manager.sidecars, sockets, strict=True):
                    command = _python("sidecars.gobgp", "--socket", str(socket), "--gobgpd", gobgpd)
                    yield Program(sidecar, command, manager.name, ready=socket)
            if self._wanted("manager"):
                command = _python(
                    *("manager", "--kubeconfig", kubeconfig, "--name", manager.name),
                    *("--namespace", NAMESPACE),
                    *(word for socket in sockets for word in ("--gobgp-socket", str(socket))),
                    *("--replicas", str(len(topology.managers)), "--http", f":{MANAGER_HTTP}"),
                    *(["--require-class"] if options.require_class else []),
                    *options.manager_args,
                )
                rights = Rights.NET_RAW if options.central else Rights.NONE
                yield Program(manager.name, command, manager.name, rights, listens=True)
        if self._wanted("agents"):
            for node in topology.nodes:
                command = _python(
                    *("agent", "--node", node.name, "--kubeconfig", kubeconfig),
                    *("--http", f":{AGENT_HTTP}"),
                    *("--state-dir", str(self._home / f"agent-{node.name}")),
                    *options.agent_args,
                )
                rights = Rights.NET_ADMIN if options.kernel else Rights.NET_RAW
                yield Program(f"agent:{node.name}", command, node.name, rights, listens=True)

    def wrappers(self) -> Iterator[tuple[str, str]]:
        """Yield name and text of the scripts that `lab exec` finds first."""
        for role, router in self.routers():
            suffix = SUFFIXES.get(role.machine, f"-{role.machine}")
            if isinstance(router, Frr):
                yield f"vtysh{suffix}", router.vtysh()
            else:
                yield f"birdc{suffix}", router.birdc()
        kubectl = parts.find("kubectl")
        yield "kubectl", f'#!/bin/sh\nexec {kubectl.path} "$@"\n'

    def _part(self, kind: RouterKind, program: str) -> parts.Part:
        elsewhere = self.options.parts and other_versions.find(Path(self.options.parts), kind)
        return elsewhere or parts.find(kind.value, program=program)

    def _wanted(self, what: str) -> bool:
        return what not in self.options.without


def _daemons(router: Frr | Bird, machine: str) -> Iterator[Program]:
    usual = {"router": "", SECOND_ROUTER: SECOND_ROUTER}
    for name, argv in router.daemons():
        yield Program(
            usual.get(machine, f"{name}:{machine}") or name,
            tuple(argv),
            machine,
            Rights.OWN,
            router.environment(),
            ready=router.socket(name),
        )


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the lab's processes: never somebody's KUBECONFIG."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "LD_LIBRARY_PATH")}
    return inherited | {"PYTHONUNBUFFERED": "1"} | dict(more)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _kube_proxy_flags(node: Node, kubeconfig: Path) -> Sequence[str]:
    """A real kube-proxy, kept off the sysctls that aren't of its namespace."""
    cluster = ",".join(POD_NETWORKS)
    return (
        *("--proxy-mode=nftables", f"--hostname-override={node.name}"),
        *(f"--kubeconfig={kubeconfig}", f"--cluster-cidr={cluster}"),
        *("--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249"),
        *("--conntrack-max-per-core=0", "--conntrack-min=0"),
        *("--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0"),
    )
