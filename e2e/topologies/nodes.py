"""The lab's topology as kind has it: other names of nodes, and Pods on the nodes' own addresses."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

from lab.network.topology import Node, Topology
from lab.options import Options


@dataclass(frozen=True, slots=True)
class KindNode(Node):
    """A worker: the control plane's node has the manager, as the lab's machine `manager`."""

    @property
    def name(self) -> str:
        return f"pointsman-worker{self.number if self.number > 1 else ''}"

    @property
    def pods(self) -> tuple[tuple[IPv4Interface, IPv6Interface], ...]:
        return (self.addresses,)  # pods.yaml


@dataclass(frozen=True, slots=True)
class KindTopology(Topology):
    @property
    def nodes(self) -> tuple[Node, ...]:
        # Not super(): a dataclass with slots is another class than the one it was written as.
        return tuple(KindNode(node.number, node.lan, 1) for node in Topology.nodes.fget(self))  # type: ignore[attr-defined]


def topology(options: Options, home: Path) -> KindTopology:
    return KindTopology(
        name=options.name, node_count=options.nodes, rack_count=options.racks, runtime_root=home
    )
