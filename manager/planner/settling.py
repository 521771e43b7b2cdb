"""Services that are not recorded and announced as they should be: what there is to look at.

They are few. Of all others nobody looks at what speakers hold, nor at any time.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from manager.planner.contribution import Context, Plug, Standing
from manager.planner.desired import Allocation, Allocations
from manager.planner.grace_periods import NO_TIME, until_slices
from manager.planner.nodes.election import Number
from manager.planner.protocols import assumed
from manager.planner.service_stages import Stands, Unsettled
from manager.snapshot import Eip, EipName, Service, ServiceKey, Snapshot
from pointsman.api import Protocol
from pointsman.model.address import Address, address_order
from pointsman.model.memo import Each, Index

NOTHING: Final[Mapping[Any, Any]] = {}
Holders = Mapping[Number, Mapping[ServiceKey, EipName]]


class Owns(NamedTuple):
    """The addresses of one Service, by whose they are."""

    own: Mapping[Protocol, tuple[Address, ...]]
    rest: Mapping[Protocol, tuple[Address, ...]]  # to each protocol, those that are others'


class SettlingMemo:
    """Who is settled, and what stands of whose addresses."""

    def __init__(self, protocols: Mapping[Protocol, Plug]) -> None:
        self._protocols = Each[EipName, Protocol](_protocol)
        self._joined = {name: Each[Number, _Joined](_joined) for name in protocols}
        self._by_service = {name: Index[Number, ServiceKey, Any](_by_service) for name in protocols}
        self._stands = Each[ServiceKey, Stands](_stands)
        self._unsettled = Each[ServiceKey, bool](_is_unsettled)
        self._owns = Each[ServiceKey, Owns](_owns)

    def stands(
        self, contexts: Mapping[Protocol, Context[Any]], allocations: Allocations
    ) -> Mapping[ServiceKey, Stands]:
        """Return what stands of each Service's addresses, of Services of which anything does."""
        if not any(context.standing for context in contexts.values()):
            return NOTHING
        by_service = (
            self._by_service[name](
                self._joined[name](None, context.standing or NOTHING, allocations.holders)
            )
            for name, context in contexts.items()
        )
        return self._stands(tuple(contexts), allocations.services, *by_service)

    def unsettled(
        self,
        snapshot: Snapshot,
        ours: Mapping[ServiceKey, Service],
        allocations: Allocations,
        stands: Mapping[ServiceKey, Stands],
        contexts: Mapping[Protocol, Context[Any]],
    ) -> Mapping[ServiceKey, bool]:
        """Return who has addresses of Eips, and is not recorded and announced as it should.

        The value: whether nothing was said yet of its being announced.
        """
        by_address = frozenset(n for n, context in contexts.items() if context.standing is not None)
        confirmed = {name: contexts[name].confirmed_by for name in by_address}
        rules = _Rules(self._protocols(None, snapshot.eips), by_address, confirmed)
        return self._unsettled(rules, ours, allocations.services, stands)

    def owns(
        self,
        snapshot: Snapshot,
        waiting: Mapping[ServiceKey, bool],
        allocations: Allocations,
        stands: Mapping[ServiceKey, Stands],
        names: tuple[Protocol, ...],
    ) -> Mapping[ServiceKey, Owns]:
        """Return whose the addresses are of those who are *waiting*."""
        protocols = self._protocols(None, snapshot.eips)
        return self._owns((names, protocols), waiting, allocations.services, stands)


class _Rules(NamedTuple):
    """By which protocol each Eip is announced (none: it cannot be read), and which go by address:
    what is announced is what stands.
    """

    protocols: Mapping[EipName, Protocol]
    by_address: frozenset[Protocol]
    confirmed: Mapping[Protocol, tuple[str, ...]]  # of these: see Context.confirmed_by


class _Joined(NamedTuple):
    """What stands of an address, and whose it is."""

    stands: Any
    services: tuple[ServiceKey, ...]


def look(
    snapshot: Snapshot,
    waiting: Mapping[ServiceKey, bool],
    owns: Mapping[ServiceKey, Owns],
    *,
    plugs: Mapping[Protocol, Plug],
    contexts: Mapping[Protocol, Context[Any]],
) -> Mapping[ServiceKey, Unsettled]:
    """Return what there is to be looked at, of the Services that are *waiting*.

    Few, unless all wait for one router: so what is asked for each of them in every plan is little.
    """
    reached = [name for name, one in contexts.items() if one.standing is None or one.standing]
    found = {}
    for key, new in waiting.items():
        own, rest = owns[key]
        found[key] = Unsettled(
            slices_awaited=new and until_slices(snapshot, snapshot.services[key]) > NO_TIME,
            observed={name: plugs[name].observed(at, contexts[name]) for name, at in own.items()},
            others={
                name: plugs[name].observed(rest[name], contexts[name])
                for name in reached
                if name in rest and plugs[name].holds(rest[name], contexts[name])
            },
        )
    return found


def _protocol(_: None, eip: Eip) -> Protocol | None:
    return None if eip.spec is None else eip.spec.protocol


def _owns(
    context: tuple[tuple[Protocol, ...], Mapping[EipName, Protocol]],
    _: bool,
    allocation: Allocation,
    stands: Stands | None,
) -> Owns:
    names, protocols = context
    by: dict[Protocol, list[Address]] = {}
    for grant in allocation.grants:
        if grant.eip is not None:
            name = protocols.get(grant.eip) or assumed(stands or ())
            by.setdefault(name, []).append(grant.address)
    rest = {
        name: tuple([one for other in by if other is not name for one in by[other]])
        for name in names
    }
    own = {name: tuple(by[name]) for name in names if name in by}
    return Owns(own, {name: at for name, at in rest.items() if at})


def _joined(_: None, stands: Any, holders: Mapping[ServiceKey, EipName] | None) -> _Joined | None:
    return _Joined(stands, tuple(holders)) if holders else None


def _by_service(_: Number, joined: _Joined) -> Iterator[tuple[ServiceKey, Any]]:
    return ((key, joined.stands) for key in joined.services)


def _stands(
    names: tuple[Protocol, ...], _: Allocation, *standing: Standing | None
) -> Stands | None:
    return {name: one for name, one in zip(names, standing, strict=True) if one} or None


def _confirmed(service: Service, ends: tuple[str, ...]) -> bool:
    if not ends:
        return True
    announced = service.announced is not None and service.announced.status == "True"
    return announced and any(one.endswith(ends) for one in service.announced_by)


def _is_unsettled(
    rules: _Rules, service: Service, allocation: Allocation, stands: Stands | None
) -> bool | None:
    """Say of a Service that is not recorded and announced as it should whether it is new."""
    wanted = [grant for grant in allocation.grants if grant.eip is not None]
    if not wanted:
        return None
    condition = service.announced
    new = condition is None
    if not {grant.address for grant in wanted}.issubset(service.status_addresses):
        return new
    announced = condition is not None and condition.status == "True"
    stands = stands or NOTHING
    for grant in wanted:
        assert grant.eip is not None
        number = address_order(grant.address)
        at = [name for name, standing in stands.items() if number in standing]
        protocol = rules.protocols.get(grant.eip) or next(iter(at), None)
        if protocol not in rules.by_address:
            if at or not announced:
                return new
        elif at != [protocol] or not _confirmed(service, rules.confirmed[protocol]):
            return new
    return None
