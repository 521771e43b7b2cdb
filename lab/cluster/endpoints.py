"""EndpointSlices of a Service, as `lab endpoints` writes them. Pure.

`node1:2` is two pods of node1, ready; `node3:1:terminating` one that goes away
and still serves; `node2:1:unready` one that doesn't. Words for one node take
its pods in order. One slice per family, both always written, as if a Service's
pods had both addresses, which in the lab they have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lab.network.topology import POD_PORT, Node, Topology
from pointsman.model.names import SLICE_SERVICE
from pointsman.runtime.errors import Misuse

Json = dict[str, Any]
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"


class Health(Enum):
    """Conditions of an endpoint; the values are (ready, serving, terminating)."""

    READY = (True, True, False)
    UNREADY = (False, False, False)
    TERMINATING = (False, True, True)

    @property
    def conditions(self) -> dict[str, bool]:
        ready, serving, terminating = self.value
        return {"ready": ready, "serving": serving, "terminating": terminating}


@dataclass(frozen=True, slots=True)
class Pods:
    """*count* pods of *node*, the next ones in order, in that health."""

    node: Node
    count: int
    health: Health


def parse(words: Sequence[str], topology: Topology) -> list[Pods]:
    """Return what `node1:2 node3:1:terminating` asks for.

    Raises:
        Misuse: a word that isn't one, a node there is not, more pods than it has.
    """
    nodes = {node.name: node for node in topology.nodes}
    taken = dict.fromkeys(nodes, 0)
    wanted = []
    for word in words:
        form = re.fullmatch(r"([^:]+):(\d+)(?::(unready|terminating|ready))?", word)
        if not form:
            raise Misuse(f"{word!r} isn't NODE:COUNT[:unready|:terminating], such as node1:2.")
        name, count = form[1], int(form[2])
        if name not in nodes:
            raise Misuse(f"Lab {topology.name!r} has no node {name!r}: it has {', '.join(nodes)}.")
        taken[name] += count
        if taken[name] > (has := nodes[name].pod_count):
            raise Misuse(
                f"{name} has {has} pods, not {taken[name]}: ask for fewer, or build the lab with "
                "more (lab up --pods)."
            )
        wanted.append(Pods(nodes[name], count, Health[(form[3] or "ready").upper()]))
    return wanted


def service_name(text: str) -> tuple[str, str]:
    """Return namespace and name of `NS/NAME`.

    Raises:
        Misuse: it isn't that.
    """
    namespace, slash, name = text.partition("/")
    if not (slash and namespace and name) or "/" in name:
        raise Misuse(f"{text!r} names no Service: write NAMESPACE/NAME, such as default/web.")
    return namespace, name


def slices(service: Json, wanted: Sequence[Pods]) -> list[Json]:
    """Return the slices of *service*, IPv4 first. Every port leads to the pods' only one."""
    meta, ports = service["metadata"], service["spec"].get("ports") or []
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{meta['name']}-lab-ipv{version}",
                "namespace": meta["namespace"],
                "labels": {
                    SLICE_SERVICE: meta["name"],
                    "endpointslice.kubernetes.io/managed-by": "pointsman-lab",
                },
            },
            "addressType": f"IPv{version}",
            "ports": [
                {
                    "name": port.get("name") or "",
                    "port": POD_PORT,
                    "protocol": port.get("protocol") or "TCP",
                }
                for port in ports
            ],
            "endpoints": _endpoints(wanted, version),
        }
        for version in (4, 6)
    ]


def _endpoints(wanted: Sequence[Pods], version: int) -> list[Json]:
    made: list[Json] = []
    used: dict[str, int] = {}
    for pods in wanted:
        first = used.get(pods.node.name, 0)
        used[pods.node.name] = first + pods.count
        for pair in pods.node.pods[first : first + pods.count]:
            address = next(a for a in pair if a.version == version)
            made.append(
                {
                    "addresses": [str(address.ip)],
                    "conditions": pods.health.conditions,
                    "nodeName": pods.node.name,
                    "zone": pods.node.zone,
                }
            )
    return made
