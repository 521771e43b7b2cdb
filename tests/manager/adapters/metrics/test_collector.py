"""Which metrics a plan and readings come to."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from manager.adapters.metrics.collector import Facts, FactsCollector
from manager.planner.desired import Finished
from manager.planner.plan import plan
from manager.snapshot import EndpointSlice, Observed, ServiceKey
from pointsman.model.address import Family
from pointsman.model.replicas import AmongReplicas
from pointsman.model.route import PeerName, SessionReport
from pointsman.model.verdicts import announcement
from pointsman.model.verdicts.base import Verdict
from tests.manager.planner.addresses.addressing import service
from tests.manager.reconcile_rig import Rig

pytestmark = [pytest.mark.looptime]
VERDICTS = announcement.__name__
Values = Mapping[tuple[str, ...], float]


@pytest.fixture
async def facts() -> AsyncIterator[Facts]:
    """What is so once the rig is at rest: one Service, one router, a session that is up."""
    rig = Rig()
    await rig.step()
    await rig.settle()
    finished = rig.reconciler.finished
    assert finished is not None
    live = {PeerName("tor"): SessionReport("Established", advertised_paths=1)}
    readings = tuple(replace(one, sessions=live) for one in rig.speakers.readings)
    yield Facts("1.2", "a", leading=True, finished=finished, readings=readings)
    rig.task.cancel()


def values(facts: Facts, name: str) -> Values:
    """Return the samples of one metric by the values of its labels, in order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for metric in FactsCollector(facts).collect()
        for sample in metric.samples
        if sample.name == f"pointsman_{name}"
    }


async def test_at_rest(facts: Facts) -> None:
    assert values(facts, "build_info") == {("1.2",): 1}
    assert values(facts, "is_leader") == {(): 1}
    assert values(facts, "bgp_session_up") == {("tor", "a"): 1}
    assert values(facts, "bgp_advertised_paths") == {("tor",): 1}
    assert values(facts, "drift_paths") == {("tor",): 0}
    assert values(facts, "services") == {
        ("announced",): 1, ("pending",): 0, ("unannounced",): 0,
    }  # fmt: skip
    assert set(values(facts, "unannounced_services").values()) == {0}
    pools = values(facts, "pool_addresses")
    assert pools["public", "ipv4", "capacity"] == 16
    assert pools["public", "ipv4", "allocated"] == 1
    assert pools["public", "ipv4", "available"] == 15
    assert pools["public", "ipv6", "capacity"] == 0
    verdicts = values(facts, "verdicts")
    assert verdicts["Service", "Allocated"] == verdicts["Service", "Announced"] == 1
    assert verdicts["Eip", "Ready"] == 1


async def test_a_session_that_is_down_or_unknown_is_not_up(facts: Facts) -> None:
    (reading,) = facts.readings
    idle: Any = {PeerName("tor"): SessionReport("Idle")}
    nothing: Any = {}
    for sessions in (idle, nothing):
        seen = replace(facts, readings=(replace(reading, sessions=sessions),))
        assert values(seen, "bgp_session_up") == {("tor", "a"): 0}
        assert values(seen, "bgp_advertised_paths") == {("tor",): 0}


async def test_a_replica_that_is_quiet_or_outbids_says_so(facts: Facts) -> None:
    assert facts.finished is not None
    assert values(facts, "bgp_quiet") == {("tor",): 0}
    assert values(facts, "bgp_outbids") == {(): 0}
    among = AmongReplicas(quiet=frozenset({PeerName("tor")}), unheard=({},))
    snapshot = replace(facts.finished.snapshot, among=among)
    seen = replace(facts, finished=replace(facts.finished, snapshot=snapshot))
    assert values(seen, "bgp_quiet") == {("tor",): 1}
    assert values(seen, "bgp_outbids") == {(): 1}


async def test_every_reason_against_announcing_is_there_before_it_occurs(facts: Facts) -> None:
    of_plans = {
        one.__name__
        for one in vars(announcement).values()
        if isinstance(one, type) and issubclass(one, Verdict) and one.__module__ == VERDICTS
    }
    # Without an address it is pending; these stand beside whether it is announced.
    others = {"Verdict", "Announced", "NoAddress", "StrictARPRequired", "ForeignController"}
    shown = {reason for (reason,) in values(facts, "unannounced_services")}
    assert shown == of_plans - others - {"Repaired"} | {"InternalError"}


async def test_paths_that_are_missing_or_too_many_are_drift(facts: Facts) -> None:
    (reading,) = facts.readings
    assert facts.finished is not None
    missing = replace(facts, readings=(replace(reading, routes={}),))
    assert values(missing, "drift_paths") == {("tor",): 1}
    (speaker,) = facts.finished.plan.speakers
    nothing = replace(facts.finished.plan, speakers=(replace(speaker, routes={}),))
    extra = replace(facts, finished=replace(facts.finished, plan=nothing))
    assert values(extra, "drift_paths") == {("tor",): 1}
    without_conf = replace(nothing, speakers=(replace(speaker, routes={}, identity=None),))
    stopped = replace(facts, finished=replace(facts.finished, plan=without_conf))
    assert values(stopped, "drift_paths") == {("tor",): 0}


async def test_services_without_address_or_announcement(facts: Facts) -> None:
    assert facts.finished is not None
    snapshot = facts.finished.snapshot
    web = snapshot.services[ServiceKey("a/web")]
    idle = EndpointSlice("a", "web-1", "web", Family.IPV4, ())
    asking = service("a/asking", notes={"eip": "none-of-that-name"})
    later = replace(
        snapshot,
        services={web.key: web, asking.key: asking},
        endpoint_slices={("a", "web-1"): idle},
    )
    seen = replace(facts, finished=Finished(later, plan(later)))
    assert values(seen, "services") == {
        ("announced",): 0, ("pending",): 1, ("unannounced",): 1,
    }  # fmt: skip
    unannounced = values(seen, "unannounced_services")
    assert unannounced["NoServingEndpoint",] == sum(unannounced.values()) == 1


async def test_services_by_name_only_if_asked_for(facts: Facts) -> None:
    assert not values(facts, "service_announced")
    asked = replace(facts, per_service=True)
    assert values(asked, "service_announced") == {("a", "web"): 1}


async def test_before_the_first_plan() -> None:
    early = Facts(
        "1.2", "a", leading=False, readings=(Observed(known=False),), held_back=3,
        watch_ages={"nodes": 2.5},
    )  # fmt: skip
    assert values(early, "is_leader") == {(): 0}
    assert values(early, "api_held_back") == {(): 3}
    assert values(early, "watch_age_seconds") == {("nodes",): 2.5}
    assert not values(early, "services")
