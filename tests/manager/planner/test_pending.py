"""What is on its way counts: grants without an answer, paths that a speaker is being told."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

from manager.planner.plan import plan
from manager.snapshot import Observed, ServiceKey, Snapshot
from tests.manager.planner.addresses.addressing import cluster, eip, service

WEB, LATE = ServiceKey("a/web"), ServiceKey("a/late")
FIRST, SECOND = ip_address("198.51.100.0"), ip_address("198.51.100.1")


def granted(snapshot: Snapshot, key: ServiceKey) -> list[str]:
    return [str(grant.address) for grant in plan(snapshot).allocations.services[key].grants]


def scene(**web) -> Snapshot:
    return cluster(
        eip("public", "198.51.100.0/28", default=True), service("a/web", **web), service("a/late")
    )


def test_a_service_gets_the_address_that_may_have_reached_it_already() -> None:
    snapshot = replace(scene(), pending={WEB: (SECOND,)})
    assert granted(snapshot, WEB) == [str(SECOND)]
    assert granted(snapshot, LATE) == [str(FIRST)]


def test_nobody_else_is_given_it_even_when_the_service_is_no_longer_ours() -> None:
    snapshot = replace(scene(type="ClusterIP"), pending={WEB: (FIRST,)})
    assert granted(snapshot, LATE) == [str(SECOND)]


def test_its_eip_is_in_use() -> None:
    alone = cluster(eip("public", "198.51.100.0/28", default=True, deleting=True), service("a/web"))
    assert not plan(alone).allocations.eips["public"].in_use  # type: ignore[index]
    coming = replace(alone, pending={WEB: (FIRST,)})
    assert plan(coming).allocations.eips["public"].in_use  # type: ignore[index]


def test_no_path_is_wanted_for_an_address_that_is_not_recorded_yet() -> None:
    assert not plan(replace(scene(), pending={WEB: (FIRST,)})).routes


def test_an_address_whose_path_a_speaker_is_being_told_goes_to_nobody_else() -> None:
    speaker = Observed(putting=frozenset({ip_network("198.51.100.0/32")}))
    assert granted(replace(scene(), speakers=(speaker,)), LATE) == [str(SECOND)]
    aggregate = Observed(putting=frozenset({ip_network("198.51.100.0/28")}))
    assert granted(replace(scene(), speakers=(aggregate,)), LATE) == [str(FIRST)]
