"""A process that answers for addresses on an interface, as an agent does.

It says `ready` when the kernel's filter is the narrow one, and its CPU time in ns whenever a line
comes in; when its input ends, so does it.
"""

import argparse
import asyncio
import random
import sys
import time
from datetime import UTC, datetime
from ipaddress import ip_address

from agent.adapters.netlink import KernelNetwork, rtnetlink_socket
from agent.adapters.responders import PacketResponders
from agent.adapters.totals import BUFFER_FULL
from agent.looks import Looked
from agent.snapshot import Assignment, Duty
from pointsman.model.address import Address
from pointsman.runtime.clock import Clock


async def answer(interface: str, addresses: list[Address]) -> None:
    loop = asyncio.get_running_loop()
    assignment = Assignment(1, duties=(Duty(interface, "Node", frozenset(addresses), frozenset()),))

    async def look() -> Looked:
        return Looked(assignment)

    responders = PacketResponders(
        announce_rate=500,
        chance=random.Random(1),
        clock=Clock(time.monotonic, lambda: datetime.now(UTC)),
        look=look,
    )
    network = await KernelNetwork(rtnetlink_socket).observe()
    responders.follow(assignment, network, confirmed=True)
    running = asyncio.create_task(responders.run(lambda: None))
    ended = asyncio.Event()

    def asked() -> None:
        if not sys.stdin.readline():
            ended.set()
        lost = responders.totals.drops[BUFFER_FULL]
        print(time.process_time_ns(), lost, flush=True)

    loop.add_reader(sys.stdin, asked)
    print("ready", flush=True)
    await ended.wait()
    running.cancel()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("interface")
    parser.add_argument("addresses", type=ip_address, nargs="+")
    given = parser.parse_args()
    asyncio.run(answer(given.interface, given.addresses))


if __name__ == "__main__":
    main()
