"""The plan: from one snapshot to the complete desired state, and the reasons for it.

Pure. It knows no protocol: each of them judges the Services of its Eips and adds a part of
its own. What judging one Service raises becomes that Service's verdict and is returned for
the shell to log; whatever else raises is a bug and goes through.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.ownership import partition_services
from manager.planner.addresses.pools import read_pools
from manager.planner.contribution import (
    Contribution,
    Judged,
    Plug,
    ProtocolPart,
    RecordPart,
    ServiceCase,
)
from manager.planner.desired import Allocation, Announcement, Grant, Plan
from manager.planner.grace_periods import NO_TIME, until_slices
from manager.planner.nodes.eligible import Nodes, nodes_for
from manager.planner.nodes.serving import Serving, serving
from manager.planner.protocols import PROTOCOLS, protocol_of
from manager.planner.records import eip_records, service_record, with_conditions
from manager.snapshot import EipName, NodeName, Service, ServiceKey, Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address, Family
from pointsman.model.names import ALLOCATED, ANNOUNCED, ANNOUNCED_BY
from pointsman.model.record import AnnouncerRecord, ServiceRecord
from pointsman.model.verdicts.address import InternalError, listed
from pointsman.model.verdicts.announcement import Announced, NoAddress, NotAnnounced
from pointsman.model.verdicts.base import Verdict


def plan(snapshot: Snapshot, protocols: Mapping[Protocol, Plug] = PROTOCOLS) -> Plan:
    """Return everything that should be, given everything that is."""
    pools = read_pools(snapshot)
    services = partition_services(snapshot, pools)
    allocations = allocate(snapshot, services.ours, pools=pools)
    active = {
        name: _Active(plug, plug.context(snapshot, allocations)) for name, plug in protocols.items()
    }
    judging = _Judging(snapshot, active, serving(snapshot.endpoint_slices))
    for key, service in services.ours.items():
        judging.add(service, allocations.services[key])
    parts = [one.part(judging.announcements) for one in active.values()]
    records = eip_records(snapshot, allocations)
    for part in parts:
        records.update(part.records)
    return Plan(
        allocations=allocations,
        announcements=judging.announcements,
        speakers=tuple(speaker for part in parts for speaker in part.speakers),
        services=judging.records,
        statuses=with_conditions(records, [part.conditions for part in parts]),
        announcers=_announcers(snapshot, parts),
        left_alone=services.left_alone,
        failures=(*allocations.failures, *judging.failures),
        again_s=min(_waits(snapshot, judging.records, parts, allocations.again_s), default=None),
        sessions={name: sessions for part in parts for name, sessions in part.sessions.items()},
    )


def _announcers(
    snapshot: Snapshot, parts: Sequence[ProtocolPart]
) -> Mapping[NodeName, AnnouncerRecord]:
    """Return the Announcer of every Node: its owner, and what each protocol asks of its agent."""
    return {
        name: AnnouncerRecord(
            owner=node.uid,
            spec={k: v for part in parts for k, v in part.announcers.get(name, {}).items()},
        )
        for name, node in sorted(snapshot.nodes.items())
    }


def _waits(
    snapshot: Snapshot,
    records: Mapping[ServiceKey, ServiceRecord],
    parts: Sequence[ProtocolPart],
    sharing_s: float | None,
) -> Iterable[float]:
    """Yield after how many seconds alone something would be stated that is not yet."""
    for key, record in records.items():
        if ANNOUNCED not in record.conditions:
            left = until_slices(snapshot, snapshot.services[key])
            if left > NO_TIME:
                yield left.total_seconds()
    for one in (sharing_s, *(part.again_s for part in parts)):
        if one is not None:
            yield one


@dataclass(frozen=True, slots=True)
class _Active:
    """A protocol with its context of this plan, and the hops it contributed so far."""

    plug: Plug
    context: Any
    hops: dict[ServiceKey, tuple[Any, ...]] = field(default_factory=dict)

    def take(self, key: ServiceKey, hops: object) -> None:
        self.hops[key] = (*self.hops.get(key, ()), hops)

    def part(self, announcements: Mapping[ServiceKey, Announcement]) -> ProtocolPart:
        return self.plug.part(self.context, Judged(self.hops, announcements))


@dataclass(slots=True)
class _Judging:
    """One pass over the Services; what does not depend on the Service is computed once."""

    snapshot: Snapshot
    active: Mapping[Protocol, _Active]
    serving: Mapping[tuple[ServiceKey, Family], Serving]
    announcements: dict[ServiceKey, Announcement] = field(default_factory=dict)
    records: dict[ServiceKey, ServiceRecord] = field(default_factory=dict)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    _nodes: dict[EipName | None, Nodes] = field(default_factory=dict)

    def add(self, service: Service, allocation: Allocation) -> None:
        """Judge one Service and take what its protocols contribute."""
        try:
            found = self._contributions(service, allocation)
        except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
            self.failures.append((f"Service {service.key}", error))
            parts = [self._unjudged(service, allocation, error)]
        else:
            parts = [contribution.record for _, contribution in found]
            for protocol, contribution in found:
                self.active[protocol].take(service.key, contribution.hops)
        if not parts:
            parts = [RecordPart(_unbooked(service, allocation.grants))]
        announcement = _summed_up(parts)
        self.announcements[service.key] = announcement
        carriers = tuple(dict.fromkeys(c for part in parts for c in part.carriers))
        self.records[service.key] = service_record(service, allocation, announcement, carriers)

    def _contributions(
        self, service: Service, allocation: Allocation
    ) -> list[tuple[Protocol, Contribution[Any]]]:
        by_eip: dict[EipName, list[Address]] = {}
        for grant in allocation.grants:
            if grant.eip is not None:  # an address outside every Eip is nobody's to announce
                by_eip.setdefault(grant.eip, []).append(grant.address)
        recorded = frozenset(service.status_addresses) if by_eip else frozenset()
        found = []
        for eip, addresses in by_eip.items():
            spec = self.snapshot.eips[eip].spec
            case = ServiceCase(
                service=service,
                eip=eip,
                spec=spec,
                addresses=tuple(addresses),
                recorded=recorded.intersection(addresses),
                nodes=self._nodes_of(eip, spec),
                serving={
                    f: self.serving[service.key, f]
                    for f in Family
                    if (service.key, f) in self.serving
                },
            )
            protocol = protocol_of(spec)
            active = self.active[protocol]
            found.append((protocol, active.plug.contribute(case, active.context)))
        return found

    def _unjudged(self, service: Service, allocation: Allocation, error: Exception) -> RecordPart:
        """Take what each protocol has that leads to a Service, which nobody could judge."""
        addresses = tuple(grant.address for grant in allocation.grants)
        for active in self.active.values():
            active.take(service.key, active.plug.retained(addresses, active.context))
        verdict = InternalError("Service", service.key, type(error).__name__)
        carriers = tuple(filter(None, service.annotations.get(ANNOUNCED_BY, "").split(",")))
        return RecordPart(verdict, carriers=carriers)

    def _nodes_of(self, eip: EipName, spec: EipSpec | None) -> Nodes:
        if eip not in self._nodes:
            selector = spec.node_selector if spec is not None else None
            self._nodes[eip] = nodes_for(self.snapshot, selector)
        return self._nodes[eip]


def _summed_up(parts: list[RecordPart]) -> Announcement:
    """Return one announcement for addresses from several Eips: the first refusal, or all.

    An address that is still being handed over unsays nothing about those that are announced.
    """
    announced = [part.verdict for part in parts if isinstance(part.verdict, Announced)]
    refusals = (part for part in parts if not part.verdict.ok)
    refused = next((p for p in refusals if not (announced and _passing(p.verdict))), None)
    if refused is not None:
        return Announcement(refused.verdict, refused.candidates)
    verdict = replace(
        announced[0],
        addresses=tuple(address for one in announced for address in one.addresses),
        notes=tuple(dict.fromkeys(note for one in announced for note in one.notes)),
    )
    return Announcement(verdict, parts[0].candidates)


def _unbooked(service: Service, grants: tuple[Grant, ...]) -> Verdict:
    """Return why no protocol was asked: the Service has no address, or none of an Eip."""
    if not grants:
        return NoAddress(service.key)
    addresses = listed([str(grant.address) for grant in grants])
    lie = "lies" if len(grants) == 1 else "lie"
    why = f"{addresses} {lie} in no Eip; see its condition {ALLOCATED}"
    return NotAnnounced(service.key, why)


def _passing(verdict: Verdict) -> bool:
    return isinstance(verdict, NotAnnounced) and verdict.passing
