"""A LAN of three namespaces for responders: the node, a client and a stranger, one bridge.

The client is a kernel, and asks with other people's tools.
"""

import contextlib
import itertools
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from agent.adapters.netlink import KernelNetwork, rtnetlink_socket
from agent.snapshot import Network
from lab.network import netns
from lab.parts import tool
from lab.patience import wait

NODE_MAC, CLIENT_MAC, STRANGER_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:03"
MACHINES = {
    "node": ("192.0.2.11", "2001:db8:2::11", NODE_MAC),
    "client": ("192.0.2.1", "2001:db8:2::1", CLIENT_MAC),
    "stranger": ("192.0.2.66", "2001:db8:2::66", STRANGER_MAC),
}
_numbers = itertools.count()


@dataclass(frozen=True)
class Lan:
    name: str

    def namespace(self, machine: str) -> str:
        return f"{self.name}-{machine}"

    def ip(self, machine: str, *commands: str) -> None:
        netns.ip(*commands, namespace=self.namespace(machine))

    def run(self, machine: str, *command: str) -> str:
        """Return what *command* prints, whatever its exit status."""
        argv = netns.entering(self.namespace(machine), [tool(command[0], "iproute2"), *command[1:]])
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout

    def arping(self, address: str, *flags: str, machine: str = "client") -> set[str]:
        """Return the MACs that answer for *address*."""
        out = self.run(machine, "arping", "-I", "eth0", "-c", "3", "-w", "3", *flags, address)
        return {mac.lower() for mac in re.findall(r"\[([0-9A-F:]{17})\]", out)}

    def ndisc6(self, address: str, *, machine: str = "client") -> set[str]:
        out = self.run(machine, "ndisc6", "-1", "-w", "500", address, "eth0")
        return {mac.lower() for mac in re.findall(r"address: ([0-9A-F:]{17})", out)}

    def send(self, address: str, *, machine: str = "client") -> None:
        """Send a datagram to *address*: the kernel of *machine* asks for its MAC."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with (
            netns.entered(self.namespace(machine)),
            socket.socket(family, socket.SOCK_DGRAM) as one,
        ):
            one.sendto(b"", (address, 9))

    def neighbor(self, address: str, *, machine: str = "client") -> str:
        """Return the MAC that the kernel of *machine* has for *address*; empty: none."""
        found = re.search(r"lladdr (\S+)", self.run(machine, "ip", "neigh", "show", address))
        return found[1] if found else ""

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Be the node: what is opened meanwhile is opened there."""
        return netns.entered(self.namespace("node"))

    async def network(self) -> Network:
        """Return the node's network, as its agent sees it."""
        with self.inside():
            return await KernelNetwork(rtnetlink_socket).observe()


@contextlib.contextmanager
def lan() -> Iterator[Lan]:
    made = Lan(f"pmlan-{os.getpid()}-{next(_numbers)}")
    spaces = [made.namespace(machine) for machine in (*MACHINES, "switch")]
    netns.ip(*(f"netns add {space}" for space in spaces))
    try:
        quiet = {"net.ipv6.conf.default.dad_transmits": 0, "net.ipv6.conf.default.accept_ra": 0}
        for space in spaces:
            netns.sysctl(space, quiet)
        bridge = ("link add br0 type bridge mcast_snooping 0", "link set br0 up")
        netns.ip(*bridge, namespace=spaces[-1])
        for machine in MACHINES:
            plug(made, machine)
        yield made
    finally:
        netns.remove(spaces)


def plug(made: Lan, machine: str) -> None:
    four, six, mac = MACHINES[machine]
    switch = made.namespace("switch")
    netns.ip(
        f"link add {machine} type veth peer name eth0 netns {made.namespace(machine)}",
        f"link set {machine} master br0 up",
        namespace=switch,
    )
    made.ip(
        machine,
        f"link set eth0 address {mac} up",
        f"addr add {four}/24 dev eth0",
        f"addr add {six}/64 dev eth0 nodad",
    )
    # Its own carrier it hears of later: who looks once would take it for down.
    wait("its link", lambda: "state UP" in made.run(machine, "ip", "link", "show", "eth0"))
