"""What is worked out of one Service, in three steps: what it contributes, states, and records.

Each step is a function of frozen values, so that a memo can keep what comes of it. What judging
one Service raises becomes that Service's verdict, and is kept for the shell to log.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

from manager.planner.contribution import Plug, RecordPart, ServiceCase, Standing
from manager.planner.desired import Allocation, Announcement, Candidate, Grant
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.serving import Serving
from manager.planner.protocols import lets_go, protocol_of
from manager.planner.records import service_record
from manager.snapshot import EipName, Service
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address, Family
from pointsman.model.names import ALLOCATED
from pointsman.model.record import ServiceRecord
from pointsman.model.verdicts.address import InternalError, listed
from pointsman.model.verdicts.announcement import Announced, NoAddress, NotAnnounced
from pointsman.model.verdicts.base import Verdict

# What stands of a Service's addresses, by protocol; of those by which anything does.
Stands = Mapping[Protocol, Standing]


class Unsettled(NamedTuple):
    """Of a Service that is not recorded and announced: what its judgement has to look at."""

    slices_awaited: bool
    observed: Mapping[Protocol, Any]  # see ProtocolPlug.observed
    others: Mapping[Protocol, Any]  # the same, of other protocols that have its addresses yet


@dataclass(frozen=True, slots=True)
class View:
    """What `contribute` looks at beside the Service, for all of them."""

    plugs: Mapping[Protocol, Plug]
    views: Mapping[Protocol, Any]


@dataclass(frozen=True, slots=True)
class EipTerms:
    """What `contribute` looks at of one Eip, for its own Services."""

    spec: EipSpec | None
    nodes: Nodes
    terms: Mapping[Protocol, Any]  # what the context of each protocol has for it


class Part(NamedTuple):
    """What came of the addresses that one Eip gave to a Service."""

    protocol: Protocol
    finding: Any
    hops: Any
    candidates: tuple[Candidate, ...]


class Contributed(NamedTuple):
    """What came of one Service, by Eip; or why nothing did."""

    parts: tuple[Part, ...] = ()
    # What other protocols have of its addresses, until those of their Eips do.
    remaining: tuple[tuple[Protocol, Any], ...] = ()
    error: Exception | None = None


class Found(NamedTuple):
    """What of it the record depends on."""

    findings: tuple[tuple[Protocol, Any], ...]
    error: Exception | None


class Stated(NamedTuple):
    """What the record of a Service states, and which part of what was found decided it."""

    record: ServiceRecord
    verdict: Verdict
    decisive: int
    error: Exception | None


def contribute(
    view: View,
    service: Service,
    allocation: Allocation,
    serving: Mapping[Family, Serving] | None,
    shared: frozenset[Address] | None,
    stands: Stands | None,
    unsettled: Unsettled | None,
    eips: tuple[EipTerms, ...] | None,
) -> Contributed:
    """Return what the protocols of a Service's Eips contribute."""
    by_eip = _by_eip(allocation)
    try:
        recorded = frozenset(service.status_addresses) if by_eip else frozenset()
        parts = []
        remaining: list[tuple[Protocol, Any]] = []
        for (eip, grants), of_eip in zip(by_eip.items(), eips or (), strict=True):
            protocol = protocol_of(of_eip.spec, stands or ())
            case = ServiceCase(
                service=service,
                eip=eip,
                spec=of_eip.spec,
                grants=tuple(grants),
                recorded=recorded.intersection([grant.address for grant in grants]),
                shared=shared or frozenset(),
                nodes=of_eip.nodes,
                serving=serving or {},
                slices_awaited=unsettled is not None and unsettled.slices_awaited,
                observed=unsettled.observed[protocol] if unsettled is not None else None,
                terms=of_eip.terms.get(protocol),
                standing=(stands or {}).get(protocol, {}),
            )
            found = view.plugs[protocol].contribute(case, view.views[protocol])
            parts.append(Part(protocol, found.finding, found.hops, found.candidates))
            if unsettled is not None and unsettled.others and not lets_go(protocol):
                there = view.plugs[protocol].there(found.finding, (stands or {}).get(protocol, {}))
                others = {n: one for n, one in unsettled.others.items() if n is not protocol}
                remaining += _remaining(
                    view, case, others, of_eip, there=there, stands=stands or {}
                )
    except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
        return Contributed(error=error)
    return Contributed(tuple(parts), tuple(remaining))


def _remaining(
    view: View,
    case: ServiceCase,
    others: Mapping[Protocol, Any],
    of_eip: EipTerms,
    *,
    there: Collection[str],
    stands: Stands,
) -> Iterator[tuple[Protocol, Any]]:
    """Yield what the protocols *others* still have of a case, but of the addresses *there*.

    Nothing is recorded for them, so they put nothing new; what is there follows the nodes as ever.
    """
    grants = tuple(grant for grant in case.grants if grant.text not in there)
    for protocol, observed in others.items():
        if grants:
            old = replace(
                case,
                grants=grants,
                recorded=frozenset(),
                observed=observed,
                terms=of_eip.terms.get(protocol),
                standing=stands.get(protocol, {}),
            )
            yield protocol, view.plugs[protocol].contribute(old, view.views[protocol]).hops


def eips_of(
    terms: Mapping[EipName, EipTerms], allocation: Allocation
) -> tuple[EipTerms, ...] | None:
    """Return the terms of the Eips of a Service, in the order of its grants."""
    return tuple([terms[eip] for eip in _by_eip(allocation)]) or None


def _by_eip(allocation: Allocation) -> dict[EipName, list[Grant]]:
    found: dict[EipName, list[Grant]] = {}
    for grant in allocation.grants:
        if grant.eip is not None:  # an address outside every Eip is nobody's to announce
            found.setdefault(grant.eip, []).append(grant)
    return found


def found(_: None, contributed: Contributed) -> Found:
    findings = tuple([(part.protocol, part.finding) for part in contributed.parts])
    return Found(findings, contributed.error)


def state(
    context: tuple[Mapping[Protocol, Plug], Mapping[Protocol, Any]],
    service: Service,
    allocation: Allocation,
    stands: Stands | None,
    found: Found | None,
) -> Stated:
    """Return the record of one Service."""
    plugs, stated = context
    assert found is not None, "every Service contributed something, or an error"
    error, stands = found.error, stands or {}
    if error is None:
        try:
            parts = [
                plugs[p].record(service, finding, stated[p], stands.get(p, {}))
                for p, finding in found.findings
            ]
        except Exception as raised:  # noqa: BLE001 - docs/architecture.md rule 13
            error = raised
    if error is not None:
        verdict = InternalError("Service", service.key, type(error).__name__)
        parts = [RecordPart(verdict, service.announced_by)]
    elif not parts:
        parts = [RecordPart(_unbooked(service, allocation.grants))]
    decisive, summed_up = _summed_up(parts)
    carriers = tuple(dict.fromkeys(c for part in parts for c in part.carriers))
    record = service_record(service, allocation, summed_up, carriers)
    return Stated(record, summed_up, decisive, error)


def record(_: None, stated: Stated) -> ServiceRecord:
    return stated.record


def announcement(_: None, stated: Stated, contributed: Contributed) -> Announcement:
    parts = contributed.parts
    return Announcement(stated.verdict, parts[stated.decisive].candidates if parts else ())


def error(_: None, contributed: Contributed, stated: Stated) -> Exception | None:
    return contributed.error or stated.error


def hops(protocol: Protocol, contributed: Contributed) -> tuple[Any, ...] | None:
    hops = [part.hops for part in contributed.parts if part.protocol is protocol]
    hops += [hops for one, hops in contributed.remaining if one is protocol]
    return tuple(hops) or None


def _summed_up(parts: list[RecordPart]) -> tuple[int, Verdict]:
    """Return one verdict for addresses from several Eips, and which part is the decisive one.

    It is the first refusal, or all are announced. An address that is still being handed over
    changes nothing of what is said of those that are announced.
    """
    announced = [part.verdict for part in parts if isinstance(part.verdict, Announced)]
    for index, part in enumerate(parts):
        if not part.verdict.ok and not (announced and _passing(part.verdict)):
            return index, part.verdict
    if len(announced) == 1:
        return 0, announced[0]
    return 0, reduce(Announced.joined, announced)


def _unbooked(service: Service, grants: tuple[Grant, ...]) -> Verdict:
    """Return why no protocol was asked: the Service has no address, or none of an Eip."""
    if not grants:
        return NoAddress(service.key)
    addresses = listed([grant.text for grant in grants])
    lie = "lies" if len(grants) == 1 else "lie"
    why = f"{addresses} {lie} in no Eip; see its condition {ALLOCATED}"
    return NotAnnounced(service.key, why)


def _passing(verdict: Verdict) -> bool:
    return isinstance(verdict, NotAnnounced) and verdict.passing
