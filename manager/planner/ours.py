"""Which Services are ours: theirs is left exactly as it is.

A Service without class is ours unless the manager was told to require one, and unless
another load balancer was there first: it has an address, no record of ours, and not all
of its addresses lie in our Eips.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.planner.adopt import all_inside
from manager.planner.pools import read_pools
from manager.planner.vocabulary import ALLOCATED, ALLOCATED_FROM, ANNOUNCED
from manager.snapshot import Service, ServiceKey, Snapshot
from pointsman.model.announced import ForeignController
from pointsman.model.verdict import Verdict

LOAD_BALANCER_CLASS = "pointsman.dev/lb"


@dataclass(frozen=True, slots=True)
class Sorted:
    """The Services that are ours, and those without class that are another's."""

    ours: Mapping[ServiceKey, Service]
    left_alone: Mapping[ServiceKey, Verdict]


def sort_out(snapshot: Snapshot) -> Sorted:
    """Return which Services are ours to serve, in order of their keys."""
    ours: dict[ServiceKey, Service] = {}
    left: dict[ServiceKey, Verdict] = {}
    pools = None
    for key, service in sorted(snapshot.services.items()):
        if not _claimed(service, require_class=snapshot.settings.require_class):
            continue
        if service.load_balancer_class is None and service.ingress and not recorded(service):
            pools = pools or read_pools(snapshot)
            if not all_inside(pools, service):
                addresses = tuple(entry.ip or entry.hostname for entry in service.ingress)
                left[key] = ForeignController(key, addresses)
                continue
        ours[key] = service
    return Sorted(ours, left)


def recorded(service: Service) -> bool:
    """Whether a record of ours stands on *service*."""
    marks = (ALLOCATED, ANNOUNCED)
    return ALLOCATED_FROM in service.annotations or any(c.type in marks for c in service.conditions)


def _claimed(service: Service, *, require_class: bool) -> bool:
    if service.type != "LoadBalancer":
        return False
    if service.load_balancer_class is None:
        return not require_class
    return service.load_balancer_class == LOAD_BALANCER_CLASS
