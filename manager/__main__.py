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

from manager.main import Options, run
from manager.snapshot import Settings
from pointsman.model.names import LOAD_BALANCER_CLASS, NAMESPACE
from pointsman.runtime import logs
from pointsman.runtime.errors import Misuse
from pointsman.runtime.usage import Parser, examples

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
SOCKET = Path("/run/pointsman/gobgp/gobgp.sock")
SHORTEST_LEASE_S = 3.0  # below, one slow answer of the API server loses it


def parser() -> argparse.ArgumentParser:
    """Return the command line of the manager."""
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
        type=Path,
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
        "--drain-taints",
        default=",".join(sorted(Settings().drain_taints)),
        metavar="KEYS",
        help="taints that mean a node is to be left, comma separated (default: %(default)s)",
    )
    made.add_argument(
        "--lease-duration-s",
        type=float,
        default=15.0,
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
    made.add_argument("--log-level", default="info", choices=logs.LEVELS)
    return made


def options(given: argparse.Namespace) -> Options:
    """Return the checked options.

    Raises:
        Misuse: with the sentence for the user.
    """
    name = given.name or socket.gethostname().lower()
    if not NAME.fullmatch(name):
        raise Misuse(f"{name!r} cannot name a replica: give --name with letters, digits and '-'.")
    if not given.lease_duration_s >= SHORTEST_LEASE_S:
        raise Misuse(
            f"A lease of {given.lease_duration_s:g} s is too short to be renewed in time: give "
            f"--lease-duration-s {SHORTEST_LEASE_S:g} or more."
        )
    if given.replicas is not None and given.replicas < 1:
        raise Misuse(f"{given.replicas} replicas make no manager: give --replicas 1 or more.")
    sockets = tuple(given.gobgp_socket or [SOCKET])
    if len(set(sockets)) < len(sockets):
        raise Misuse("Two speakers cannot have one socket: give each --gobgp-socket once.")
    taints = frozenset(filter(None, (key.strip() for key in given.drain_taints.split(","))))
    return Options(
        name=name,
        namespace=given.namespace,
        kubeconfig=given.kubeconfig,
        gobgp_sockets=sockets,
        lease_duration_s=given.lease_duration_s,
        settings=Settings(
            require_class=given.require_class,
            drain_taints=taints,
            speaker_name=name,
            speakers=len(sockets),
            replicas=given.replicas,
        ),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the manager; return its exit status."""
    try:
        given = parser().parse_args(argv)
    except SystemExit as refusal:  # argparse has said why
        return int(refusal.code or 0)
    logs.set_up(given.log_level)
    try:
        asyncio.run(run(options(given)))
    except Misuse as misuse:
        print(f"pointsman manager: {misuse}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
