"""What is wrong with a topology: everything that can be said without containerlab and kind.

`complaints(FOLDER)` is a list of sentences; a topology that deploys has none. Beyond the fields
(`files`): links have two ends that exist, a port is used once, kind's containers are named as kind
names them, and whoever shares a segment shares its network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import yaml
from pydantic import ValidationError

from e2e.topologies.files import CLAB, KIND, Clab, Kind, read_clab, read_kind
from e2e.topologies.wiring import addresses, hops, segments, switches

IMAGE = "pointsman-bed"  # of routers, switches and clients: e2e/containers/image
OWN_FILES = {CLAB, KIND, "README.md", "network.yaml", "calico.yaml"}
KIND_PODS, KIND_SERVICES = "10.244.0.0/16", "10.96.0.0/16"  # its defaults


def complaints(folder: Path) -> list[str]:
    try:
        clab, kind = read_clab(folder), read_kind(folder)
    except (OSError, ValueError, ValidationError, yaml.YAMLError) as error:
        return [f"{folder.name}: {error}"]
    found = [
        *_links(clab),
        *_images(clab, kind),
        *_cluster(clab, kind),
        *_segments(clab),
        *_ways(clab),
        *_networks(clab, kind),
        *_files(folder, clab),
    ]
    return [f"{folder.name}: {one}" for one in found]


def _links(clab: Clab) -> Iterator[str]:
    ends = [end for link in clab.topology.links for end in link.endpoints]
    for end, count in Counter(ends).items():
        node = end.partition(":")[0]
        if count > 1:
            yield f"{end} is used by {count} links"
        if node not in clab.topology.nodes:
            yield f"a link ends at {node}, which is no node"
        elif clab.topology.nodes[node].kind == "k8s-kind":
            yield f"a link ends at {node}, which is a cluster: its containers have the ports"
    for given in addresses(clab):
        if f"{given.node}:{given.interface}" not in ends:
            yield f"{given.node} gives {given.address} to {given.interface}, which has no cable"
    for name, ports in switches(clab).items():
        cabled = {end.partition(":")[2] for end in ends if end.startswith(f"{name}:")}
        for port in sorted(cabled ^ ports.keys()):
            yield f"switch {name}: {port} has a cable or a bridge, not both"


def _images(clab: Clab, kind: Kind) -> Iterator[str]:
    """The one place for images is `kinds`; kind brings its own."""
    if clab.topology.kinds["linux"].image != IMAGE:
        yield f"kinds.linux.image is not {IMAGE}"
    named = [name for name, node in clab.topology.nodes.items() if node.image]
    named += [f"{KIND} {node.role}" for node in kind.nodes if node.image]
    for name in named:
        yield f"{name} names an image of its own"


def _cluster(clab: Clab, kind: Kind) -> Iterator[str]:
    clusters = [n for n, node in clab.topology.nodes.items() if node.kind == "k8s-kind"]
    if clusters != [kind.name]:
        yield f"{KIND} makes cluster {kind.name}, and the topology has {clusters}"
    for name in clusters:
        if clab.topology.nodes[name].startup_config != KIND:
            yield f"{name} does not start with {KIND}"
    outside = {n for n, node in clab.topology.nodes.items() if node.kind == "ext-container"}
    for name in sorted(outside ^ set(kind.containers())):
        where = "the topology" if name in outside else KIND
        yield f"container {name} is only in {where}"
    if sum("pointsman.dev/manager" in node.labels for node in kind.nodes) != 1:
        yield "not exactly one node is labelled for the manager"


def _segments(clab: Clab) -> Iterator[str]:
    given = list(addresses(clab))
    for address, count in Counter(one.address.ip for one in given).items():
        if count > 1:
            yield f"{address} is given {count} times"
    for ends in segments(clab):
        there = [one for one in given if f"{one.node}:{one.interface}" in ends]
        for version in (4, 6):
            networks = {one.address.network for one in there if one.address.version == version}
            if len(networks) > 1:
                names = ", ".join(sorted(map(str, networks)))
                yield f"one segment has the networks {names}"
    where = {one.address.network: ends for ends in segments(clab) for one in given
             if f"{one.node}:{one.interface}" in ends}  # fmt: skip
    for one in given:
        if f"{one.node}:{one.interface}" not in where.get(one.address.network, frozenset()):
            yield f"{one.address.network} is on two segments"


def _ways(clab: Clab) -> Iterator[str]:
    given = list(addresses(clab))
    holders = {one.address.ip: one for one in given}
    by_end = {end: ends for ends in segments(clab) for end in ends}
    for hop in hops(clab):
        holder = holders.get(hop.via)
        if holder is None:
            yield f"{hop.node} routes {hop.to} over {hop.via}, which nobody has"
            continue
        ends = by_end.get(f"{holder.node}:{holder.interface}", frozenset())
        own = {end for end in ends if end.startswith(f"{hop.node}:")}
        if not own or (hop.interface and f"{hop.node}:{hop.interface}" not in own):
            yield f"{hop.node} routes {hop.to} over {hop.via}, which is on no segment of its own"


def _networks(clab: Clab, kind: Kind) -> Iterator[str]:
    networking = kind.networking
    inside = f"{networking.pod_subnet or KIND_PODS},{networking.service_subnet or KIND_SERVICES}"
    cluster = [ip_network(one) for one in inside.split(",")]
    for given in addresses(clab):
        network = given.address.network
        for one in cluster:
            if one.version == network.version and one.overlaps(network):
                yield f"{network} of {given.node} overlaps the cluster's {one}"


def _files(folder: Path, clab: Clab) -> Iterator[str]:
    bound = {bind.partition(":")[0] for node in clab.topology.nodes.values() for bind in node.binds}
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    for name in sorted(bound - there):
        yield f"{name} is bound, and not there"
    for name in sorted(there - bound - OWN_FILES):
        yield f"{name} is there, and nobody reads it"
    for name in sorted({CLAB, KIND, "README.md", "network.yaml"} - there):
        yield f"it has no {name}"
