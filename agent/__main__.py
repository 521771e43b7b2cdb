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

from agent.main import Options, reach, run
from agent.snapshot import NodeName
from pointsman.runtime import logs
from pointsman.runtime.errors import Misuse
from pointsman.runtime.usage import Parser, examples

PROXY_HEALTH = "http://127.0.0.1:10256/healthz"  # kube-proxy's --healthz-bind-address
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain


def parser() -> argparse.ArgumentParser:
    """Return the command line of the agent."""
    made = Parser(
        prog="pointsman agent",
        description="Report this node's interfaces and addresses into its Announcer's status.",
        epilog=examples(
            "pointsman agent --node node1 --kubeconfig agent.conf",
            "pointsman agent --node node1 --proxy-health off",
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--node", metavar="NAME", help="name of this Node (default: $NODE_NAME)")
    made.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="how to reach the API server (default: the Pod's service account)",
    )
    made.add_argument(
        "--proxy-health",
        default=PROXY_HEALTH,
        metavar="URL|off",
        help="where the node's service proxy says whether it works (default: %(default)s)",
    )
    made.add_argument("--log-level", default="info", choices=logs.LEVELS)
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
    return Options(NodeName(node), reach(given.kubeconfig, environment), url)


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
    try:
        chosen = options(given, os.environ)
    except Misuse as error:
        print(f"pointsman agent: {error}", file=sys.stderr)
        return 2
    logs.set_up(given.log_level)
    asyncio.run(run(chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
