"""`python -m sidecars.gobgp --socket PATH [--gobgpd PATH]`: run gobgpd behind a private socket.

Exit status: 0 after SIGTERM, 2 for misuse, otherwise gobgpd's own.
"""

import argparse
import asyncio
import sys

from pointsman.runtime.program import log_flags, status_of
from pointsman.runtime.usage import Parser, path
from sidecars.gobgp import parent
from sidecars.gobgp.ground import find_gobgpd, prepare
from sidecars.gobgp.hung import PROBE_S

PROBE_MAX_S = 3600  # one that hangs is to be replaced by somebody's lifetime


def parser() -> argparse.ArgumentParser:
    """Return the command line of the sidecar."""
    made = Parser(prog="python -m sidecars.gobgp", description=__doc__)
    made.add_argument("--socket", type=path, required=True, help="API socket to be made")
    made.add_argument("--gobgpd", help="the daemon (default: $GOBGPD, else found on PATH)")
    made.add_argument(
        "--probe-seconds", type=float, default=PROBE_S, metavar="S",
        help="how long gobgpd may owe an answer; one that owes three, and uses no CPU meanwhile, "
        "hangs and is replaced (default: %(default)g)",
    )  # fmt: skip
    log_flags(made)
    return made


def main() -> int:
    made = parser()
    given = made.parse_args()
    if not 0 < given.probe_seconds <= PROBE_MAX_S:  # nan is neither
        made.error(
            f"--probe-seconds {given.probe_seconds:g} can't be kept: give more than 0 seconds, "
            f"{PROBE_MAX_S} at most"
        )

    def find() -> str:
        gobgpd = find_gobgpd(given.gobgpd)
        prepare(given.socket)
        return gobgpd

    def work(gobgpd: str) -> int:
        socket = given.socket.absolute()
        return asyncio.run(parent.run(gobgpd, socket, probe_s=given.probe_seconds))

    return status_of("sidecar", made, given, find, work, text="sidecar: %(message)s")


if __name__ == "__main__":
    sys.exit(main())
