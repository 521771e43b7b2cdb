"""Which Services are ours: theirs is left exactly as it is.

A Service without class is ours unless the manager requires one (--require-class), and unless
another load balancer was there first: it has an address, no record of ours, and not all
of its addresses are such as our Eips might have given it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.planner.addresses.claims import MOST
from manager.planner.addresses.own_record import bears_mark
from manager.planner.addresses.permission import Namespaces, refused, takes_over
from manager.planner.addresses.pools import Pools
from manager.snapshot import Service, ServiceKey, Snapshot
from pointsman.model.names import LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.verdicts.announcement import ForeignController
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Partition:
    """The Services that are ours, and those without class that are another's."""

    ours: Mapping[ServiceKey, Service]
    left_alone: Mapping[ServiceKey, Verdict]


def partition_services(snapshot: Snapshot, pools: Pools) -> Partition:
    """Return which Services are ours to serve, in order of their keys."""
    ours: dict[ServiceKey, Service] = {}
    left_alone: dict[ServiceKey, Verdict] = {}
    for key, service in sorted(snapshot.services.items()):
        if not _claimed(service, require_class=snapshot.settings.require_class):
            continue
        if _is_another_controllers(service, pools, snapshot.namespaces):
            addresses = tuple(entry.ip or entry.hostname for entry in service.ingress)
            left_alone[key] = ForeignController(key, addresses)
        else:
            ours[key] = service
    return Partition(ours, left_alone)


def _is_another_controllers(service: Service, pools: Pools, namespaces: Namespaces) -> bool:
    if service.load_balancer_class is not None or not service.ingress or bears_mark(service):
        return False
    return not _may_be_taken_over(service, pools, namespaces)


def _may_be_taken_over(service: Service, pools: Pools, namespaces: Namespaces) -> bool:
    """Whether an Eip might have given *service* every address that it has from another.

    What an Eip excludes is not its own: that is how an address is left to another controller.
    """
    in_status = service.status_addresses
    if service.deleting or not 0 < len(in_status) <= MOST or not all(e.ip for e in service.ingress):
        return False
    return all(
        any(takes_over(pool, one, refused(pool, service, namespaces)) for pool in pools.at(one))
        for one in in_status
    )


def _claimed(service: Service, *, require_class: bool) -> bool:
    if service.type != LOAD_BALANCER:
        return False
    if service.load_balancer_class is None:
        return not require_class
    return service.load_balancer_class == LOAD_BALANCER_CLASS
