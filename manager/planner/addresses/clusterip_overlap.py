"""Warns of Eips that hold ClusterIPs of Services; it forbids nothing.

Each node takes such an address for the Service inside the cluster. Every cluster has the
Service default/kubernetes at the begin of its range, so an Eip that holds the range is
noticed. The range itself is not known: Kubernetes tells it from 1.33 on only.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from manager.snapshot import Service, Snapshot
from pointsman.model.address import Address, Family, family_of
from pointsman.model.ranges import AddressSet


def warner(snapshot: Snapshot) -> Callable[[AddressSet], str]:
    """Return what names, in one sentence or "", the oldest Service with a ClusterIP in a set.

    The oldest, so that the sentence stays while others come and go.
    """
    taken: dict[Family, list[tuple[int, Address, Service]]] = {family: [] for family in Family}
    for service in snapshot.services.values():
        for address in service.cluster_ips:
            taken[family_of(address)].append((int(address), address, service))
    for found in taken.values():
        found.sort(key=_number)

    def warning(own: AddressSet) -> str:
        inside = [
            (service.created, service.key, address)
            for family, found in taken.items()
            for first, last in own.of(family).spans
            for _, address, service in found[
                bisect_left(found, first, key=_number) : bisect_right(found, last, key=_number)
            ]
        ]
        if not inside:
            return ""
        _, key, address = min(inside, key=_age)
        return f"{address} is the ClusterIP of Service {key}: exclude the range of ClusterIPs"

    return warning


def _number(entry: tuple[int, Address, Service]) -> int:
    return entry[0]


def _age(entry: tuple[str, str, Address]) -> tuple[str, str, int]:
    created, key, address = entry
    return created, key, int(address)
