"""Failure domains: agents that one fault may silence together.

A subnet of the nodes' InternalIPs, as agents report it, and a zone, as Nodes are labelled. One with
a single agent, or with all of them, tells nothing that the node, or the cluster, does not.
"""

from collections.abc import Iterable, Iterator, Mapping

from manager.snapshot import Announcer, Node, NodeName
from pointsman.model.names import ZONE

FEWEST = 2


def failure_domains(
    agents: Iterable[NodeName],
    nodes: Mapping[NodeName, Node],
    announcers: Mapping[NodeName, Announcer],
) -> Mapping[NodeName, tuple[str, ...]]:
    """Return, for each of *agents*, the failure domains that it is in, in order."""
    names = sorted(set(agents))
    members: dict[str, set[NodeName]] = {}
    for name in names:
        if node := nodes.get(name):
            for domain in _labels(node, announcers.get(name)):
                members.setdefault(domain, set()).add(name)
    known: dict[frozenset[NodeName], str] = {}  # IPv4, IPv6 and a zone may name the same nodes
    for domain, those in sorted(members.items()):
        if FEWEST <= len(those) < len(names):
            known.setdefault(frozenset(those), domain)
    domains = sorted(known.values())
    return {name: tuple(d for d in domains if name in members[d]) for name in names}


def _labels(node: Node, announcer: Announcer | None) -> Iterator[str]:
    if zone := node.labels.get(ZONE):
        yield f"zone {zone}"
    own = set(node.internal_ips)
    for interface in announcer.interfaces if announcer is not None else ():
        for address in interface.addresses:
            if address.ip in own:
                yield f"subnet {address.network}"
