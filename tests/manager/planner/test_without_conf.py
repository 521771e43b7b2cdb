"""Without a BgpConf nothing changes: what stands is kept, and said to be."""

from dataclasses import replace

from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import Snapshot
from pointsman.model.record import ResourceKey, StatusRecord
from pointsman.model.route import PeerName, SessionReport
from tests.manager.reconcile_rig import scene

TOR, KEY = PeerName("tor"), ResourceKey("BgpPeer", "tor")
UP = SessionReport("Established", add_path_negotiated=True, families=("ipv4-unicast",))


def announced() -> Snapshot:
    """Return a cluster whose router is told of its Service, over a session that stands."""
    now = scene()
    for _ in range(4):
        now = applied(now, plan(now))
    assert now.speakers[0].routes
    return replace(now, speakers=(replace(now.speakers[0], sessions={TOR: UP}),))


def status_of(snapshot: Snapshot) -> StatusRecord:
    return plan(snapshot).statuses[KEY]


def test_a_session_that_stands_is_not_denied() -> None:
    found = status_of(replace(announced(), bgp_confs={}))
    ready = found.conditions["Ready"]
    assert (ready.status, ready.reason) == ("False", "NoBgpConf")
    assert "keeps its session and every path that it was told" in ready.message
    assert found.conditions["Established"].status == "True"
    assert found.conditions["AddPathNegotiated"].status == "True"


def test_one_that_goes_meanwhile_is_said_to_be_down() -> None:
    there = announced()
    down = replace(there.speakers[0], sessions={TOR: SessionReport("Active")})
    unconfigured = replace(there, bgp_confs={}, speakers=(down,))
    peer = there.bgp_peers[TOR]
    known = replace(peer, conditions=())
    found = status_of(replace(unconfigured, bgp_peers={TOR: known}))
    assert found.conditions["Established"].status == "False"


def test_a_router_that_has_none_is_said_to_have_none() -> None:
    found = status_of(replace(scene(), bgp_confs={}))
    assert "has no session of ours" in found.conditions["Ready"].message
    assert "Established" not in found.conditions


def test_nothing_is_taken_back() -> None:
    there = announced()
    decided = plan(replace(there, bgp_confs={}))
    assert decided.routes == there.speakers[0].routes
    assert decided.speakers[0].neighbors == there.speakers[0].neighbors
