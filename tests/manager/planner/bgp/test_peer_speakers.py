"""Which speaker serves which router, and what each says: docs/bgp.md, routers without ADD-PATH."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import BgpPeer, Observed, Settings, Snapshot
from pointsman.model.record import ConditionValue, ResourceKey
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.scene import WEB, announcer, endpoints, nic, peer, scene

HERE = endpoints("a/web", "node1 node2 node3")
ALONE = {"addPath": {"enabled": False}}
MARKS = "node1 rack2, node2 rack2"
RACK2 = {"nextHops": {"nodeSelector": {"matchLabels": {"rack": "2"}}}}


def router(name: str, **more: Any) -> BgpPeer:
    return peer(name, f"192.0.2.{ord(name[0])}", **more)


def parallel(*last: int) -> dict[str, Any]:
    return {"parallelSessions": {"sourceAddresses": [f"192.0.2.{one}" for one in last]}}


def world(*peers: BgpPeer, speakers: int, **more: Any) -> Snapshot:
    holding, settings = (Observed(),) * speakers, Settings(speaker_name="m1")
    return scene(WEB, HERE, *peers, marks=MARKS, speakers=holding, settings=settings, **more)


def sessions(decided: Plan) -> dict[str, str]:
    """Return the sessions of each router, such as "1<101 2<102" or "0"."""
    return {
        name: " ".join(
            f"{one.speaker}" + (f"<{str(one.source).rpartition('.')[2]}" if one.source else "")
            for one in found
        )
        for name, found in decided.sessions.items()
    }


def sent(decided: Plan) -> dict[str, dict[int, list[str]]]:
    """Return, by router and speaker, the nodes it is told of the first address."""
    found: dict[str, dict[int, list[str]]] = {}
    for key, route in decided.routes.items():
        if str(key.prefix) == "198.51.100.0/32":
            for name in route.peers:
                node = decided.speakers[0].nodes[key.next_hop].removeprefix("node")
                found.setdefault(name, {}).setdefault(key.speaker, []).append(node)
    return found


def stated_of(decided: Plan, name: str, kind: str = "Ready") -> ConditionValue:
    return decided.statuses[ResourceKey("BgpPeer", name)].conditions[kind]


@pytest.mark.parametrize(
    ("speakers", "peers", "expected"),
    [
        pytest.param(3, [router("a")], {"a": "0"}, id="ADD-PATH: the first"),
        pytest.param(1, [router("a", **ALONE)], {"a": "0"}, id="there is only the first"),
        pytest.param(2, [router("a", **ALONE)], {"a": "1"}, id="one path: a further one"),
        pytest.param(
            3,
            [router("a", **ALONE), router("b", **ALONE)],
            {"a": "1", "b": "1"},
            id="routers that may be sent the same share one",
        ),
        pytest.param(
            3,
            [router("a", **ALONE), router("b", **ALONE, **RACK2)],
            {"a": "1", "b": "2"},
            id="others have one each",
        ),
        pytest.param(
            2,
            [router("a", created="2", **ALONE), router("b", created="1", **ALONE, **RACK2)],
            {"a": "0", "b": "1"},
            id="the older takes the last, the first speaker serves the other",
        ),
        pytest.param(
            2,
            [router("a", bfd={"enabled": True}, **ALONE)],
            {"a": "0"},
            id="BFD is the first speaker's",
        ),
        pytest.param(
            4,
            [router("a", **parallel(101, 102, 103)), router("b")],
            {"a": "1<101 2<102 3<103", "b": "0"},
            id="parallel sessions: a speaker each",
        ),
        pytest.param(
            4,
            [router("a", **parallel(101, 102)), router("b", **parallel(102, 103))],
            {"a": "1<101 2<102", "b": "1<102 2<103"},
            id="as many sessions and the same next hops: shared",
        ),
        pytest.param(
            5,
            [router("a", **parallel(101, 102)), router("b", **parallel(101, 102), **RACK2)],
            {"a": "1<101 2<102", "b": "3<101 4<102"},
            id="others have their own",
        ),
        pytest.param(
            3,
            [router("a", **parallel(101, 102, 103)), router("b")],
            {"a": "1<101 2<102", "b": "0"},
            id="too few: those there are",
        ),
        pytest.param(
            3,
            [router("a", **parallel(101, 102)), router("b", **parallel(101, 102, 103))],
            {"a": "1<101 2<102", "b": "1<101 2<102"},
            id="too few: with those who have them",
        ),
        pytest.param(
            1,
            [router("a", **parallel(101, 102))],
            {"a": "0<101"},
            id="none: one session with the first",
        ),
        pytest.param(
            3,
            [
                router("a", **parallel(101, 102)),
                router("b", nextHops={"maxPaths": 1}, **parallel(101, 102)),
            ],
            {"a": "1<101 2<102", "b": "0<101"},
            id="another maxPaths is another choice of nodes",
        ),
    ],
)
def test_who_has_which_sessions(
    speakers: int, peers: list[BgpPeer], expected: dict[str, str]
) -> None:
    _, decided = settle(world(*peers, speakers=speakers))
    again = plan(world(*reversed(peers), speakers=speakers))
    assert sessions(decided) == sessions(again) == expected
    for name, found in decided.sessions.items():
        for index, speaker_plan in enumerate(decided.speakers):
            at = [one for one in found if one.speaker == index]
            assert (name in speaker_plan.neighbors) == (name in speaker_plan.exports) == bool(at)
            if at:
                assert speaker_plan.neighbors[name].source_address == at[0].source


def test_each_session_names_another_node() -> None:
    decided = settle(world(router("a", **parallel(101, 102, 103)), router("b"), speakers=4))[1]
    found = sent(decided)
    assert found["b"] == {0: ["1", "2", "3"]}
    assert sorted(found["a"]) == [1, 2, 3]
    assert sorted(node for nodes in found["a"].values() for node in nodes) == ["1", "2", "3"]
    assert not any(
        key.speaker != index
        for index, speaker_plan in enumerate(decided.speakers)
        for key in speaker_plan.routes
    )


def test_a_session_that_is_one_too_many_says_nothing() -> None:
    decided = settle(world(router("a", **parallel(101, 102, 103), **RACK2), speakers=4))[1]
    assert sorted(node for nodes in sent(decided)["a"].values() for node in nodes) == ["1", "2"]


def test_max_paths_caps_what_all_sessions_say_together() -> None:
    few = {"nextHops": {"maxPaths": 2}}
    decided = settle(world(router("a", **parallel(101, 102, 103), **few), speakers=4))[1]
    assert len(sent(decided)["a"]) == 2


def test_a_node_that_goes_changes_one_session_of_three_for_most_prefixes() -> None:
    peers = [router("a", **parallel(101, 102, 103))]
    before = sent(settle(world(*peers, speakers=4))[1])["a"]
    left = scene(WEB, HERE, *peers, marks="node3 drained", speakers=(Observed(),) * 4)
    left = replace(left, settings=Settings(speaker_name="m1"))
    after = sent(settle(left)[1])["a"]
    assert sorted(node for nodes in after.values() for node in nodes) == ["1", "2"]
    assert sum(before[one] == after.get(one) for one in before) >= 1


def test_a_router_that_goes_moves_no_session_of_another() -> None:
    peers = [
        router("a", created="1", **ALONE),
        router("b", created="2", **ALONE, **RACK2),
        router("c", created="3"),
    ]
    there, before = settle(world(*peers, speakers=3))
    assert sessions(before) == {"a": "1", "b": "2", "c": "0"}
    gone = {name: one for name, one in there.bgp_peers.items() if name != "a"}
    again = settle(replace(there, bgp_peers=gone))[1]
    assert sessions(again) == {"b": "2", "c": "0"}


def test_a_source_that_is_removed_ends_its_session_only() -> None:
    there, before = settle(world(router("a", **parallel(101, 102, 103)), speakers=4))
    assert sessions(before) == {"a": "1<101 2<102 3<103"}
    fewer = {PeerName("a"): router("a", **parallel(103, 102))}
    assert sessions(settle(replace(there, bgp_peers=fewer))[1]) == {"a": "2<102 3<103"}


def test_a_bgppeer_that_cannot_be_read_keeps_its_speaker_to_itself() -> None:
    there, before = settle(world(router("a", **ALONE), speakers=2))
    assert sessions(before) == {"a": "1"}
    unreadable = replace(router("a"), spec=None, invalid="from a newer version")
    both = {PeerName("a"): unreadable, PeerName("b"): router("b", **ALONE, **RACK2)}
    found = settle(replace(there, bgp_peers=both))[1]
    assert sessions(found) == {"b": "0"}
    assert list(found.speakers[1].neighbors) == ["a"]
    assert sent(found)["a"] == sent(before)["a"]
    # A router that shared the speaker before stays there.
    two = world(router("a", **ALONE), router("c", **ALONE), speakers=2)
    shared = replace(
        settle(two)[0], bgp_peers={PeerName("a"): unreadable, PeerName("c"): router("c", **ALONE)}
    )
    assert sessions(settle(shared)[1]) == {"c": "1"}


def test_what_a_session_negotiated_moves_nobody() -> None:
    there, before = settle(world(router("a"), router("b", **RACK2), speakers=2))
    declined = SessionReport("Established", families=("ipv4-unicast", "ipv6-unicast"))
    first = replace(there.speakers[0], sessions={PeerName("b"): declined})
    found = plan(replace(there, speakers=(first, *there.speakers[1:])))
    assert sessions(found) == sessions(before) == {"a": "0", "b": "0"}
    assert stated_of(found, "b").reason == "NeedsOwnSpeaker"
    assert "set its spec.addPath.enabled to false" in stated_of(found, "b").message
    # As it asks, and a further speaker is there: it is healed.
    asked = {PeerName("a"): router("a"), PeerName("b"): router("b", **ALONE, **RACK2)}
    healed = settle(replace(there, bgp_peers=asked))[1]
    assert sessions(healed) == {"a": "0", "b": "1"}
    assert stated_of(healed, "b").reason == "Ready"


@pytest.mark.parametrize(("speakers", "reason"), [(1, "NeedsOwnSpeaker"), (2, "Ready")])
def test_one_more_speaker_heals(speakers: int, reason: str) -> None:
    decided = settle(world(router("a", **ALONE), router("b", **RACK2), speakers=speakers))[1]
    assert stated_of(decided, "a").reason == reason
    if speakers == 1:
        assert "--gobgp-socket" in stated_of(decided, "a").message


def test_too_few_speakers_are_said_with_how_many_are_missing() -> None:
    decided = settle(world(router("a", **parallel(101, 102, 103)), speakers=2))[1]
    found = stated_of(decided, "a")
    assert (found.status, found.reason) == ("True", "TooFewSpeakers")
    assert "with 1 of its 3 parallel sessions" in found.message
    assert "2 more (--gobgp-socket" in found.message


def test_of_addresses_that_agents_report_a_replica_uses_its_own() -> None:
    agents = {
        name: announcer(name, nic("eth0", f"192.0.2.{last}/24", f"192.0.2.{last + 1}/24"))
        for name, last in (("m1", 101), ("m2", 111))
    }
    both = router("a", **parallel(101, 102, 111, 112, 121))
    found = plan(world(both, speakers=9, announcers=agents))
    assert sessions(found) == {"a": "1<101 2<102 3<121"}


def turned(snapshot: Snapshot, *states: str, fresh: bool = True) -> Snapshot:
    """Return *snapshot* with the sessions of router a in these states, by further speaker."""
    reports: list[Mapping[PeerName, SessionReport]] = [
        {PeerName("a"): SessionReport(state)} if state else {} for state in states
    ]
    further = tuple(
        replace(one, sessions=report, fresh=fresh or bool(report))
        for one, report in zip(snapshot.speakers[1:], reports, strict=True)
    )
    return replace(snapshot, speakers=(snapshot.speakers[0], *further))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("Established", "Established"), ("True", "Established")),
        (("Established", "Active"), ("True", "PartlyEstablished")),
        (("Established", ""), ("True", "PartlyEstablished")),
        (("Active", "Idle"), ("False", "NotEstablished")),
    ],
)
def test_one_session_of_several_keeps_the_router(
    states: tuple[str, ...], expected: tuple[str, str]
) -> None:
    there = settle(world(router("a", **parallel(101, 102)), speakers=3))[0]
    found = plan(turned(there, *states))
    stated = stated_of(found, "a", "Established")
    assert (stated.status, stated.reason) == expected
    if "Established" in states:
        assert stated_of(found, "a", "AddPathNegotiated").reason == "ParallelSessions"
    if stated.reason == "PartlyEstablished":
        assert "1 of 2 sessions" in stated.message
        assert "192.0.2.102" in stated.message


def test_a_speaker_that_is_silent_leaves_the_condition_while_none_is_up() -> None:
    there = settle(world(router("a", **parallel(101, 102)), speakers=3))[0]
    assert (
        "Established"
        not in plan(turned(there, "Active", "", fresh=False))
        .statuses[ResourceKey("BgpPeer", "a")]
        .conditions
    )


def test_without_bgpconf_each_speaker_keeps_what_it_has() -> None:
    there, before = settle(world(router("a", **parallel(101, 102)), router("b"), speakers=3))
    found = plan(replace(there, bgp_confs={}))
    assert [one.identity for one in found.speakers] == [None] * 3
    for one, other in zip(found.speakers, before.speakers, strict=True):
        assert one.routes == other.routes
        assert one.neighbors == other.neighbors
        assert one.exports == other.exports


def test_an_address_is_not_free_while_a_further_speaker_still_says_it() -> None:
    there, _ = settle(world(router("a", **parallel(101, 102)), speakers=3))
    emptied = replace(
        there,
        services={},
        speakers=(Observed(identity=there.speakers[0].identity), *there.speakers[1:]),
    )
    assert plan(emptied).routes == {}
    fresh = replace(emptied, services={"a/new": replace(WEB, name="new")})  # type: ignore[dict-item]
    taken = plan(fresh).allocations.services
    assert [str(g.address) for one in taken.values() for g in one.grants] == ["198.51.100.1"]


def test_a_further_speaker_that_does_not_answer_keeps_no_service_waiting() -> None:
    there, _ = settle(world(router("a", **parallel(101, 102)), router("b"), speakers=3))
    (web,) = there.services.values()
    silent = replace(there.speakers[2], routes={}, fresh=False)
    unsaid = {web.key: replace(web, conditions=())}
    found = plan(replace(there, services=unsaid, speakers=(*there.speakers[:2], silent)))
    assert found.announcements[web.key].verdict.reason == "Announced"
    # One that answers and does not hold its path yet is told it first.
    empty = replace(silent, fresh=True)
    waits = plan(replace(there, services=unsaid, speakers=(*there.speakers[:2], empty)))
    assert waits.announcements[web.key].verdict.reason == "NotAnnounced"


def test_a_password_that_is_not_read_any_more_stays_with_the_sessions_that_have_it() -> None:
    ref = {"passwordSecretRef": {"name": "old", "key": "password"}}
    secret = router("a", **parallel(101, 102), **ref)
    read: dict[str, Any] = {"secrets": {("old", "password"): "s3cret"}, "secrets_read": True}
    there, before = settle(world(secret, speakers=3, **read))
    found = plan(replace(there, secrets={}, secrets_read=False))
    assert [one.neighbors for one in found.speakers] == [one.neighbors for one in before.speakers]
    assert [one.password for s in found.speakers for one in s.neighbors.values()] == ["s3cret"] * 2


def test_an_address_that_sessions_come_from_is_given_to_no_service() -> None:
    sources = {"parallelSessions": {"sourceAddresses": ["198.51.100.0", "198.51.100.1"]}}
    decided = settle(world(router("a", **sources), speakers=3))[1]
    given = [str(g.address) for one in decided.allocations.services.values() for g in one.grants]
    assert given == ["198.51.100.2"]
