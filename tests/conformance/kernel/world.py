"""A real kernel in a namespace of its own, with the hands the fake has."""

import itertools
import json
import os
import subprocess

from agent.adapters.kernel_host import NetlinkHost
from agent.kernel import HostAddress, KernelKey
from lab.network import netns
from lab.parts import tool
from lab.patience import wait
from pointsman.model.assignment import KERNEL_INTERFACE

_numbers = itertools.count()


class KernelWorld(NetlinkHost):
    """The port ``KernelHost`` on a namespace."""

    def __init__(self) -> None:
        self.namespace = f"pmkernel-{os.getpid()}-{next(_numbers)}"
        super().__init__(namespace=self.namespace)
        netns.ip(f"netns add {self.namespace}")
        # Or addresses would change by themselves, a second or two after their links are up.
        netns.sysctl(self.namespace, {"net.ipv6.conf.default.dad_transmits": 0})
        self.ip("link set lo up", "link add lan0 type veth peer name lan0-far")
        self.ip("link set lan0 up", "link set lan0-far up")
        self._wait_for_link_locals("lan0", "lan0-far")
        self.ip("address add 192.0.2.11/24 dev lan0", "address add 2001:db8:2::b/64 dev lan0 nodad")

    def _wait_for_link_locals(self, *interfaces: str) -> None:
        """Wait for what the kernel adds by itself: the address first, its local route later."""

        def routed() -> set[str]:
            routes = json.loads(self.shown("-j", "-6", "route", "show", "table", "local"))
            return {one["dev"] for one in routes if one["dst"].startswith("fe80::")}

        wait("the routes of link-local addresses", lambda: routed() >= set(interfaces))

    def close(self) -> None:
        netns.remove([self.namespace])

    def ip(self, *commands: str) -> None:
        netns.ip(*commands, namespace=self.namespace)

    def shown(self, *words: str) -> str:
        """Return what `ip` prints in the namespace."""
        command = [tool("ip", "iproute2"), "-n", self.namespace, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def everything(self) -> str:
        """Return all interfaces, addresses, routes and rules, but for the counts of lifetimes."""
        parts = [self.shown("-o", "address")]
        parts += [self.shown(family, "route", "show", "table", "all") for family in ("-4", "-6")]
        parts += [self.shown(family, "rule") for family in ("-4", "-6")]
        return "\n".join(parts)

    @property
    def has_interface(self) -> bool:
        return f" {KERNEL_INTERFACE}: " in self.shown("-o", "link")

    def flags(self, text: str) -> dict[str, object]:
        """Return how `ip` shows that address of ours."""
        (link,) = json.loads(self.shown("-j", "address", "show", "dev", KERNEL_INTERFACE))
        (found,) = [one for one in link["addr_info"] if one["local"] == text]
        return dict(found)

    def add_foreign_route(self, text: str) -> None:
        """Add a route as preferred as ours would be."""
        metric = " metric 1" if ":" in text else ""
        self.ip(f"route add {text} dev lan0 proto static{metric}")

    def add_foreign_interface(self) -> None:
        self.ip(f"link add {KERNEL_INTERFACE} type bridge")

    def remove(self, key: KernelKey) -> None:
        assert isinstance(key, HostAddress)
        length = key.address.max_prefixlen
        self.ip(f"address delete {key.address}/{length} dev {KERNEL_INTERFACE}")
