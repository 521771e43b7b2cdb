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
from manager.planner.addresses.pool import Pools
from manager.snapshot import Service, ServiceKey, Snapshot
from pointsman.model.memo import Each
from pointsman.model.names import LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.coexistence import ForeignController


@dataclass(frozen=True, slots=True)
class Partition:
    """The Services that are ours, and those without class that are another's."""

    ours: Mapping[ServiceKey, Service]
    left_alone: Mapping[ServiceKey, Verdict]


def partition_services(
    snapshot: Snapshot, pools: Pools, memo: "PartitionMemo | None" = None
) -> Partition:
    """Return which Services are ours to serve, in order of their keys.

    *memo*: of the plan before, if any.
    """
    return (PartitionMemo() if memo is None else memo)(snapshot, pools)


class PartitionMemo:
    """`partition_services`, asked again about the Services that changed."""

    def __init__(self) -> None:
        self._claimed = Each[ServiceKey, Service](_claimed)
        self._given = Each[ServiceKey, Service](_given_by_others)
        self._left_alone = Each[ServiceKey, ForeignController](_left_alone)
        self._ours = Each[ServiceKey, Service](_not_left_alone)

    def __call__(self, snapshot: Snapshot, pools: Pools) -> Partition:
        """Return which Services are ours, and which are left alone."""
        claimed = self._claimed(snapshot.settings.require_class, snapshot.services)
        given = self._given(None, claimed)
        left_alone = self._left_alone((pools, snapshot.namespaces), given)
        return Partition(self._ours(None, claimed, left_alone), left_alone)


def _given_by_others(_: None, service: Service) -> Service | None:
    """Return *service* if it has addresses that another controller gave it."""
    if service.load_balancer_class is not None or not service.ingress or bears_mark(service):
        return None
    return service


def _left_alone(context: tuple[Pools, Namespaces], service: Service) -> ForeignController | None:
    if _may_be_taken_over(service, *context):
        return None
    addresses = tuple(entry.ip or entry.hostname for entry in service.ingress)
    return ForeignController(service.key, addresses)


def _not_left_alone(_: None, service: Service, verdict: Verdict | None) -> Service | None:
    return service if verdict is None else None


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


def _claimed(require_class: bool, service: Service) -> Service | None:
    """Return *service* if its type and class make it ours."""
    if service.type != LOAD_BALANCER:
        return None
    if service.load_balancer_class is None:
        return None if require_class else service
    return service if service.load_balancer_class == LOAD_BALANCER_CLASS else None
