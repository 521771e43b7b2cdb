"""The cluster's stocks: service addresses of both families, and node ports.

State changes only when a write is committed; asking hands out nothing.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any, Final

from standin.grammar.errors import ApiError, invalid, invalid_object

CIDRS: Final = {
    "IPv4": ipaddress.ip_network("10.96.0.0/16"),
    "IPv6": ipaddress.ip_network("fd00:10:96::/112"),
}
NODE_PORTS: Final = range(30000, 32768)

Spec = dict[str, Any]


class Stocks:
    """What Services hold. Reference counts would be wrong: the API never shares these."""

    def __init__(self) -> None:
        self._addresses: set[str] = set()
        self._ports: set[tuple[str, int]] = set()
        self._used_numbers: dict[int, int] = {}
        self._next = dict.fromkeys(CIDRS, 0)
        self._next_port = 0

    def family_of(self, address: str) -> str:
        return f"IPv{ipaddress.ip_address(address).version}"

    def free_address(self, family: str) -> str:
        """Return the next free address of *family*; the ends of a range come first and last.

        Raises:
            ApiError: 500, none is left.
        """
        network = CIDRS[family]
        size = network.num_addresses - (2 if network.version == 4 else 1)
        for _ in range(size):
            self._next[family] = self._next[family] % size + 1
            address = str(network[self._next[family]])
            if address not in self._addresses and self._next[family] != 1:  # .1: `kubernetes`
                return address
        raise _internal("failed to allocate a serviceIP: range is full")

    def check_address(self, address: str, service: str, wanted: list[str]) -> None:
        """Raises:
        ApiError: 422, *address* is taken or lies outside the cluster's ranges.
        """
        value = ipaddress.ip_address(address)
        network = CIDRS[f"IPv{value.version}"]
        why = ""
        if value not in network or value in (network[0], network[-1]):
            why = (
                f"the provided IP ({address}) is not in the valid range. "
                f"The range of valid IPs is {network}"
            )
        elif str(value) in self._addresses:
            why = "provided IP is already allocated"
        if why:
            detail = f"failed to allocate IP {address}: {why}"
            fault = invalid("spec.clusterIPs", wanted, detail)
            raise invalid_object("", "Service", service, [fault])

    def free_port(self, taken: set[int]) -> int:
        """Return a node port that no protocol uses and that isn't in *taken*.

        Raises:
            ApiError: 500, all 2,768 are in use.
        """
        for _ in NODE_PORTS:
            port = NODE_PORTS[self._next_port % len(NODE_PORTS)]
            self._next_port += 1
            if port not in self._used_numbers and port not in taken:
                return port
        raise _internal("failed to allocate a nodePort: range is full")

    def port_fault(self, protocol: str, port: int) -> str:
        """Return why *port* can't be had; empty when it can."""
        if port not in NODE_PORTS:
            span = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
            return f"provided port is not in the valid range. The range of valid ports is {span}"
        if (protocol, port) in self._ports:
            return "provided port is already allocated"
        return ""

    def settle(self, new: Spec | None, old: Spec | None) -> None:
        """Give back what *old* held and book what *new* holds."""
        for address in _addresses(old):
            self._addresses.discard(address)
        for booked in _ports(old):
            if booked in self._ports:
                self._ports.remove(booked)
                self._used_numbers[booked[1]] -= 1
                if not self._used_numbers[booked[1]]:
                    del self._used_numbers[booked[1]]
        self._addresses.update(_addresses(new))
        for booked in _ports(new):
            if booked not in self._ports:
                self._ports.add(booked)
                self._used_numbers[booked[1]] = self._used_numbers.get(booked[1], 0) + 1


def _addresses(spec: Spec | None) -> Iterator[str]:
    yield from (a for a in (spec or {}).get("clusterIPs", []) if a != "None")


def _ports(spec: Spec | None) -> Iterator[tuple[str, int]]:
    """Yield (protocol, node port) without repeats."""
    spec = spec or {}
    booked = {(p["protocol"], p["nodePort"]) for p in spec.get("ports", []) if p.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        booked.add(("TCP", spec["healthCheckNodePort"]))
    yield from sorted(booked)


def _internal(why: str) -> ApiError:
    details = {"causes": [{"message": why}]}
    return ApiError(500, "InternalError", f"Internal error occurred: {why}", details)
