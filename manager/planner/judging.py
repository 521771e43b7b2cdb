"""Each Service of ours judged: what its protocols contribute, and what its record states.

Three steps, each worked out again only for the Services whose inputs changed: what they
contribute, by the nodes; what their record states, by what was found there; the record itself.
What judging one Service raises becomes that Service's verdict and is returned for the shell
to log.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from manager.planner import service_stages
from manager.planner.contribution import Context, Plug
from manager.planner.desired import Allocation, Allocations, Announcement
from manager.planner.grace_periods import NO_TIME, until_slices
from manager.planner.nodes.eligible import Nodes, nodes_for
from manager.planner.nodes.facts import NodeFacts
from manager.planner.nodes.serving import Serving, serving
from manager.planner.service_stages import Contributed, EipTerms, Found, Stated, Unsettled, View
from manager.planner.settling import SettlingMemo, look
from manager.snapshot import EipName, EndpointSlice, Service, ServiceKey, SliceKey, Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address, Family
from pointsman.model.memo import Each, Index, Once
from pointsman.model.names import ANNOUNCED
from pointsman.model.record import ServiceRecord

NO_SERVICE: Final[Mapping[ServiceKey, Any]] = {}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all Services of ours, in order of their keys."""

    announcements: Mapping[ServiceKey, Announcement]
    records: Mapping[ServiceKey, ServiceRecord]
    hops: Mapping[Protocol, Mapping[ServiceKey, tuple[Any, ...]]]  # what each protocol gave
    failures: tuple[tuple[str, Exception], ...]
    unjudged: tuple[ServiceKey, ...]  # of which nobody contributed anything
    again_s: float | None  # after this time alone, something would be stated that is not yet


class JudgingMemo:
    """The stages, from slices and allocations to records."""

    def __init__(self, protocols: Mapping[Protocol, Plug]) -> None:
        self.facts = NodeFacts()
        self.selectors = Each[EipName, Any](_selector)
        self.nodes = Each[EipName, Nodes](_nodes)
        self.slices = Index[SliceKey, ServiceKey, EndpointSlice](_of_service)
        self.serving = Each[ServiceKey, Mapping[Family, Serving]](_serving)
        self.shared = Each[ServiceKey, frozenset[Address]](_shared_with_others)
        self.settling = SettlingMemo(protocols)
        self.view = Once[View](View)
        self.terms = Each[EipName, EipTerms](_terms)
        self.eips = Each[ServiceKey, tuple[EipTerms, ...]](service_stages.eips_of)
        self.contributed = Each[ServiceKey, Contributed](service_stages.contribute)
        self.found = Each[ServiceKey, Found](service_stages.found)
        self.stated = Each[ServiceKey, Stated](service_stages.state)
        self.records = Each[ServiceKey, ServiceRecord](service_stages.record)
        self.announcements = Each[ServiceKey, Announcement](service_stages.announcement)
        self.errors = Each[ServiceKey, Exception](service_stages.error)
        self.hops = {
            name: Each[ServiceKey, tuple[Any, ...]](service_stages.hops) for name in protocols
        }


def judge(
    snapshot: Snapshot,
    ours: Mapping[ServiceKey, Service],
    allocations: Allocations,
    *,
    plugs: Mapping[Protocol, Plug],
    contexts: Mapping[Protocol, Context[Any]],
    memo: JudgingMemo,
) -> Judgement:
    """Return what comes of the Services in *ours*."""
    granted = allocations.services
    stands = memo.settling.stands(contexts, allocations)
    waiting = memo.settling.unsettled(snapshot, ours, allocations, stands, contexts)
    owns = memo.settling.owns(snapshot, waiting, allocations, stands, tuple(plugs))
    looked = look(snapshot, waiting, owns, plugs=plugs, contexts=contexts)
    contributed = memo.contributed(
        memo.view(plugs, {name: context.view for name, context in contexts.items()}),
        ours,
        granted,
        memo.serving(None, memo.slices(snapshot.endpoint_slices)),
        memo.shared(allocations.common, granted),
        stands,
        looked,
        memo.eips(_eip_terms(snapshot, contexts, memo), granted),
    )
    stated = memo.stated(
        (plugs, {name: context.stated for name, context in contexts.items()}),
        ours,
        granted,
        stands,
        memo.found(None, contributed),
    )
    records = memo.records(None, stated)
    used = _used(snapshot, looked, plugs)
    errors = memo.errors(None, contributed, stated)
    return Judgement(
        announcements=memo.announcements(None, stated, contributed),
        records=records,
        hops={
            name: each(name, contributed if name in used else NO_SERVICE)
            for name, each in memo.hops.items()
        },
        failures=tuple((f"Service {key}", error) for key, error in errors.items()),
        unjudged=tuple(key for key in errors if contributed[key].error is not None),
        again_s=min(_waits(snapshot, records, waiting), default=None),
    )


def _eip_terms(
    snapshot: Snapshot, contexts: Mapping[Protocol, Context[Any]], memo: JudgingMemo
) -> Mapping[EipName, EipTerms]:
    """Return what is the same for all Services of one Eip: whoever is edited, it is one Eip's."""
    eligibility = memo.facts.eligibility(snapshot)
    nodes = memo.nodes(eligibility, memo.selectors(None, snapshot.eips))
    terms = {name: context.terms for name, context in contexts.items()}
    specs = {name: (eip.spec,) for name, eip in snapshot.eips.items()}
    of_eips = {name: {protocol: one.get(name) for protocol, one in terms.items()} for name in specs}
    return memo.terms(None, specs, nodes, of_eips)


def _terms(
    _: None, spec: tuple[EipSpec | None], nodes: Nodes, terms: Mapping[Protocol, Any]
) -> EipTerms:
    return EipTerms(spec[0], nodes, terms)


def _used(
    snapshot: Snapshot, looked: Mapping[ServiceKey, Unsettled], plugs: Mapping[Protocol, Plug]
) -> AbstractSet[Protocol]:
    """Return by which protocols there may be hops; by others no Service is looked through."""
    specs = [eip.spec for eip in snapshot.eips.values()]
    if None in specs or any(one.others for one in looked.values()):
        return plugs.keys()
    return {spec.protocol for spec in specs if spec is not None}


def _waits(
    snapshot: Snapshot,
    records: Mapping[ServiceKey, ServiceRecord],
    waiting: Mapping[ServiceKey, bool],
) -> Iterator[float]:
    """Yield after how many seconds alone a Service is told what it is not yet."""
    for key in waiting:
        if ANNOUNCED not in records[key].conditions:
            left = until_slices(snapshot, snapshot.services[key])
            if left > NO_TIME:
                yield left.total_seconds()


def _selector(_: None, eip: Any) -> tuple[Any]:
    return (eip.spec.node_selector if eip.spec is not None else None,)


def _nodes(eligibility: Snapshot, selector: tuple[Any]) -> Nodes:
    return nodes_for(eligibility, selector[0])


def _of_service(_: SliceKey, one: EndpointSlice) -> Iterator[tuple[ServiceKey, EndpointSlice]]:
    if one.service:
        yield ServiceKey(f"{one.namespace}/{one.service}"), one


def _serving(_: None, slices: Mapping[SliceKey, EndpointSlice]) -> Mapping[Family, Serving]:
    return serving(slices.values())


def _shared_with_others(
    common: frozenset[Address], allocation: Allocation
) -> frozenset[Address] | None:
    """Return which of its addresses other Services have, too."""
    if not common:
        return None
    return common.intersection([grant.address for grant in allocation.grants]) or None
