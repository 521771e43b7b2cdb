"""The plan: from one snapshot to the complete desired state, and the reasons for it.

Pure. What judging one Service raises becomes that Service's verdict and is returned for
the shell to log; whatever else raises is a bug and goes through.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.ownership import partition_services
from manager.planner.addresses.pools import read_pools
from manager.planner.bgp.conditions import Records, remarked, time_to_remark
from manager.planner.bgp.context import Shared
from manager.planner.bgp.negotiated import takes_several
from manager.planner.bgp.path_limits import with_best_for, within_limits
from manager.planner.bgp.paths import Paths
from manager.planner.bgp.peer_speakers import seat
from manager.planner.bgp.peers import Peers, exports, identities, neighbors, read_peers
from manager.planner.bgp.sessions import time_to_no_session, time_to_speak
from manager.planner.bgp.unreadable_peers import carried, kept
from manager.planner.contribution import Case, Contribution
from manager.planner.desired import Allocation, Allocations, Announcement, Grant, Plan, Seat, Speech
from manager.planner.grace_periods import NO_TIME, until_slices
from manager.planner.nodes.address_owners import address_owners
from manager.planner.nodes.eligible import Nodes, nodes_for
from manager.planner.nodes.serving import Serving, serving
from manager.planner.protocols import PROTOCOLS
from manager.planner.records import resource_records, service_record
from manager.snapshot import EipName, NodeName, Observed, Service, ServiceKey, Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address, Family
from pointsman.model.names import ALLOCATED, ANNOUNCED, ANNOUNCED_BY
from pointsman.model.record import ServiceRecord
from pointsman.model.route import PeerName, Route, RouteKey, route_order
from pointsman.model.verdicts.address import InternalError, listed
from pointsman.model.verdicts.announcement import Announced, NoAddress, NotAnnounced
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.readiness import Disabled


def plan(snapshot: Snapshot) -> Plan:
    """Return everything that should be, given everything that is."""
    pools = read_pools(snapshot)
    services = partition_services(snapshot, pools)
    allocations = allocate(snapshot, services.ours, pools=pools)
    shared = _shared(snapshot, allocations)
    scene = _Scene(shared, serving(snapshot.endpoint_slices))
    for key, service in services.ours.items():
        scene.add(service, allocations.services[key])
    statuses = remarked(shared, resource_records(snapshot, allocations, shared.peers))
    seats = {name: shared.peers.seats_of(name) for name in shared.peers.usable}
    return Plan(
        allocations=allocations,
        announcements=scene.announcements,
        speeches=_with_unread(scene, allocations),
        services=scene.records,
        statuses=statuses,
        announcers={name: node.uid for name, node in sorted(snapshot.nodes.items())},
        left_alone=services.left_alone,
        failures=(*allocations.failures, *scene.failures),
        again_s=_again_s(shared, scene, statuses, seats, sharing_s=allocations.again_s),
        seats=seats,
    )


def _again_s(
    shared: Shared,
    scene: "_Scene",
    statuses: Records,
    seats: Mapping[PeerName, tuple[Seat, ...]],
    *,
    sharing_s: float | None,
) -> float | None:
    """Return after how many seconds alone something would be stated that is not yet, or None."""
    snapshot = shared.snapshot
    unsaid = (k for k, record in scene.records.items() if ANNOUNCED not in record.conditions)
    left = [*(until_slices(snapshot, snapshot.services[k]) for k in unsaid), time_to_remark(shared)]
    known = [one.total_seconds() for one in left if one > NO_TIME]
    sessions = (time_to_speak(snapshot, statuses), time_to_no_session(snapshot, seats))
    others = (*sessions, sharing_s)
    return min([*known, *(one for one in others if one is not None)], default=None)


def _shared(snapshot: Snapshot, allocations: Allocations) -> Shared:
    """Return what is the same for all Services, with every router at the speakers that serve it."""
    peers = read_peers(snapshot)
    # Only what an Eip gave is a VIP: what merely stands in a status takes nobody's next hop.
    grants = (g for a in allocations.services.values() for g in a.grants if g.eip is not None)
    holders = Counter(grant.address for grant in grants)
    shared = Shared(snapshot, peers, frozenset(holders), allocations.eips)
    shared.common = frozenset(address for address, number in holders.items() if number > 1)
    if peers.conf is None:
        return shared
    seat(shared)
    return shared


@dataclass(slots=True)
class _Scene:
    """One pass over the Services; what does not depend on the Service is computed once."""

    shared: Shared
    serving: Mapping[tuple[ServiceKey, Family], Serving]
    announcements: dict[ServiceKey, Announcement] = field(default_factory=dict)
    records: dict[ServiceKey, ServiceRecord] = field(default_factory=dict)
    paths: Paths = field(default_factory=Paths)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    _nodes: dict[EipName | None, Nodes] = field(default_factory=dict)

    def add(self, service: Service, allocation: Allocation) -> None:
        """Judge one Service and take what its protocols contribute."""
        try:
            parts = self._contributions(service, allocation)
        except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
            self.failures.append((f"Service {service.key}", error))
            parts = [self._unjudged(service, allocation, error)]
        for part in parts:
            self.paths.decide(part.routes)
            self.paths.keep(part.kept)
            if any(grant.address in self.shared.common for grant in allocation.grants):
                self.paths.join(key.prefix for key in part.routes)
        announcement = _summed_up(parts)
        self.announcements[service.key] = announcement
        carriers = tuple(dict.fromkeys(c for part in parts for c in part.carriers))
        self.records[service.key] = service_record(service, allocation, announcement, carriers)

    def _contributions(self, service: Service, allocation: Allocation) -> list[Contribution]:
        by_eip: dict[EipName, list[Address]] = {}
        for grant in allocation.grants:
            if grant.eip is not None:  # an address outside every Eip is nobody's to announce
                by_eip.setdefault(grant.eip, []).append(grant.address)
        if not by_eip and allocation.grants:
            return [Contribution(NotAnnounced(service.key, _stray(allocation.grants)))]
        if not by_eip:
            return [Contribution(NoAddress(service.key))]
        recorded = frozenset(service.status_addresses)
        found = []
        for eip, addresses in by_eip.items():
            spec = self.shared.snapshot.eips[eip].spec
            case = Case(
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
                shared=self.shared,
            )
            found.append(PROTOCOLS[Protocol.BGP if spec is None else spec.protocol](case))
        return found

    def _unjudged(self, service: Service, allocation: Allocation, error: Exception) -> Contribution:
        routes = {
            key: route
            for grant in allocation.grants
            for key, route in self.shared.covering(grant.address).items()
        }
        verdict = InternalError("Service", service.key, type(error).__name__)
        carriers = tuple(filter(None, service.annotations.get(ANNOUNCED_BY, "").split(",")))
        return Contribution(verdict, kept=routes, carriers=carriers)

    def _nodes_of(self, eip: EipName, spec: EipSpec | None) -> Nodes:
        if eip not in self._nodes:
            selector = spec.node_selector if spec is not None else None
            self._nodes[eip] = nodes_for(self.shared.snapshot, selector)
        return self._nodes[eip]


def _summed_up(parts: list[Contribution]) -> Announcement:
    """Return one announcement for addresses from several Eips: the first refusal, or all.

    An address that is still being handed over unsays nothing about those that are told.
    """
    said = [part.verdict for part in parts if isinstance(part.verdict, Announced)]
    refusals = (part for part in parts if not part.verdict.ok)
    refused = next((part for part in refusals if not (said and _passing(part.verdict))), None)
    if refused is not None:
        return Announcement(refused.verdict, refused.candidates)
    verdict = replace(
        said[0],
        addresses=tuple(address for one in said for address in one.addresses),
        notes=tuple(dict.fromkeys(note for one in said for note in one.notes)),
    )
    return Announcement(verdict, parts[0].candidates)


def _stray(grants: tuple[Grant, ...]) -> str:
    addresses = listed([str(grant.address) for grant in grants])
    lie = "lies" if len(grants) == 1 else "lie"
    return f"{addresses} {lie} in no Eip; see its condition {ALLOCATED}"


def _passing(verdict: Verdict) -> bool:
    return isinstance(verdict, NotAnnounced) and verdict.passing


def _speeches(scene: _Scene) -> tuple[Speech, ...]:
    """Return what each speaker of the replica should be and say."""
    snapshot, peers = scene.shared.snapshot, scene.shared.peers
    whose = address_owners(snapshot)
    if peers.conf is None:
        return tuple(_kept(peers, observed, whose) for observed in snapshot.speakers)
    every = within_limits(scene.shared, scene.paths.all(), scene.paths.joint)
    routes = _by_speaker(every, len(snapshot.speakers))
    return tuple(
        Speech(
            identity=one,
            exports=exports(peers, index),
            routes=routes[index],
            neighbors=neighbors(snapshot, peers, index),
            nodes=whose,
        )
        for index, one in enumerate(identities(snapshot, peers.conf))
    )


def _by_speaker(every: dict[RouteKey, Route], speakers: int) -> list[dict[RouteKey, Route]]:
    if speakers == 1:  # nearly always, and a table may be large
        return [every]
    found: list[dict[RouteKey, Route]] = [{} for _ in range(speakers)]
    for key, route in every.items():
        found[key.speaker][key] = route
    return found


def _with_unread(scene: _Scene, allocations: Allocations) -> tuple[Speech, ...]:
    """Return the speeches, with what is kept of routers whose BgpPeer cannot be read."""
    snapshot, peers, speeches = scene.shared.snapshot, scene.shared.peers, _speeches(scene)
    unread = peers.unread
    if peers.conf is None or not unread:
        return speeches
    by = carried(allocations.services, scene.announcements)
    pairs = zip(speeches, snapshot.speakers, strict=True)
    first, *further = (kept(speech, observed, unread=unread, by=by) for speech, observed in pairs)
    single = frozenset(n for n in unread if _kept_as_single(snapshot, n))
    if single:
        routes = with_best_for(first.routes, single, scene.shared.single)
        first = replace(first, routes=routes)
    return (first, *further)


def _kept_as_single(snapshot: Snapshot, name: PeerName) -> bool:
    """Whether a router whose BgpPeer cannot be read keeps one path, as far as is known."""
    session = snapshot.observed.neighbors.get(name)
    off = session is not None and not session.add_path
    return off or takes_several(snapshot, name) is False


def _kept(peers: Peers, observed: Observed, whose: Mapping[Address, NodeName]) -> Speech:
    """A running speaker keeps what it has, but for sessions ended by hand."""
    wanted = {n for n, verdict in peers.verdicts.items() if not isinstance(verdict, Disabled)}
    return Speech(
        identity=None,
        exports=dict(sorted(observed.exports.items())),
        routes={key: observed.routes[key] for key in sorted(observed.routes, key=route_order)},
        neighbors={n: one for n, one in sorted(observed.neighbors.items()) if n in wanted},
        nodes=whose,
    )
