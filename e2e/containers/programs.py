"""The programs of the Docker bed and how each is started: pure values, and routers' files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from e2e.containers.machines import API_PORT, PROBE_PORT, Program
from lab.network.topology import SECOND_ROUTER, RouterKind, Topology
from lab.options import Options
from lab.routers import bird, frr
from lab.routers.roles import Role, roles
from lab.supervision.programs import AGENT_HTTP, MANAGER_HTTP
from pointsman.model.names import NAMESPACE

# FRR's own needs (its daemons drop the rest), and what a service proxy writes rules with.
NETWORK: Final = ("NET_ADMIN", "NET_RAW", "SYS_ADMIN")
FRR_PROGRAMS: Final = Path("/usr/lib/frr")


def programs(options: Options, topology: Topology) -> Iterator[Program]:
    """Yield all programs in starting order: the API first, the product last."""
    home = topology.runtime_dir
    yield Program("api", "manager", _python("e2e.containers.apiserver", "--port", str(API_PORT)))
    yield Program("probe", "client", _python("e2e.containers.probe", "--port", str(PROBE_PORT)))
    for role in roles(topology):
        yield from _router(role, home / role.machine)
    for node in topology.nodes:
        count = ("--count", str(node.pod_count))
        command = _python("lab.cluster.pods", "--node", node.name, *count)
        yield Program(f"pods:{node.name}", node.pods_machine, command)
        sizes = ("--nodes", str(options.nodes), "--subnets", "1", "--pods", str(options.pods))
        files = ("--kubeconfig", str(topology.kubeconfig), "--flags", str(home / "proxy-failed"))
        here = ("--here", node.name, "--ready", str(home / f"ready-{node.name}"))
        command = _python("lab.cluster.kube_proxy", "--lab", options.name, *sizes, *files, *here)
        yield Program(f"proxy:{node.name}", node.name, command, ("NET_ADMIN",))
    yield from _product(options, topology)


def _product(options: Options, topology: Topology) -> Iterator[Program]:
    home, kubeconfig = topology.runtime_dir, str(topology.kubeconfig)
    socket = str(home / "sidecar" / "gobgp.sock")
    sidecar = ("--socket", socket, "--gobgpd", "/usr/bin/gobgpd")
    yield Program("sidecar", "manager", _python("sidecars.gobgp", *sidecar))
    manager = _python(
        *("manager", "--kubeconfig", kubeconfig, "--name", "manager", "--namespace", NAMESPACE),
        *("--gobgp-socket", socket, "--replicas", "1", "--http", f":{MANAGER_HTTP}"),
        *(["--require-class"] if options.require_class else []),
        *options.manager_args,
    )
    yield Program("manager", "manager", manager, ("NET_RAW",) if options.central else ())
    for node in topology.nodes:
        agent = _python(
            *("agent", "--node", node.name, "--kubeconfig", kubeconfig),
            *("--http", f":{AGENT_HTTP}", "--state-dir", str(home / f"agent-{node.name}")),
            *options.agent_args,
        )
        rights = ("NET_RAW", "NET_ADMIN") if options.kernel else ("NET_RAW",)
        yield Program(f"agent:{node.name}", node.name, agent, rights)


def _router(role: Role, home: Path) -> Iterator[Program]:
    if role.kind is RouterKind.BIRD:
        files = ("-c", f"{home}/bird.conf", "-s", f"{home}/bird.ctl", "-P", f"{home}/bird.pid")
        name = SECOND_ROUTER if role.machine == SECOND_ROUTER else "bird"
        yield Program(name, role.machine, ("bird", "-f", *files), NETWORK, usual=True)
        return
    common = ("-u", "frr", "-g", "frr", "-P", "0", "--log", "stdout", "-z", f"{home}/zserv.api")
    for name in ("zebra", "bfdd", "bgpd"):
        files = ("-f", f"{home}/{name}.conf", "-i", f"{home}/{name}.pid", "--vty_socket", str(home))
        # They ask zebra once, and again ten seconds later.
        awaited = "" if name == "zebra" else f"until [ -S {home}/zserv.api ]; do sleep 0.1; done; "
        script = f'{awaited}exec {FRR_PROGRAMS / name} "$@"'
        command = ("sh", "-c", script, name, *common, *files)
        yield Program(name, role.machine, command, NETWORK, usual=True)


def router_files(topology: Topology) -> Iterator[tuple[Path, str]]:
    """Yield what routers and their shells read: path and text."""
    for role in roles(topology):
        home = topology.runtime_dir / role.machine
        if role.kind is RouterKind.BIRD:
            yield home / "bird.conf", bird.configuration(role)
            continue
        yield home / "bgpd.conf", frr.configuration(role)
        for daemon in ("zebra", "bfdd"):
            yield home / f"{daemon}.conf", f"hostname {role.machine}\n"
        # Without the user line vtysh asks PAM.
        plain = "no service integrated-vtysh-config\nusername root nopassword\n"
        yield home / "vtysh.conf", plain


def shells(topology: Topology) -> Iterator[tuple[str, str]]:
    """Yield name and text of the scripts that machines find first: the routers' shells."""
    for role in roles(topology):
        home = topology.runtime_dir / role.machine
        if role.kind is RouterKind.FRR:
            words = f"/usr/bin/vtysh --vty_socket {home} --config_dir {home}"
            yield "vtysh", f'#!/bin/sh\nexec {words} "$@"\n'
        else:
            suffix = "2" if role.machine == SECOND_ROUTER else ""
            yield f"birdc{suffix}", f'#!/bin/sh\nexec /usr/sbin/birdc -s {home}/bird.ctl "$@"\n'


def _python(module: str, *words: str) -> tuple[str, ...]:
    return ("python", "-m", module, *words)
