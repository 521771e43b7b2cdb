"""The stand-in API for machines that reach it by an address: `python -m e2e.containers.apiserver`.

The stand-in itself listens on loopback only, because it asks nobody who he is; in the networks of
a bed there is nobody else.
"""

import argparse
import asyncio

from aiohttp import web

from standin.server import Api, start


async def serve(port: int) -> None:
    runner, _ = await start(Api())
    await web.TCPSite(runner, None, port).start()
    print(f"stand-in Kubernetes API on port {port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m e2e.containers.apiserver", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))
