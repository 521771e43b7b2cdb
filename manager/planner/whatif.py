"""What a cluster would come to: the plan of a plan, until nothing changes any more.

A plan takes effect in steps (an address is written into a Service's status, then it is
routed, then its condition says so). Here each step is applied to the snapshot itself:
no cluster, no clock. Sessions count as established, the speaker starts empty.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from manager.planner.addresses.own_record import bears_mark, own_record
from manager.planner.announcer_specs import as_read_back
from manager.planner.bgp.negotiated import takes_several
from manager.planner.desired import Plan, SpeakerPlan
from manager.planner.plan import plan
from manager.snapshot import Announcer, Condition, Ingress, Observed, Service, Snapshot
from pointsman.model.names import OUR_ANNOTATIONS, PREFIX, VIP
from pointsman.model.record import AnnouncerRecord, ServiceRecord
from pointsman.model.route import LIVE, PeerName, SessionReport

K = TypeVar("K")
# A change takes a few rounds. Where Services wait for each other's addresses, each round
# moves one of them on, so there may be as many more as there are Services.
ROUNDS: Final = 5


def settle(snapshot: Snapshot) -> tuple[Snapshot, Plan]:
    """Return the snapshot after its own plan took effect, and the plan that changes nothing.

    Raises:
        AssertionError: the plan keeps changing, which is a bug of the planner.
    """
    rounds = ROUNDS + len(snapshot.services)
    for _ in range(rounds):
        decided = plan(snapshot)
        after = applied(snapshot, decided)
        if _same(after, snapshot):
            return snapshot, decided
        snapshot = after
    raise AssertionError(f"the plan still changes after {rounds} rounds")


def applied(snapshot: Snapshot, decided: Plan) -> Snapshot:
    """Return *snapshot* as it would be once *decided* has taken effect."""
    services = {
        key: written(service, decided.services[key])
        if key in decided.services
        else released(service)
        for key, service in snapshot.services.items()
    }
    speakers = tuple(
        converged(speaker_plan, observed, single=_single(snapshot, speaker_plan))
        for speaker_plan, observed in zip(decided.speakers, snapshot.speakers, strict=True)
    )
    announcers = {
        name: assigned(announcer, decided.announcers.get(name))
        for name, announcer in snapshot.announcers.items()
    }
    return replace(snapshot, services=services, speakers=speakers, announcers=announcers)


def assigned(announcer: Announcer, record: AnnouncerRecord | None) -> Announcer:
    """Return *announcer* with what its *record* asks of its agent; itself if that is there."""
    return as_read_back(announcer, {} if record is None else record.spec)


def _same(after: Snapshot, before: Snapshot) -> bool:
    """Return whether a plan changed nothing: no Service is another one, the speakers say the same.

    Only what a plan changes is compared. A Service that cannot be read may not even be equal to
    itself, and since Python 3.13 `==` of two dataclasses does not look at identity first.
    """
    same_services = _are_same(after.services, before.services)
    same_announcers = _are_same(after.announcers, before.announcers)
    return same_services and same_announcers and after.speakers == before.speakers


def _are_same(now: Mapping[K, object], before: Mapping[K, object]) -> bool:
    return all(one is before.get(key) for key, one in now.items())


def _single(snapshot: Snapshot, speaker_plan: SpeakerPlan) -> frozenset[PeerName]:
    """Return whose sessions come up without ADD-PATH, as far as is known."""
    return frozenset(
        name
        for name, session in speaker_plan.neighbors.items()
        if not session.add_path or takes_several(snapshot, name) is False
    )


def converged(
    speaker_plan: SpeakerPlan, observed: Observed, *, single: frozenset[PeerName] = frozenset()
) -> Observed:
    """Return what a speaker holds that was *observed* and then given *speaker_plan*.

    All its sessions are up, those with *single* without ADD-PATH.
    """
    live = {several: SessionReport(LIVE, add_path_negotiated=several) for several in (True, False)}
    sessions = {name: live[name not in single] for name in speaker_plan.neighbors}
    return Observed(
        identity=speaker_plan.identity or observed.identity,
        exports=speaker_plan.exports,
        routes=speaker_plan.routes,
        neighbors=speaker_plan.neighbors,
        sessions=sessions,
    )


def written(service: Service, record: ServiceRecord) -> Service:
    """Return *service* with our part of it equal to *record*; itself, if it is already."""
    others = {
        key: value for key, value in service.annotations.items() if key not in OUR_ANNOTATIONS
    }
    conditions = tuple(c for c in service.conditions if not c.type.startswith(PREFIX))
    annotations = {**others, **record.annotations}
    ingress = tuple(Ingress(ip=ip, ip_mode=VIP) for ip in record.ingress)
    conditions += tuple(
        Condition(name, value.status, value.reason, value.message)
        for name, value in sorted(record.conditions.items())
    )
    if (annotations, ingress, conditions) == (
        service.annotations,
        service.ingress,
        service.conditions,
    ):
        return service
    return replace(service, annotations=annotations, ingress=ingress, conditions=conditions)


def released(service: Service) -> Service:
    """Return *service*, which is not ours, without what a record of ours left on it."""
    if not bears_mark(service):
        return service
    ours = frozenset(own_record(service).addresses)
    ingress = tuple(entry for entry in service.ingress if entry.address not in ours)
    bare = written(service, ServiceRecord())
    return bare if bare.ingress == ingress else replace(bare, ingress=ingress)
