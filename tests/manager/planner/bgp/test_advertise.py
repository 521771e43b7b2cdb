"""Paths and the verdict on them: docs/bgp.md, and the reasons of Announced."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import applied, settle
from manager.snapshot import BgpPeer, Condition, EndpointSlice, Service, ServiceKey, Snapshot
from pointsman.api import LabelSelector
from pointsman.model.address import Family
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.addresses.addressing import DUAL
from tests.manager.planner.scene import (
    PUBLIC,
    WEB,
    announcer,
    carriers,
    condition_of,
    eip,
    endpoints,
    hops,
    nic,
    peer,
    scene,
    service,
    settled,
)

V6 = Family.IPV6
HERE = endpoints("a/web", "node1")
LOCAL = replace(WEB, policy="Local")
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KEY = ServiceKey("a/web")


@pytest.mark.parametrize(
    ("web", "slices", "marks", "carry", "reason", "clause"),
    [
        pytest.param(WEB, [HERE], "", "123", "Announced", "every eligible node as", id="Cluster"),
        pytest.param(
            LOCAL, [HERE], "", "1", "Announced", "with a serving endpoint as", id="Local says so"
        ),
        pytest.param(WEB, [], "", "", "NoServingEndpoint", "no endpoint that serves", id="none"),
        pytest.param(
            LOCAL,
            [endpoints("a/web", "-")],
            "",
            "",
            "NoServingEndpoint",
            "Local and no endpoint that serves is on a known node",
            id="Local, and the endpoint is on no node",
        ),
        pytest.param(
            LOCAL,
            [HERE],
            "node1 labelled, node2 offline",
            "",
            "NoEligibleNode",
            "node1 has the label",
            id="the condition names the rule that took Local's node",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 labelled, node2 labelled, node3 dead",
            "",
            "NoEligibleNode",
            "exclude-from-external-load-balancers; node3 has the taint",
            id="for Cluster the rule of every node",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 drained, node2 drained, node3 drained",
            "123",
            "Announced",
            "Kept, because no other node is left: node1 is drained",
            id="the drain's guard is said",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 drained, node2 unknown, node3 unready",
            "1",
            "Announced",
            "Kept, because no other node is left that is well: node1 is drained",
            id="where the guards meet, both rules are said",
        ),
        pytest.param(
            WEB,
            [endpoints("a/web", "node7")],
            "",
            "",
            "NoServingEndpoint",
            "it has no endpoint that serves but on Node node7, which does not exist",
            id="an endpoint on a Node that does not exist",
        ),
        pytest.param(
            WEB,
            [replace(HERE, has_ports=False)],
            "",
            "",
            "NoServingEndpoint",
            "because its EndpointSlices have no port",
            id="a slice without ports",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 unknown, node2 unknown, node3 unknown",
            "123",
            "Announced",
            "Ignored, because too few nodes would be left: node1 is not known to be Ready",
            id="all kubelets silent: nothing is withdrawn and the condition says why",
        ),
    ],
)
def test_carriers_and_their_sentence(
    web: Service, slices: list[EndpointSlice], marks: str, carry: str, reason: str, clause: str
) -> None:
    decided = settled(scene(web, *slices, marks=marks))
    assert carriers(decided) == carry
    assert condition_of(decided).reason == reason
    assert clause in condition_of(decided).message
    by = decided.services[KEY].annotations.get("pointsman.dev/announced-by")
    assert by == ("bgp" if carry else None)


@pytest.mark.parametrize(
    ("peers", "clause"),
    [
        pytest.param({}, "there is no BgpPeer", id="no peer at all"),
        pytest.param({"bgp_peers": [peer("a", disabled=True)]}, "no BgpPeer can be used", id="off"),
        pytest.param(
            {"bgp_peers": [peer("a", families=["ipv6-unicast"])]},
            "no BgpPeer has ipv4-unicast",
            id="none of the family",
        ),
    ],
)
def test_nobody_hears_it(peers: dict[str, list[BgpPeer]], clause: str) -> None:
    some = {one.name: one for one in peers.get("bgp_peers", [])}
    decided = settled(scene(WEB, HERE, bgp_peers=some))
    assert condition_of(decided).reason == "NoPeer"
    assert clause in condition_of(decided).message
    assert not decided.speakers[0].routes


def test_every_peer_hears_the_families_it_takes_with_next_hops_of_the_same_family() -> None:
    web = service("a/web", **DUAL)
    decided = settled(
        scene(
            web,
            HERE,
            endpoints("a/web", "node2", family=V6),
            peer("both"),
            peer("six", "192.0.2.2", families=["ipv6-unicast"]),
            marks="",
        )
    )
    fours = [f"192.0.2.1{n}" for n in (1, 2, 3)]
    sixes = [f"2001:db8:2::1{n}" for n in (1, 2, 3)]
    assert hops(decided, "198.51.100.0/32") == {"both": fours}
    assert hops(decided, "2001:db8:100::/128") == {"both": sixes, "six": sixes}


def test_local_is_per_family() -> None:
    web = service("a/web", policy="Local", **DUAL)
    decided = settled(scene(web, HERE, endpoints("a/web", "node2", family=V6)))
    assert hops(decided) == {"tor-1": ["192.0.2.11", "2001:db8:2::12"]}


def test_one_family_without_endpoints_is_named_and_the_other_is_served() -> None:
    decided = settled(scene(service("a/web", **DUAL), HERE))
    assert hops(decided) == {"tor-1": ["192.0.2.11", "192.0.2.12", "192.0.2.13"]}
    assert decided.services[KEY].annotations["pointsman.dev/announced-by"] == "bgp"
    assert condition_of(decided).message.startswith(
        "2001:db8:100:: of Service a/web is withdrawn: it has no IPv6 endpoint that serves."
    )


def test_nodes_without_the_family_are_no_next_hops_and_are_named_when_none_is_left() -> None:
    some = {
        name: replace(one, internal_ips=one.internal_ips[:1]) for name, one in scene().nodes.items()
    }
    web = service("a/web", families=(V6,))
    decided = settled(scene(web, endpoints("a/web", "node1", family=V6), nodes=some))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoEligibleNode"
    assert "node1 has no IPv6 address; node2" in condition_of(decided).message


def test_peers_on_different_networks_are_told_different_next_hops() -> None:
    agents = {
        f"node{n}": announcer(
            f"node{n}", nic("eth0", f"192.0.2.1{n}/24"), nic("eth1", f"10.0.0.1{n}/24")
        )
        for n in (1, 2, 3)
    }
    decided = settled(
        scene(LOCAL, HERE, peer("left"), peer("right", "10.0.0.1"), announcers=agents)
    )
    assert hops(decided) == {"left": ["192.0.2.11"], "right": ["10.0.0.11"]}


def test_two_peers_on_one_network_share_each_path() -> None:
    decided = settled(scene(LOCAL, HERE, peer("one"), peer("two", "192.0.2.2")))
    assert [sorted(route.peers) for route in decided.speakers[0].routes.values()] == [
        ["one", "two"]
    ]


def test_the_nodeselector_of_the_eip_is_independent_of_the_policy() -> None:
    rack = eip(
        "rack",
        "198.51.100.0/28",
        default=True,
        node_selector=LabelSelector(match_labels={"rack": "2"}),
    )
    assert carriers(settled(scene(WEB, HERE, rack, marks="node2 rack2"))) == "2"
    assert carriers(settled(scene(LOCAL, HERE, rack, marks="node2 rack2"))) == ""


def test_protocol_none_is_allocated_and_left_to_others() -> None:
    decided = settled(scene(WEB, HERE, eip("x", "203.0.113.0/29", default=True, protocol="none")))
    assert not decided.speakers[0].routes
    assert (condition_of(decided).reason, condition_of(decided, kind="Allocated").status) == (
        "NotAnnounced",
        "True",
    )


def test_sharers_each_add_their_carriers() -> None:
    shared = {"share-key": "k"}
    decided = settled(
        scene(
            service("a/web", notes=shared, policy="Local", selector={"app": "x"}),
            service("a/dns", notes=shared, policy="Local", selector={"app": "x"}),
            HERE,
            endpoints("a/dns", "node2"),
        )
    )
    assert hops(decided) == {"tor-1": ["192.0.2.11", "192.0.2.12"]}


@pytest.mark.parametrize(
    ("policy", "marks", "begins"),
    [
        pytest.param("Cluster", "", "Service a/dns is not served: it has no", id="no endpoint"),
        pytest.param(
            "Local", "node3 labelled", "Service a/dns is not served, because", id="no node"
        ),
    ],
)
def test_who_cannot_use_a_shared_address_does_not_call_it_withdrawn(
    policy: str, marks: str, begins: str
) -> None:
    terms: dict[str, Any] = {"notes": {"share-key": "k"}, "policy": policy, "selector": {"a": "x"}}
    there = endpoints("a/dns", "node3" if marks else "node3:unready")
    decided = settled(
        scene(service("a/web", **terms), service("a/dns", **terms), HERE, there, marks=marks)
    )
    assert hops(decided)["tor-1"]
    assert condition_of(decided).status == "True"
    assert condition_of(decided, "a/dns").message.startswith(begins)
    assert (
        "stays advertised while a Service on it is served" in condition_of(decided, "a/dns").message
    )


# --- the record first, the network second ---


def test_no_path_is_put_before_the_address_is_recorded() -> None:
    first = plan(snapshot := scene(WEB, HERE))
    assert first.services[KEY].ingress == ("198.51.100.0",)
    assert not first.speakers[0].routes
    assert "pointsman.dev/Announced" not in first.services[KEY].conditions
    second = plan(applied(snapshot, first))
    assert carriers(second) == "123"


def test_announced_is_said_only_once_the_speaker_holds_every_path() -> None:
    snapshot = scene(WEB, HERE)
    recorded = replace(applied(snapshot, plan(snapshot)), speakers=(snapshot.speakers[0],))
    handed_over = plan(recorded)
    assert carriers(handed_over) == "123"
    assert "pointsman.dev/Announced" not in handed_over.services[KEY].conditions
    there = applied(recorded, handed_over)
    first, *_ = there.speakers[0].routes
    fewer = {key: one for key, one in there.speakers[0].routes.items() if key != first}
    partly = replace(there, speakers=(replace(there.speakers[0], routes=fewer),))
    assert "pointsman.dev/Announced" not in plan(partly).services[KEY].conditions
    assert condition_of(plan(there)).status == "True"


@pytest.mark.parametrize(
    "held",
    [
        pytest.param((), id="wiped"),
        pytest.param(("2001:db8:0100:0::0",), id="spelled otherwise"),
    ],
)
def test_a_status_edited_by_hand_withdraws_nothing(held: tuple[str, ...]) -> None:
    web = service("a/web", families=(V6,))
    snapshot, before = settle(scene(web, endpoints("a/web", "node1", family=V6)))
    edited = replace(snapshot.services[KEY], ingress=service("a/x", *held).ingress)
    found = plan(replace(snapshot, services={KEY: edited}))
    assert found.speakers[0].routes == before.speakers[0].routes
    assert found.services == before.services


def test_an_unrecorded_address_takes_over_no_path_of_a_node_that_left() -> None:
    snapshot, _ = settle(scene(WEB, HERE))
    wiped = replace(snapshot.services[KEY], ingress=())
    gone = {name: one for name, one in snapshot.nodes.items() if name != "node3"}
    assert hops(plan(replace(snapshot, services={KEY: wiped}, nodes=gone))) == {
        "tor-1": ["192.0.2.11", "192.0.2.12"]
    }


@pytest.mark.parametrize(
    "pools",
    [
        pytest.param([PUBLIC], id="from the same Eip"),
        pytest.param(
            [
                eip("four", "198.51.100.0/28", default=True),
                eip("six", "2001:db8:100::/124", default=True),
            ],
            id="from two Eips",
        ),
    ],
)
def test_a_second_family_unsays_nothing_of_the_first(pools: list[Any]) -> None:
    six = endpoints("a/web", "node1", family=V6)
    snapshot, before = settle(scene(WEB, HERE, six, *pools))
    dual = replace(
        snapshot.services[KEY], families=(Family.IPV4, V6), family_policy="PreferDualStack"
    )
    grown = plan(replace(snapshot, services={KEY: dual}))
    assert grown.services[KEY].ingress == ("198.51.100.0", "2001:db8:100::")
    assert condition_of(grown) == condition_of(before)
    after = settled(replace(snapshot, services={KEY: dual}))
    assert "198.51.100.0 and 2001:db8:100:: are advertised" in condition_of(after).message


# --- sessions and configuration that go away ---


def sessions_down(ages: dict[str, float | None]) -> dict[PeerName, SessionReport]:
    """Sessions that have been down for so many seconds; None: it is established."""
    return {
        PeerName(name): SessionReport("Established" if age is None else "Active", down_s=age)
        for name, age in ages.items()
    }


def peers_named(names: Iterable[str]) -> dict[str, BgpPeer]:
    """Peers whose condition has said for an hour that there is no session."""
    since = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = Condition("Established", "False", "x", "y", since)
    return {
        name: peer(name, f"192.0.2.{n + 1}", conditions=(condition,))
        for n, name in enumerate(names)
    }


@pytest.mark.parametrize(
    ("ages", "reason"),
    [
        pytest.param({"a": 59}, "Announced", id="59 s without a session are patience"),
        pytest.param({"a": 60}, "NoSession", id="60 s are not"),
        pytest.param({"a": 3600, "b": None}, "Announced", id="another peer has one"),
        pytest.param({"a": 3600, "b": 10}, "Announced", id="another peer lost it just now"),
        pytest.param({"a": 3600, "b": 61}, "NoSession", id="no peer has one"),
    ],
)
def test_sessions_that_are_lost(ages: dict[str, float | None], reason: str) -> None:
    """By the age that the session's report carries, whatever a condition's time says."""
    snapshot, before = settle(scene(WEB, HERE, bgp_peers=peers_named(ages)))
    seen = replace(snapshot.speakers[0], sessions=sessions_down(ages))
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == reason
    assert (
        found.speakers[0].routes == before.speakers[0].routes
    )  # a session that returns finds them
    assert ("pointsman.dev/announced-by", "bgp") in found.services[KEY].annotations.items()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"sessions_unknown": True, "silent_s": 64.9}, "Announced", id="not for 60 s"),
        pytest.param({"sessions_unknown": True, "silent_s": 65.0}, "NoSession", id="for 60 s"),
        pytest.param({"silent_s": 4.0}, "Announced", id="a moment's silence"),
        pytest.param({"refused": "no port"}, "Announced", id="refused, and never started: no peer"),
    ],
)
def test_a_speaker_that_is_gone(change: dict[str, Any], reason: str) -> None:
    snapshot, before = settle(scene(WEB, HERE))
    fresh = "silent_s" not in change
    seen = replace(snapshot.speakers[0], sessions={}, fresh=fresh, **change)
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == reason
    assert found.speakers[0].routes == before.speakers[0].routes


def test_a_speaker_that_could_not_be_started_for_an_hour_is_no_session() -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
    seen = replace(snapshot.speakers[0], sessions={}, refused="its port is taken")
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == "NoSession"


def test_nothing_known_of_a_session_is_not_its_absence() -> None:
    for seen_of in ({}, {PeerName("a"): SessionReport("Active")}):  # no report, or one without age
        snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
        seen = replace(snapshot.speakers[0], sessions=seen_of)
        assert (
            condition_of(plan(replace(snapshot, speakers=(seen,), taken_at=NOW))).reason
            == "Announced"
        )


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        pytest.param(0.0, "NoSession", id="a new leader has seen none of it"),
        pytest.param(None, "Announced", id="it is up again"),
    ],
)
def test_no_session_stays_said_until_there_is_one(age: float | None, reason: str) -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
    web = snapshot.services[KEY]
    others = tuple(one for one in web.conditions if one.type != "pointsman.dev/Announced")
    lost = Condition("pointsman.dev/Announced", "False", "NoSession", "gone", "")
    services = {**snapshot.services, KEY: replace(web, conditions=(*others, lost))}
    seen = replace(snapshot.speakers[0], sessions=sessions_down({"a": age}))
    assert (
        condition_of(plan(replace(snapshot, services=services, speakers=(seen,)))).reason == reason
    )


def test_the_plan_says_when_a_minute_will_be_over() -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a", "b"])))
    seen = replace(snapshot.speakers[0], sessions=sessions_down({"a": 20.0, "b": 45.0}))
    assert plan(replace(snapshot, speakers=(seen,), taken_at=NOW)).again_s == 15
    silent = replace(
        snapshot.speakers[0], sessions={}, fresh=False, sessions_unknown=True, silent_s=25.0
    )
    assert plan(replace(snapshot, speakers=(silent,), taken_at=NOW)).again_s == 40


def without_conf(snapshot: Snapshot, **more: Any) -> Snapshot:
    return replace(snapshot, bgp_confs={}, **more)


def test_without_bgpconf_the_speaker_keeps_what_it_has() -> None:
    snapshot, before = settle(scene(WEB, HERE))
    found = plan(without_conf(snapshot, endpoint_slices=()))
    assert (found.speakers[0].identity, found.speakers[0].routes) == (
        None,
        before.speakers[0].routes,
    )
    assert (found.speakers[0].neighbors, found.speakers[0].exports) == (
        before.speakers[0].neighbors,
        before.speakers[0].exports,
    )
    assert found.services == before.services


def test_without_bgpconf_nothing_new_is_said() -> None:
    decided = settled(without_conf(scene(WEB, HERE)))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoPeer"
    assert "no usable BgpConf named 'default'" in condition_of(decided).message


@pytest.mark.parametrize(
    ("peers", "left"),
    [
        pytest.param({}, [], id="deleted"),
        pytest.param({"tor-1": peer("tor-1", disabled=True)}, [], id="disabled"),
        pytest.param({"tor-1": peer("tor-1")}, ["tor-1"], id="untouched"),
    ],
)
def test_without_bgpconf_a_session_still_ends_by_hand(
    peers: dict[str, BgpPeer], left: list[str]
) -> None:
    snapshot, _ = settle(scene(WEB, HERE))
    assert list(plan(without_conf(snapshot, bgp_peers=peers)).speakers[0].neighbors) == left


def test_a_speaker_that_restarts_empty_is_told_anew_and_no_service_is_written() -> None:
    snapshot, before = settle(scene(WEB, HERE))
    found = plan(replace(snapshot, speakers=scene().speakers))
    assert found.speakers[0].routes == before.speakers[0].routes
    assert found.services == before.services
