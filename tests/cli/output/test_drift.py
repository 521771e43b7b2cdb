"""`pointsman routes` and `peers`: desired beside observed."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli.commands import peers
from cli.output import drift
from cli.output.drift import Sides
from cli.source import cluster, files
from manager.inspect.cluster import read
from manager.planner.plan import plan
from manager.snapshot import Condition, Observed, Settings
from pointsman.model.route import PathAttributes, PeerName, Route, SessionReport, route_order
from tests.cli.running import CLUSTER, OFFLINE, answer, peer, run, small, write

TOR = PeerName("tor-1")
LOCKED = Condition("Ready", "False", "SecretMissing", "It has no session: no Secret.")


@pytest.fixture
def settled() -> Sides:
    """The cluster of files, and a speaker that holds exactly what it should."""
    documents, _ = files.read([CLUSTER])
    seen = cluster.settled(read(documents, Settings()))
    desired = seen.plan.speakers[0]
    up = SessionReport("Established", add_path_negotiated=True, advertised_paths=4)
    observed = Observed(
        desired.identity,
        desired.exports,
        desired.routes,
        desired.neighbors,
        sessions={TOR: up},
    )
    snapshot = replace(seen.settled, speakers=(observed,))
    return Sides(snapshot, plan(snapshot), (observed,), complete=True)


def with_observed(both: Sides, observed: Observed) -> Sides:
    return replace(both, observed=(observed,))


def drifts(both: Sides) -> list[str | None]:
    return [one["drift"] for one in drift.routes_json(both)]


def test_at_rest_nothing_drifts(settled: Sides) -> None:
    assert drifts(settled) == [None] * 4
    tor = next(one for one in drift.peers_json(settled) if one["name"] == TOR)
    assert (tor["drift"], tor["desiredPaths"], tor["desiredPrefixes"]) == (None, 4, 2)
    assert peers._wrong(tor, asked=True) == []


def test_each_kind_of_drift_is_seen(settled: Sides) -> None:
    assert settled.observed is not None
    (seen,) = settled.observed
    routes = dict(seen.routes)
    first, second, *_ = sorted(routes, key=route_order)
    del routes[first]
    routes[second] = Route(PathAttributes(med=7), routes[second].peers)
    extra = replace(second, next_hop=type(second.next_hop)("192.0.2.99"))
    routes[extra] = Route(PathAttributes(), frozenset({TOR}))
    both = with_observed(settled, replace(seen, routes=routes))
    assert drifts(both) == ["missing", "differs", "extra", None, None]


@pytest.mark.parametrize(
    ("state", "advertised", "words"),
    [
        pytest.param("Active", 0, "has no session (state Active)", id="down"),
        pytest.param("Established", 3, "is told 3 paths, desired are 4", id="told too little"),
    ],
)
def test_what_is_wrong_with_a_session(
    settled: Sides, state: str, advertised: int, words: str
) -> None:
    assert settled.observed is not None
    report = SessionReport(state, add_path_negotiated=True, advertised_paths=advertised)
    both = with_observed(settled, replace(settled.observed[0], sessions={TOR: report}))
    tor = next(one for one in drift.peers_json(both) if one["name"] == TOR)
    (sentence,) = peers._wrong(tor, asked=True)
    assert words in sentence


def test_a_session_that_bfd_does_not_watch_though_it_should(settled: Sides) -> None:
    assert settled.observed is not None
    (seen,) = settled.observed
    unwatched = replace(seen.sessions[TOR], bfd_state="Down")
    both = with_observed(settled, replace(seen, sessions={TOR: unwatched}))
    tor = next(one for one in drift.peers_json(both) if one["name"] == TOR)
    (sentence,) = peers._wrong(tor, asked=True)
    assert "a session without BFD" in sentence


def test_a_password_that_differs_is_named_and_not_shown(settled: Sides) -> None:
    assert settled.observed is not None
    (seen,) = settled.observed
    other = replace(seen.neighbors[TOR], password="s3cret")
    both = with_observed(settled, replace(seen, neighbors={TOR: other}))
    found = drift.peers_json(both)
    tor = next(one for one in found if one["name"] == TOR)
    assert tor["differs"] == ["passwordSecretRef"]
    assert "s3cret" not in str(found)


def test_a_router_whose_password_is_missing_is_shown_and_is_no_fine_thing(settled: Sides) -> None:
    assert settled.observed is not None
    (seen,) = settled.observed
    waiting = replace(settled.snapshot.bgp_peers[TOR], conditions=(LOCKED,))
    snapshot = replace(settled.snapshot, bgp_peers={TOR: waiting})
    planned = replace(settled.plan, speakers=(replace(settled.plan.speakers[0], neighbors={}),))
    both = Sides(snapshot, planned, (replace(seen, neighbors={}),), complete=True)
    (tor,) = drift.peers_json(both)
    assert (tor["address"], tor["as"]) == ("192.0.2.1", 64500)
    for asked in (True, False):
        assert peers._wrong(tor, asked=asked) == ["It has no session: no Secret."]


def test_without_a_speaker_the_desired_side_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "routes", *OFFLINE)
    assert not found["asked"]
    assert {one["prefix"] for one in found["routes"]} == {"198.51.100.1/32", "2001:db8:100::/128"}
    assert answer(capsys, "routes", *OFFLINE, "--peer", "tor-1") == found
    status, out, _ = run(capsys, "peers", *OFFLINE)
    assert status == 0
    assert "tor-1" in out


def test_no_speaker_and_no_such_peer_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "routes", *OFFLINE, "--gobgp-socket", "/nowhere/x.sock")
    assert status == 1
    assert "There is no speaker at /nowhere/x.sock" in err
    status, _, err = run(capsys, "routes", *OFFLINE, "--peer", "nobody")
    assert status == 2
    assert "There is no BgpPeer 'nobody'" in err


def _recorded(state: str, *, established: str, message: str = "") -> dict:
    """Return a BgpPeer as a manager left it, with its session in *state*."""
    peer_ = peer()
    peer_["status"] = {
        "speakers": [
            {"name": "a", "state": "Established", "advertisedPaths": 1},
            {"name": "b", "state": state, "lastError": "connection refused"},
        ],
        "conditions": [
            {
                "type": "Established", "status": established, "reason": "X", "message": message,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }  # fmt: skip
    return peer_


def _peers(capsys: pytest.CaptureFixture[str], path: Path, document: dict) -> tuple[int, str]:
    objects = [one for one in small() if one["kind"] != "BgpPeer"]
    file = write(path / "a.yaml", *objects, document)
    status, out, _ = run(capsys, "peers", "--offline", "-f", file)
    return status, out


def test_without_a_speaker_the_recorded_state_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, out = _peers(capsys, tmp_path, _recorded("Established", established="True"))
    assert status == 0
    assert "Established" in out


@pytest.mark.parametrize("established", ["False", "Unknown"])
def test_a_session_recorded_as_down_is_1_and_says_why(
    established: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    down = _recorded("Active", established=established, message="No session, and here is why.")
    status, out = _peers(capsys, tmp_path, down)
    assert status == 1
    assert "  Active  " in out
    assert out.splitlines()[-1] == "! No session, and here is why."


def test_a_router_without_a_session_is_1_and_says_why(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As for `status`: no speaker has to be asked for what its manager recorded."""
    twin = peer()
    twin["metadata"]["name"] = "twin"
    twin["status"] = {
        "conditions": [
            {
                "type": "Ready", "status": "False", "reason": "Duplicate",
                "message": "An older one has the same address.",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }  # fmt: skip
    file = write(tmp_path / "a.yaml", *small(), twin)
    status, out, _ = run(capsys, "peers", "--offline", "-f", file)
    assert (status, out.splitlines()[-1]) == (1, "! An older one has the same address.")


def test_a_session_with_a_password_counts_as_any_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No plan without its Secret has it, and this command reads none."""
    down = _recorded("Active", established="False", message="No session, and here is why.")
    down["spec"]["passwordSecretRef"] = {"name": "bgp", "key": "tor"}
    status, out = _peers(capsys, tmp_path, down)
    assert status == 1
    assert out.splitlines()[-1] == "! No session, and here is why."


def test_of_several_managers_the_session_that_is_down_counts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, out = _peers(capsys, tmp_path, _recorded("Idle", established="True"))
    assert status == 1
    assert "BgpPeer tor-1 has no session (state Idle, as last recorded): connection refused." in out


def test_a_peer_that_its_owner_disabled_is_no_session_that_is_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    off = _recorded("Idle", established="False", message="No.")
    off["spec"]["disabled"] = True
    assert _peers(capsys, tmp_path, off)[0] == 0


def test_without_a_conf_routes_says_what_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    there = write(tmp_path / "objects.yaml", *[one for one in small() if one["kind"] != "BgpConf"])
    status, out, _ = run(capsys, "routes", "--offline", "-f", there)
    assert status == 0
    assert "speakers keep what they were told" in " ".join(out.split())
    whole = write(tmp_path / "objects.yaml", *small())
    assert "speakers keep" not in run(capsys, "routes", "--offline", "-f", whole)[1]
