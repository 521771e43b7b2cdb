"""A real kernel's network in a namespace of its own, with the hands the fake has."""

import itertools
import os
import socket

from agent.adapters.netlink import KernelNetwork, rtnetlink_socket
from lab.network import netns

_numbers = itertools.count()


class KernelWorld(KernelNetwork):
    """The port ``Links`` on a namespace; every link is a veth whose far end is here too."""

    def __init__(self) -> None:
        super().__init__(self._socket_inside)
        self.namespace = f"pmagent-{os.getpid()}-{next(_numbers)}"
        netns.ip(f"netns add {self.namespace}")
        netns.ip("link set lo up", namespace=self.namespace)

    def close(self) -> None:
        netns.remove([self.namespace])

    def ip(self, *commands: str) -> None:
        netns.ip(*commands, namespace=self.namespace)

    def add_link(self, name: str, mac: str) -> None:
        self.ip(
            f"link add {name} address {mac} type veth peer name {name}-far",
            f"link set {name}-far up",
            f"link set {name} up",
        )

    def set_up(self, name: str, up: bool) -> None:
        self.ip(f"link set {name} {'up' if up else 'down'}")

    def set_carrier(self, name: str, carrier: bool) -> None:
        self.ip(f"link set {name}-far {'up' if carrier else 'down'}")

    def set_mac(self, name: str, mac: str) -> None:
        self.ip(f"link set {name} address {mac}")

    def rename(self, name: str, new_name: str) -> None:
        self.ip(f"link set {name} name {new_name}")

    def set_master(self, name: str, master: str) -> None:
        self.ip(f"link set {name} master {master}")

    def delete(self, name: str) -> None:
        self.ip(f"link delete {name}")

    def add_address(self, name: str, text: str) -> None:
        # Without duplicate address detection: it would take a second per address.
        self.ip(f"address add {text} dev {name}{' nodad' if ':' in text else ''}")

    def remove_address(self, name: str, text: str) -> None:
        self.ip(f"address delete {text} dev {name}")

    def set_default_route(self, name: str, gateway: str) -> None:
        self.ip(f"route replace default via {gateway} dev {name}")

    def add_other_route(self, name: str, destination: str) -> None:
        self.ip(f"route add {destination} dev {name}")

    def _socket_inside(self) -> socket.socket:
        with netns.entered(self.namespace):
            return rtnetlink_socket()
