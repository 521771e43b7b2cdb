"""`python -m standin`: the stand-in API as a process of its own, until SIGTERM."""

import argparse
import asyncio
import signal
from pathlib import Path

from standin.kubeconfig import kubeconfig
from standin.server import Api, start


def main() -> None:
    parser = argparse.ArgumentParser(prog="standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--port-file", type=Path, help="write the port here once it listens")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig here")
    parser.add_argument("--ring", type=int, default=4096, help="changes remembered per kind")
    parser.add_argument("--bookmark-s", type=float, default=60.0, help="seconds between bookmarks")
    options = parser.parse_args()
    asyncio.run(serve(options))


async def serve(options: argparse.Namespace) -> None:
    runner, port = await start(
        Api(ring=options.ring, bookmark_s=options.bookmark_s), port=options.port
    )
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    url = f"http://127.0.0.1:{port}"
    if options.kubeconfig:
        replace(options.kubeconfig, kubeconfig(url))
    if options.port_file:
        replace(options.port_file, f"{port}\n")
    print(f"stand-in Kubernetes API on {url}", flush=True)
    await over.wait()
    await runner.cleanup()


def replace(path: Path, text: str) -> None:
    """Write whole or not at all: others wait for this file to appear."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    main()
