"""What a Service holds and what it asks for, read from its status, spec and annotations.

The status is the record of what it holds, as far as we wrote it. What it asks for may be
nonsense: then the claim carries the verdict, keeps what it holds and gets nothing new.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from manager.planner.addresses.own_record import (
    HOPED,
    OwnRecord,
    bears_mark,
    overwritten,
    own_record,
    recorded_items,
)
from manager.snapshot import EipName, Service, ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.names import (
    ADDRESSES,
    ALLOCATED_FROM,
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
    share: Share | None = None
    shared_as: str | None = None
    hints: tuple[tuple[EipName, Address], ...] = ()
    origins: Mapping[Address, tuple[EipName, ...]] = field(default_factory=dict)  # as hints say
    recorded: tuple[Address, ...] = ()  # of these: what was given, not what is hoped for
    overwritten: bool = False  # the hints are our record, and the status is not
    fault: Fault | None = None
    opaque: bool = False  # could not be read: keeps what it holds, nobody joins it


def unreadable(service: Service) -> Claim:
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
        opaque=True,
    )


def read_claim(service: Service) -> Claim:
    """Return what *service* holds and asks for."""
    annotations, families = service.annotations, _families(service)
    asked = _asked(service, families)
    dict(service.labels)  # admission reads them later: what cannot be read fails here
    record = own_record(service)
    hints = _hints(annotations.get(ALLOCATED_FROM, ""))
    recorded = _hints(",".join(recorded_items(annotations.get(ALLOCATED_FROM, ""))))
    return Claim(
        service,
        service.key,
        (service.created, service.key),
        families,
        held=by_family(record.addresses),
        presumed=record.presumed,
        others=by_family(record.others),
        takes_over=_takes_over(service, record),
        requested={} if asked.fault is not None else by_family(asked.addresses),
        named=asked.eips,
        share=asked.share,
        shared_as=annotations.get(SHARED_AS),
        hints=hints,
        origins=_origins(hints),
        recorded=tuple(dict.fromkeys(address for _, address in recorded)),
        overwritten=overwritten(service),
        fault=asked.fault,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the user of a Service asks for, as far as it can be read, and what cannot."""

    addresses: tuple[Address, ...]
    eips: tuple[EipName, ...]
    share: Share | None
    fault: Fault | None


def _asked(service: Service, families: tuple[Family, ...]) -> _Asked:
    annotations = service.annotations
    addresses: tuple[Address, ...] = ()
    eips: tuple[EipName, ...] = ()
    fault: Fault | None = None
    share: Share | None = None
    try:
        addresses = _requested(service)
        eips = tuple(EipName(name) for name in _items(annotations.get(EIP, ""), EIP))
        unwanted = [address for address in addresses if family_of(address) not in families]
        if unwanted:
            wants = " and ".join(families)
            clause = f"{unwanted[0]} is {family_of(unwanted[0])}, and the Service is {wants}"
            fault = Fault(WrongFamily, clause, str(unwanted[0]))
    except _Malformed as error:
        fault = Fault(InvalidAnnotation, error.clause, error.about)
    if annotations.get(SHARE_KEY, ""):
        try:
            share = _share(service, _items(annotations.get(SHARE_NAMESPACES, ""), SHARE_NAMESPACES))
        except _Malformed as error:
            share = _share(service, ())
            fault = fault or Fault(InvalidAnnotation, error.clause, error.about)
    return _Asked(addresses, eips, share, fault)


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


def by_family(addresses: tuple[Address, ...]) -> dict[Family, tuple[Address, ...]]:
    """Return *addresses* by family, each in numerical order."""
    if len(addresses) == 1:
        return {family_of(addresses[0]): addresses}
    found: dict[Family, list[Address]] = {}
    for address in addresses:
        found.setdefault(family_of(address), []).append(address)
    return {family: tuple(sorted(many, key=int)) for family, many in found.items()}


def _takes_over(service: Service, record: OwnRecord) -> bool:
    """Whether addresses that another controller gave *service* may become ours.

    With our class nobody else gives any: what stands there counts as nothing. One that is
    being deleted gets nothing new, and nobody gets more than it might ask for.
    """
    if service.load_balancer_class is not None or service.deleting or bears_mark(service):
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


def _requested(service: Service) -> tuple[Address, ...]:
    texts, about = _items(service.annotations.get(ADDRESSES, ""), ADDRESSES), ""
    about = f"annotation {ADDRESSES}"
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


def _share(service: Service, namespaces: tuple[str, ...]) -> Share:
    return Share(
        key=service.annotations[SHARE_KEY],
        namespace=service.namespace,
        namespaces=frozenset(namespaces),
        policy=service.policy,
        selector=tuple(sorted(service.selector.items())),
        ports=frozenset((port.protocol, port.port) for port in service.ports),
    )


def _hints(text: str) -> tuple[tuple[EipName, Address], ...]:
    """Return what allocated-from says; anyone may have written it, so nonsense is skipped."""
    found: list[tuple[EipName, Address]] = []
    for item in text.split(",") if text else ():
        name, _, spelled = item.strip().removesuffix(HOPED).partition("/")
        try:
            found.append((EipName(name), read_address(spelled)))
        except ValueError:
            continue
    return tuple(found)


def _origins(hints: tuple[tuple[EipName, Address], ...]) -> Mapping[Address, tuple[EipName, ...]]:
    found: dict[Address, list[EipName]] = {}
    for name, address in hints:
        found.setdefault(address, []).append(name)
    return {address: tuple(names) for address, names in found.items()}
