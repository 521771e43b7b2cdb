"""``python -m agent``: flags in, exit status out.

0: told to stop. 2: a flag or the kubeconfig is wrong, with a sentence. Anything else is
a bug with its traceback.
"""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from agent.kernel import LONGEST_LEASE_S, SHORTEST_LEASE_S
from agent.main import Options, reach, run
from agent.snapshot import NodeName
from pointsman.runtime.errors import Misuse
from pointsman.runtime.http_listen import http_listen
from pointsman.runtime.program import log_flags, status_of
from pointsman.runtime.usage import Parser, examples, path

PROXY_HEALTH = "http://127.0.0.1:10256/healthz"  # kube-proxy's --healthz-bind-address
STATE_DIR = Path("/var/lib/pointsman")
ANNOUNCE_RATE = 500  # a second and interface: 2,000 addresses take four
MOST_ANNOUNCED = 10_000
KERNEL_LEASE_S = 90  # a Pod is replaced within it, its image pulled; docs/kernel.md
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain


def parser() -> argparse.ArgumentParser:
    """Return the command line of the agent."""
    made = Parser(
        prog="pointsman agent",
        description="Report this node's interfaces and addresses into its Announcer's status, let "
        "the managers hear that it lives, and answer ARP and NDP for the addresses it is assigned.",
        epilog=examples(
            "pointsman agent --node node1 --kubeconfig agent.conf",
            "pointsman agent --node node1 --proxy-health off",
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--node", metavar="NAME", help="name of this Node (default: $NODE_NAME)")
    made.add_argument(
        "--kubeconfig",
        type=path,
        metavar="FILE",
        help="how to reach the API server (default: the Pod's service account)",
    )
    made.add_argument(
        "--proxy-health",
        default=PROXY_HEALTH,
        metavar="URL|off",
        help="where the node's service proxy says whether it works (default: %(default)s)",
    )
    made.add_argument(
        "--state-dir",
        type=path,
        default=STATE_DIR,
        metavar="DIR",
        help="where the key of its heartbeats and its last assignment are kept, for it alone "
        "(default: %(default)s)",
    )
    made.add_argument(
        "--announce-rate",
        type=int,
        default=ANNOUNCE_RATE,
        metavar="N",
        help="layer2: announcements a second on one interface at most (default: %(default)s)",
    )
    made.add_argument(
        "--kernel-lease",
        type=int,
        default=KERNEL_LEASE_S,
        metavar="SECONDS",
        help="kernel: how long addresses and routes stay when this agent is gone "
        "(default: %(default)s)",
    )
    made.add_argument(
        "--http",
        metavar="ADDRESS:PORT",
        help="answer /healthz, /readyz and /metrics there (default: nobody); :PORT is every "
        "address",
    )
    log_flags(made)
    return made


def options(given: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """Return the checked options.

    Raises:
        Misuse: with the sentence for the user.
    """
    node = given.node or environment.get("NODE_NAME", "")
    if not node:
        raise Misuse("The agent doesn't know its node: give --node NAME, or set NODE_NAME.")
    if not NODE_NAME.fullmatch(node):
        raise Misuse(
            f"{node!r} can't be the name of a Node: write it as `kubectl get nodes` prints it."
        )
    url = _proxy_url(given.proxy_health)
    http = http_listen(given.http) if given.http is not None else None
    rate = given.announce_rate
    if not 0 < rate <= MOST_ANNOUNCED:
        raise Misuse(
            f"--announce-rate {rate} can't be kept: give 1 to {MOST_ANNOUNCED} announcements a "
            "second."
        )
    lease = given.kernel_lease
    if not SHORTEST_LEASE_S <= lease <= LONGEST_LEASE_S:
        raise Misuse(
            f"--kernel-lease {lease} can't be kept: give {SHORTEST_LEASE_S} to {LONGEST_LEASE_S} "
            "seconds."
        )
    access = reach(given.kubeconfig, environment)
    return Options(NodeName(node), access, url, given.state_dir, rate, lease, http)


def _proxy_url(text: str) -> str:
    if text == "off":
        return ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise Misuse(f"--proxy-health {text!r} is neither an http:// or https:// URL nor off.")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent and return its exit status."""
    given = parser().parse_args(arguments)

    def work(chosen: Options) -> int:
        asyncio.run(run(chosen))
        return 0

    return status_of("pointsman agent", parser(), given, lambda: options(given, os.environ), work)


if __name__ == "__main__":
    sys.exit(main())
