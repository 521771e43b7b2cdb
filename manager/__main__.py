"""``python -m manager``: flags in, exit status out.

0: asked to stop. 2: a flag or the kubeconfig is wrong, with a sentence. Anything else is
a bug with its traceback.
"""

import argparse
import asyncio
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from manager.main import run
from manager.options import Options
from manager.snapshot import Settings
from pointsman.api.taint_keys import taint_keys
from pointsman.model import dialects
from pointsman.model.heartbeats import PORT, WitnessPorts
from pointsman.model.names import LOAD_BALANCER_CLASS, NAMESPACE
from pointsman.model.printable import clipped
from pointsman.model.ranges import read_address
from pointsman.runtime.errors import Misuse
from pointsman.runtime.http_listen import http_listen
from pointsman.runtime.listen_address import ListenAddress, listen_address
from pointsman.runtime.program import log_flags, status_of
from pointsman.runtime.usage import Parser, examples, path

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
SOCKET = Path("/run/pointsman/gobgp/gobgp.sock")
LAST_PORT = 0xFFFF
NAMESPACE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123 label
SHORTEST_LEASE_S = 3.0  # below, one slow answer of the API server loses it
LONGEST_LEASE_S = 3600.0  # for so long nobody would lead after a manager's death


def parser() -> argparse.ArgumentParser:
    """Return the command line of the manager."""
    # Long, and a list: a statement for each flag, in the order in which --help shows them.
    made = Parser(
        prog="pointsman manager",
        description="Give Services addresses and tell routers about them.",
        epilog=examples(
            "pointsman manager --kubeconfig admin.conf --gobgp-socket /run/gobgp/gobgp.sock",
            "pointsman manager --require-class --drain-taints example.com/maintenance",
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--kubeconfig",
        type=path,
        metavar="FILE",
        help="how to reach the API server (default: the Pod's service account)",
    )
    made.add_argument(
        "--name", metavar="NAME", help="identity of this replica (default: the host name)"
    )
    made.add_argument(
        "--namespace",
        default=NAMESPACE,
        metavar="NAME",
        help="where the lease is kept (default: %(default)s)",
    )
    made.add_argument(
        "--gobgp-socket",
        type=Path,
        action="append",
        metavar="PATH",
        help="where the GoBGP sidecar listens; given again: a further speaker, for parallel "
        f"sessions (default: {SOCKET})",
    )
    made.add_argument(
        "--require-class",
        action="store_true",
        help=f"serve only Services with loadBalancerClass {LOAD_BALANCER_CLASS}",
    )
    made.add_argument(
        "--honour-annotations",
        default="",
        metavar="NAMES",
        help="understand annotations of these load balancers too, comma separated: "
        f"{', '.join(dialects.DIALECTS)} (default: nobody's)",
    )
    made.add_argument(
        "--drain-taints",
        default=",".join(sorted(Settings().drain_taints)),
        metavar="KEYS",
        help="taints that mean a node is to be left, comma separated (default: %(default)s)",
    )
    made.add_argument(
        "--lease-duration-s",
        type=float,
        default=6.0,
        metavar="SECONDS",
        help="after how long of silence another replica leads (default: %(default)s)",
    )
    made.add_argument(
        "--replicas",
        type=int,
        metavar="NUMBER",
        help="how many managers run; graceful restart Auto is offered while it is one "
        "(default: as many as there are)",
    )
    made.add_argument(
        "--http",
        metavar="ADDRESS:PORT",
        help="answer /healthz, /readyz, /metrics and, on this machine, /debug/plan there "
        "(default: nobody); :PORT is every address",
    )
    made.add_argument(
        "--metrics-per-service",
        action="store_true",
        help="also a metric for each Service: as many as there are Services",
    )
    made.add_argument(
        "--heartbeat",
        default=f":{PORT}",
        metavar="ADDRESS:PORT|off",
        help="where to hear the agents' heartbeats, UDP; without an address, every address of the "
        "host (default: %(default)s)",
    )
    made.add_argument(
        "--kubelet-port",
        type=int,
        default=WitnessPorts().kubelet,
        metavar="PORT",
        help="TCP port of the kubelet on every node, asked when a node falls silent; 0: not asked "
        "(default: %(default)s)",
    )
    made.add_argument(
        "--proxy-port",
        type=int,
        default=WitnessPorts().proxy,
        metavar="PORT",
        help="the same of the service proxy, where it answers HTTP; 0: there is none "
        "(default: %(default)s)",
    )
    made.add_argument(
        "--mark-dead-nodes",
        action="store_true",
        help="mark the Pods of a dead node not ready, so that nobody in the cluster sends to them; "
        "needs deploy/options/mark-dead-nodes.yaml",
    )
    log_flags(made)
    return made


def options(given: argparse.Namespace) -> Options:
    """Return the checked options.

    Raises:
        Misuse: with the sentence for the user.
    """
    name = given.name or socket.gethostname().lower()
    if not NAME.fullmatch(name):
        raise Misuse(f"{name!r} cannot name a replica: give --name with letters, digits and '-'.")
    if not NAMESPACE_NAME.fullmatch(given.namespace):
        raise Misuse(
            f"--namespace '{clipped(given.namespace)}' can't be the name of a namespace: write it "
            "as `kubectl get namespaces` prints it."
        )
    if not given.lease_duration_s >= SHORTEST_LEASE_S:
        raise Misuse(
            f"A lease of {given.lease_duration_s:g} s is too short to be renewed in time: give "
            f"--lease-duration-s {SHORTEST_LEASE_S:g} or more."
        )
    if given.lease_duration_s > LONGEST_LEASE_S:
        raise Misuse(
            f"A lease of {given.lease_duration_s:g} s would leave nobody leading for as long: give "
            f"--lease-duration-s {LONGEST_LEASE_S:g} or less."
        )
    if given.replicas is not None and given.replicas < 1:
        raise Misuse(f"{given.replicas} replicas make no manager: give --replicas 1 or more.")
    sockets = tuple(given.gobgp_socket or [SOCKET])
    if not all(one.name for one in sockets):  # empty, as of a variable that is not set
        raise Misuse("--gobgp-socket names no file: give the path where the sidecar listens.")
    if len(set(sockets)) < len(sockets):
        raise Misuse("Two speakers cannot have one socket: give each --gobgp-socket once.")
    return Options(
        name=name,
        namespace=given.namespace,
        kubeconfig=given.kubeconfig,
        gobgp_sockets=sockets,
        lease_duration_s=given.lease_duration_s,
        http=http_listen(given.http) if given.http is not None else None,
        metrics_per_service=given.metrics_per_service,
        heartbeat=heartbeat(given.heartbeat),
        mark_dead_nodes=given.mark_dead_nodes,
        witness_ports=witness_ports(given.kubelet_port, given.proxy_port),
        settings=Settings(
            require_class=given.require_class,
            honoured=honoured(given.honour_annotations),
            drain_taints=drain_taints(given.drain_taints),
            speaker_name=name,
            speakers=len(sockets),
            replicas=given.replicas,
        ),
    )


def honoured(text: str) -> tuple[str, ...]:
    """Return whose annotations are understood.

    Raises:
        Misuse: with the sentence for the user.
    """
    try:
        return dialects.listed(text)
    except ValueError as error:
        raise Misuse(f"--honour-annotations: {error}") from None


def drain_taints(text: str) -> frozenset[str]:
    """Return the keys of the taints that drain a node.

    Raises:
        Misuse: with the sentence for the user.
    """
    try:
        return taint_keys(text)
    except ValueError as error:
        raise Misuse(f"--drain-taints: {error}") from None


def heartbeat(text: str) -> ListenAddress | None:
    """Return where to hear heartbeats, None for nowhere.

    Raises:
        Misuse: with the sentence for the user.
    """
    if text == "off":
        return None
    try:
        return listen_address(text, read_address)
    except ValueError:
        raise Misuse(
            f"--heartbeat {text!r} is no address and port: write it as 192.0.2.10:{PORT}, "
            f"[2001:db8::10]:{PORT}, :{PORT} for every address of the host, or off."
        ) from None


def witness_ports(kubelet: int, proxy: int) -> WitnessPorts:
    """Return the ports of nodes that are asked for a sign of life.

    Raises:
        Misuse: with the sentence for the user.
    """
    for flag, port in (("--kubelet-port", kubelet), ("--proxy-port", proxy)):
        if not 0 <= port <= LAST_PORT:
            raise Misuse(f"{flag} {port} is no TCP port: give 1 to {LAST_PORT}, or 0 for none.")
    if kubelet and kubelet == proxy:
        raise Misuse(
            f"--kubelet-port and --proxy-port are both {kubelet}: two programs cannot have one "
            "port; give 0 for the one that is not there."
        )
    return WitnessPorts(kubelet, proxy)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the manager; return its exit status."""
    try:
        given = parser().parse_args(argv)
    except SystemExit as refusal:  # argparse has said why
        return int(refusal.code or 0)

    def work(chosen: Options) -> int:
        asyncio.run(run(chosen))
        return 0

    return status_of("pointsman manager", parser(), given, lambda: options(given), work)


if __name__ == "__main__":
    sys.exit(main())
