"""`python -m sidecars.gobgp --socket PATH [--gobgpd PATH]`: run gobgpd behind a private socket.

Exit status: 0 after SIGTERM, 2 for misuse, otherwise gobgpd's own.
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from pointsman.runtime import logs
from pointsman.runtime.errors import Misuse
from sidecars.gobgp import parent
from sidecars.gobgp.ground import find_gobgpd, prepare
from sidecars.gobgp.hung import PROBE_S


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sidecars.gobgp", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="API socket to be made")
    parser.add_argument("--gobgpd", help="the daemon (default: $GOBGPD, else found on PATH)")
    parser.add_argument(
        "--probe-seconds", type=float, default=PROBE_S, metavar="S",
        help="how long gobgpd may owe an answer; one that owes three, and uses no CPU meanwhile, "
        "hangs and is replaced (default: %(default)g)",
    )  # fmt: skip
    options = parser.parse_args()
    if options.probe_seconds <= 0:
        parser.error("--probe-seconds is more than 0")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.OneLine("sidecar: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        gobgpd = find_gobgpd(options.gobgpd)
        prepare(options.socket)
    except Misuse as why:
        print(f"sidecar: {why}", file=sys.stderr)
        return 2
    return asyncio.run(parent.run(gobgpd, options.socket.absolute(), probe_s=options.probe_seconds))


if __name__ == "__main__":
    sys.exit(main())
