"""What a Service holds and what it asks for, read from its status, spec and annotations.

The status is the record of what it holds, as far as we wrote it. What it asks for may be
nonsense: then the claim carries the verdict, keeps what it holds and gets nothing new.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from manager.planner.addresses.honoured import NOBODY, Honour, Requests, requests
from manager.planner.addresses.own_record import HOPED, OwnRecord, Traces
from manager.snapshot import EipName, Service, ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.names import (
    ADDRESSES,
    EIP,
    SHARE_KEY,
    SHARE_NAMESPACES,
    SHARED_AS,
)
from pointsman.model.printable import clipped
from pointsman.model.ranges import read_address
from pointsman.model.verdicts.address import InvalidAnnotation, Unserved, WrongFamily

MOST: Final = 64  # addresses that one Service may ask for (docs/concepts.md)


ByFamily = Mapping[Family, tuple[Address, ...]]
_NONE: Final[ByFamily] = {}


@dataclass(frozen=True, slots=True)
class Share:
    """The terms under which a Service would share an address."""

    key: str
    namespace: str
    namespaces: frozenset[str]
    policy: str
    selector: tuple[tuple[str, str], ...]
    ports: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what a Service asks for."""

    reason: type[Unserved]
    clause: str
    about: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A Service of ours, as allocation sees it."""

    service: Service
    key: ServiceKey
    age: tuple[str, str]  # (created, key): smaller is older
    families: tuple[Family, ...]
    held: ByFamily = field(default_factory=dict)
    presumed: frozenset[Address] = frozenset()  # held, but nothing of ours names them
    others: ByFamily = field(default_factory=dict)  # not our record
    takes_over: bool = False  # what others gave it may become ours
    requested: ByFamily = field(default_factory=dict)
    named: tuple[EipName, ...] = ()
    named_by: str = ""  # the annotation, if it is another's: that never moves what is held
    share: Share | None = None
    shared_as: str | None = None
    hints: tuple[tuple[EipName, Address], ...] = ()
    recorded: tuple[Address, ...] = ()  # of these: what was given, not what is hoped for
    overwritten: bool = False  # the hints are our record, and the status is not
    in_status: tuple[Address, ...] = ()  # what its status keeps from everybody else
    fault: Fault | None = None
    ignored: str = ""  # a clause: what was written and counts for nothing
    error: Exception | None = None  # what reading it raised
    # From which Eips each address came, as the hints have it.
    origins: Mapping[Address, Collection[EipName]] = field(init=False, repr=False, compare=False)
    _named: frozenset[EipName] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A user may write thousands of either, and they are asked for every address.
        origins: dict[Address, dict[EipName, None]] = {}
        for name, address in self.hints:
            origins.setdefault(address, {})[name] = None
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "_named", frozenset(self.named))

    def names(self, eip: str | None) -> bool:
        """Whether *eip* is among those that the Service names."""
        return eip in self._named

    def names_none_of(self, eips: Mapping[EipName, object]) -> bool:
        """Whether none of *eips* is among those that the Service names."""
        return self._named.isdisjoint(eips.keys())

    def gave(self, address: Address) -> tuple[EipName, ...]:
        """Return which of the Eips that it names gave it *address*, as the hints have it."""
        return tuple(filter(self.names, self.origins.get(address, ())))

    @property
    def opaque(self) -> bool:
        """Whether it could not be read: it keeps what it holds, and nobody joins it."""
        return self.error is not None


def unreadable(service: Service, error: Exception) -> Claim:
    """Return the claim of a Service whose reading raised: only what it holds is believed."""
    in_status = service.status_addresses
    held = by_family(in_status)
    return Claim(
        service,
        service.key,
        (service.created, service.key),
        tuple(held),
        held=held,
        presumed=frozenset(in_status),
        in_status=in_status,
        error=error,
    )


def read_claim(service: Service, honour: Honour = NOBODY) -> Claim:
    """Return what *service* holds and asks for; *honour*: in whose annotations, beside ours."""
    annotations, families = service.annotations, _families(service)
    asked = _asked(service, families, requests(service, honour))
    dict(service.labels)  # admission reads them later: what cannot be read fails here
    traces = Traces(service)
    record, items = traces.record(), traces.items
    key = service.key
    return Claim(
        service,
        key,
        (service.created, key),
        families,
        held=by_family(record.addresses),
        presumed=record.presumed,
        others=by_family(record.others),
        takes_over=not traces.marked and _takes_over(service, record),
        requested=_NONE if asked.fault is not None else by_family(asked.addresses),
        named=asked.eips,
        named_by=asked.eips_by,
        share=asked.share,
        shared_as=annotations.get(SHARED_AS),
        hints=items.hints,
        recorded=items.given,
        overwritten=traces.overwritten(),
        in_status=traces.recorded(record),
        fault=asked.fault,
        ignored=asked.ignored,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the user of a Service asks for, as far as it can be read, and what cannot."""

    addresses: tuple[Address, ...]
    eips: tuple[EipName, ...]
    share: Share | None
    fault: Fault | None
    ignored: str
    eips_by: str


def _asked(service: Service, families: tuple[Family, ...], given: Requests) -> _Asked:
    addresses: tuple[Address, ...] = ()
    eips: tuple[EipName, ...] = ()
    fault: Fault | None = None
    share: Share | None = None
    try:
        addresses = _requested(service, given)
        eips = tuple(EipName(name) for name in _items(given.text(EIP), given.annotation(EIP)))
        unwanted = [address for address in addresses if family_of(address) not in families]
        if unwanted:
            wants = " and ".join(families)
            clause = f"{unwanted[0]} is {family_of(unwanted[0])}, and the Service is {wants}"
            fault = Fault(WrongFamily, clause, str(unwanted[0]))
    except _Malformed as error:
        fault = Fault(InvalidAnnotation, error.clause, error.about)
    if given.conflict:
        fault = fault or Fault(InvalidAnnotation, given.conflict, given.about)
    if key := given.text(SHARE_KEY).strip():
        try:
            spaces = _items(given.text(SHARE_NAMESPACES), SHARE_NAMESPACES)
            share = _share(service, key, spaces)
        except _Malformed as error:
            share = _share(service, key, ())
            fault = fault or Fault(InvalidAnnotation, error.clause, error.about)
    return _Asked(addresses, eips, share, fault, given.ignored, given.spelled.get(EIP, ""))


def with_pending(claim: Claim, addresses: tuple[Address, ...]) -> Claim:
    """Return *claim* as it is if a grant of *addresses* that is on its way has arrived.

    What the status records counts first; a family that it has nothing of holds the grant.
    """
    coming = by_family(addresses)
    more = {family: many for family, many in coming.items() if not claim.held.get(family)}
    return replace(claim, held={**claim.held, **more}) if more else claim


def allocated_from(
    grants: Iterable[tuple[str | None, Address]], hoped: Iterable[tuple[str, Address]] = ()
) -> str:
    """Return the annotation for grants (Eip, address); what no Eip knows has no origin.

    *hoped*: what it had once and waits for. A mark keeps that apart from what is recorded.
    """
    had = [f"{eip}/{address}" for eip, address in grants if eip is not None]
    return ",".join([*had, *(f"{eip}/{address}{HOPED}" for eip, address in hoped)])


def by_family(addresses: tuple[Address, ...]) -> ByFamily:
    """Return *addresses* by family, each in numerical order."""
    if not addresses:
        return _NONE
    if len(addresses) == 1:
        return {family_of(addresses[0]): addresses}
    found: dict[Family, list[Address]] = {}
    for address in addresses:
        found.setdefault(family_of(address), []).append(address)
    return {family: tuple(sorted(many, key=int)) for family, many in found.items()}


def _takes_over(service: Service, record: OwnRecord) -> bool:
    """Whether addresses that another controller gave *service*, unmarked, may become ours.

    With our class nobody else gives any: what stands there counts as nothing. One that is
    being deleted gets nothing new, and nobody gets more than it might ask for.
    """
    if service.load_balancer_class is not None or service.deleting:
        return False
    return len(record.others) <= MOST


class _Malformed(Exception):
    def __init__(self, clause: str, about: str) -> None:
        super().__init__(clause)
        self.clause, self.about = clause, about


def _families(service: Service) -> tuple[Family, ...]:
    families = tuple(dict.fromkeys(service.families)) or (Family.IPV4,)
    return families[:1] if service.family_policy == "SingleStack" else families


def _items(text: str, annotation: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    items = tuple(item.strip() for item in text.split(","))
    if "" in items:
        about = f"annotation {annotation}"
        raise _Malformed(f"{about} is '{clipped(text)}', which has an empty item", about)
    return tuple(dict.fromkeys(items))


def _requested(service: Service, given: Requests) -> tuple[Address, ...]:
    name = given.annotation(ADDRESSES)
    texts, about = _items(given.text(ADDRESSES), name), f"annotation {name}"
    if not texts and service.load_balancer_ip.strip():
        texts, about = (service.load_balancer_ip.strip(),), "spec.loadBalancerIP"
    found: dict[Address, None] = {}  # 2001:db8::1 and 2001:db8:0::1 are one address
    for text in texts:
        try:
            found[read_address(text)] = None
        except ValueError as error:
            raise _Malformed(f"{about} is malformed: {error}", about) from None
    if len(found) > MOST:
        clause = f"{about} asks for {len(found)} addresses, and a Service may ask for {MOST}"
        raise _Malformed(clause, about)
    return tuple(found)


def _share(service: Service, key: str, namespaces: tuple[str, ...]) -> Share:
    return Share(
        key=key,
        namespace=service.namespace,
        namespaces=frozenset(namespaces),
        policy=service.policy,
        selector=tuple(sorted(service.selector.items())),
        ports=frozenset((port.protocol, port.port) for port in service.ports),
    )
