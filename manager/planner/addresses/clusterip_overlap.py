"""Warns of Eips that hold ClusterIPs of Services; it forbids nothing.

Each node takes such an address for the Service inside the cluster. Every cluster has the
Service default/kubernetes at the begin of its range, so an Eip that holds the range is
noticed. The range itself is not known: Kubernetes tells it from 1.33 on only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from manager.snapshot import Service, ServiceKey
from pointsman.model.address import Address
from pointsman.model.ranges import AddressSet


@dataclass(frozen=True, slots=True)
class ClusterIps:
    """The ClusterIPs of a Service that lie in an Eip, and what tells which Service is older."""

    created: str
    key: ServiceKey
    addresses: tuple[Address, ...]


def clusterips(eips: AddressSet, service: Service) -> ClusterIps | None:
    """Return those ClusterIPs of *service* that are among the addresses of *eips*."""
    inside = tuple(address for address in service.cluster_ips if address in eips)
    return ClusterIps(service.created, service.key, inside) if inside else None


def warner(found: Iterable[ClusterIps]) -> Callable[[AddressSet], str]:
    """Return what names, in one sentence or "", the oldest Service with a ClusterIP in a set.

    The oldest, so that the sentence stays while others come and go.
    """
    by_age = sorted(found, key=_age)

    def warning(own: AddressSet) -> str:
        for one in by_age:
            inside = [address for address in one.addresses if address in own]
            if inside:
                lowest = min(inside, key=int)
                return (
                    f"{lowest} is the ClusterIP of Service {one.key}: "
                    "exclude the range of ClusterIPs"
                )
        return ""

    return warning


def _age(one: ClusterIps) -> tuple[str, str]:
    return one.created, one.key
