"""Warns of Eips that hold addresses of Pods; it forbids nothing.

A Node carries such addresses to its own Pods, so a Service there may never be reached.
"""

from collections.abc import Callable, Mapping

from manager.snapshot import Node, NodeName
from pointsman.model.address import Family, Prefix, family_of
from pointsman.model.ranges import AddressSet, span_text, union


def pod_cidrs(_: None, node: Node) -> tuple[Prefix, ...] | None:
    """Return the prefixes of the Pods of *node*; None: it has none."""
    return node.pod_cidrs or None


def warner(cidrs: Mapping[NodeName, tuple[Prefix, ...]]) -> Callable[[AddressSet], str]:
    """Return what says, in one sentence or "", which addresses of a set are those of Pods."""
    found = [
        (family_of(cidr), (int(cidr.network_address), int(cidr.broadcast_address)), cidr, name)
        for name, several in sorted(cidrs.items())
        for cidr in several
    ]
    pods = union((family, span) for family, span, _, _ in found)

    def warning(own: AddressSet) -> str:
        apart = own - pods
        for family in Family:
            if own.of(family) == apart.of(family):
                continue
            for theirs, (start, end), cidr, name in found:
                for first, last in own.of(family).spans if theirs is family else ():
                    if first <= end and start <= last:
                        common = span_text(family, max(first, start), min(last, end))
                        return (
                            f"{common} also belongs to Pods of Node {name} ({cidr}): "
                            "exclude it, or Services there may not be reached"
                        )
        return ""

    return warning
