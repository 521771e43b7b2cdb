"""Whose announcement waits costs a plan little, however many they are: calls counted, no clock."""

from dataclasses import replace

from manager.planner.plan import Memo, plan
from manager.planner.whatif import applied, settle
from manager.snapshot import Snapshot
from pointsman.model.route import PeerName, SessionReport
from tests.bench.calls import Calls
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.scene import endpoints, peer, scene

TOR = PeerName("tor-1")
FEW, MANY, EACH = 50, 150, 40  # calls


def without_router(count: int) -> Snapshot:
    """All have addresses and paths; their router has had no session for two minutes."""
    services = [service(f"a/s{n}") for n in range(count)]
    slices = [endpoints(f"a/s{n}", "node1 node2") for n in range(count)]
    wide = eip("wide", "198.18.0.0/15", default=True)
    up, _ = settle(scene(wide, peer("tor-1"), *services, *slices))
    held = replace(up.speakers[0], sessions={TOR: SessionReport("Active", down_s=120.0)})
    down = replace(up, speakers=(held,))
    found = replace(down, services=applied(down, plan(down)).services)
    (reason,) = {one.announced and one.announced.reason for one in found.services.values()}
    assert reason == "NoSession"
    return found


def calls(snapshot: Snapshot) -> int:
    """How many functions a plan calls when one Service more comes."""
    memo = Memo()
    plan(snapshot, memo=memo)
    new = service("b/new")
    with Calls() as counted:
        plan(replace(snapshot, services={**snapshot.services, new.key: new}), memo=memo)
    return counted.by_function.total()


def test_who_waits_for_a_router_is_looked_at_and_not_judged_again() -> None:
    more = calls(without_router(MANY)) - calls(without_router(FEW))
    assert 0 < more < EACH * (MANY - FEW)
