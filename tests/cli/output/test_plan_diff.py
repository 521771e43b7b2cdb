import argparse
import copy
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from cli.output.plan_diff import differences
from cli.output.session_diff import field
from cli.source.cluster import PlannedCluster, settled, understood
from manager.inspect import cluster
from manager.snapshot import Settings
from pointsman.api import BgpPeerSpec
from pointsman.api.bgppeer import Timers
from pointsman.model.route import Neighbor
from tests.cli.running import conf, eip, endpoints, node, obj, peer, service, small


def planned(objects: list[dict]) -> PlannedCluster:
    return settled(cluster.read((("f", raw) for raw in objects), Settings()))


def after(edit: Callable[[list[dict]], Any]) -> Any:
    objects = copy.deepcopy(small())
    edit(objects)
    return differences(planned(small()), planned(objects))


def one(objects: list[dict], kind: str) -> dict:
    return next(raw for raw in objects if raw["kind"] == kind)


NONE: dict[str, Any] = {}


def test_nothing_changed_says_nothing() -> None:
    assert after(lambda _: None) == {
        "services": NONE, "eips": NONE, "announcers": NONE, "unreachable": NONE, "peers": NONE,
        "speaker": None,
    }  # fmt: skip


def test_a_new_service_gains_an_address_and_its_paths() -> None:
    change = after(lambda objects: objects.extend([service("zoo"), endpoints("zoo", "node2")]))
    assert list(change["services"]) == ["default/zoo"]
    zoo = change["services"]["default/zoo"]
    assert len(zoo["gained"]) == 1
    assert zoo["lost"] == []
    tor = change["peers"]["tor-1"]
    assert [path["nextHop"] for path in tor["added"]] == ["192.0.2.11", "192.0.2.12"]
    assert (tor["removed"], tor["changed"], tor["session"]) == ([], [], None)
    assert change["eips"]["public"]["after"]["available"]["ipv4"] == "2"


def test_a_service_that_stops_being_ours_loses_its_address() -> None:
    change = after(lambda objects: one(objects, "Service")["spec"].update(type="ClusterIP"))
    web = change["services"]["default/web"]
    assert (web["lost"], web["addresses"], web["allocated"]) == (["198.51.100.0"], [], None)
    assert len(change["peers"]["tor-1"]["removed"]) == 2


def test_an_address_that_moves_is_lost_and_gained() -> None:
    note = {"pointsman.dev/addresses": "198.51.100.3"}
    change = after(lambda objects: one(objects, "Service")["metadata"]["annotations"].update(note))
    web = change["services"]["default/web"]
    assert (web["lost"], web["gained"]) == (["198.51.100.0"], ["198.51.100.3"])


def test_a_node_more_is_a_path_and_an_announcer_more() -> None:
    change = after(lambda objects: objects.append(node("node3", "192.0.2.13")))
    assert [path["node"] for path in change["peers"]["tor-1"]["added"]] == ["node3"]
    assert change["announcers"] == {"node3": {"added": [], "removed": []}}
    assert change["unreachable"] == {"node3": {"added": [], "removed": []}}


@pytest.mark.parametrize(
    ("edit", "session"),
    [
        pytest.param({"port": 1179}, ("reset", ["port"]), id="another port: reset"),
        pytest.param({"addPath": {"enabled": False}}, ("reset", ["addPath"]), id="ADD-PATH"),
        pytest.param({"as": 64499, "port": 1}, ("reset", ["as", "port"]), id="every field named"),
        pytest.param({"timers": {"holdSeconds": 30}}, ("updated", []), id="timers: no reset"),
        pytest.param({"disabled": True}, ("closed", []), id="disabled: closed"),
    ],
)
def test_what_becomes_of_a_session(edit: dict, session: tuple[str, list[str]]) -> None:
    change = after(lambda objects: one(objects, "BgpPeer")["spec"].update(edit))
    assert change["peers"]["tor-1"]["session"] == {"change": session[0], "because": session[1]}


@pytest.mark.parametrize(
    ("edit", "session"),
    [
        pytest.param({"port": 1179}, ("reset", ["port"]), id="something else: seen all the same"),
        pytest.param(
            {"passwordSecretRef": {"name": "bgp", "key": "two"}},
            ("reset", ["passwordSecretRef"]),
            id="another key",
        ),
        pytest.param(
            {"passwordSecretRef": None}, ("reset", ["passwordSecretRef"]), id="none any more"
        ),
        pytest.param({"timers": {"holdSeconds": 30}}, ("updated", []), id="timers: no reset"),
        pytest.param({"disabled": True}, ("closed", []), id="closed"),
        pytest.param({"nextHops": {"maxPaths": 1}}, None, id="nothing about the session"),
    ],
)
def test_a_session_with_a_password_that_plan_does_not_read(
    edit: dict, session: tuple[str, list[str]] | None
) -> None:
    then = copy.deepcopy(small())
    one(then, "BgpPeer")["spec"]["passwordSecretRef"] = {"name": "bgp", "key": "one"}
    now = copy.deepcopy(then)
    one(now, "BgpPeer")["spec"].update(edit)
    found = differences(planned(then), planned(now))["peers"].get("tor-1", {}).get("session")
    assert found == (session and {"change": session[0], "because": session[1]})


@pytest.mark.parametrize(
    ("speakers", "wish", "session"),
    [
        pytest.param(["a"], "Never", "reset", id="one manager: Auto offers it"),
        pytest.param(["a"], "Always", None, id="one manager: so Always changes nothing"),
        pytest.param(["a", "b"], "Never", None, id="two: Auto offers none"),
        pytest.param(["a", "b"], "Always", "reset", id="two: Always does"),
        pytest.param(["a", "a/1"], "Never", "reset", id="one with two speakers"),
        pytest.param([], "Never", "reset", id="nobody has written: one"),
    ],
)
def test_graceful_restart_depends_on_how_many_managers_have_written(
    speakers: list[str], wish: str, session: str | None
) -> None:
    given = argparse.Namespace(
        require_class=False, speakers=1, drain_taints=None, honour_annotations=""
    )
    then = copy.deepcopy(small())
    entries = [{"name": name, "state": "Established"} for name in speakers]
    one(then, "BgpPeer")["status"] = {"speakers": entries}
    now = copy.deepcopy(then)
    one(now, "BgpPeer")["spec"]["gracefulRestart"] = {"enabled": wish}
    before, after = (
        settled(understood(given, (("f", raw) for raw in objects))) for objects in (then, now)
    )
    found = differences(before, after)["peers"].get("tor-1", {}).get("session")
    assert (found and found["change"]) == session


def test_fields_are_called_what_users_write() -> None:
    written = {field(one.name) for one in fields(Neighbor)}
    spec = {one.alias or name for name, one in BgpPeerSpec.model_fields.items()}
    timers = {f"timers.{one.alias or name}" for name, one in Timers.model_fields.items()}
    assert written <= spec | timers


def test_a_new_peer_is_opened_and_told_everything() -> None:
    change = after(lambda objects: objects.append(peer("tor-2", "192.0.2.2")))
    assert list(change["peers"]) == ["tor-2"]
    assert change["peers"]["tor-2"]["session"] == {"change": "opened", "because": []}
    assert len(change["peers"]["tor-2"]["added"]) == 2


def test_another_as_of_ours_restarts_the_speaker_and_every_session() -> None:
    change = after(lambda objects: one(objects, "BgpConf")["spec"].update(conf(64502)["spec"]))
    assert change["speaker"]["before"]["as"] == 64501
    assert change["speaker"]["after"]["as"] == 64502
    assert change["peers"]["tor-1"]["session"] == {"change": "reset", "because": ["speaker"]}


def test_a_confederation_is_another_speaker() -> None:
    wish = {"confederation": {"identifier": 64500, "members": [64505]}}
    change = after(lambda objects: one(objects, "BgpConf")["spec"].update(wish))
    assert "confederation" not in change["speaker"]["before"]
    shown = change["speaker"]["after"]["confederation"]
    assert (shown["identifier"], list(shown["members"])) == (64500, [64505])
    assert change["peers"]["tor-1"]["session"] == {"change": "reset", "because": ["speaker"]}


def test_an_eip_that_comes_or_goes() -> None:
    change = after(lambda objects: objects.append(eip("more", "203.0.113.0/30", default=False)))
    assert change["eips"]["more"]["before"] is None
    assert change["eips"]["more"]["after"]["capacity"] == {"ipv4": "4", "ipv6": "0"}
    assert change["services"] == NONE


def test_a_foreign_kind_changes_nothing() -> None:
    assert not any(after(lambda o: o.append(obj("Deployment", "x", "apps/v1"))).values())


def test_a_session_that_moves_to_another_speaker_is_reset() -> None:
    def seen(spec: dict, after: PlannedCluster | None = None) -> PlannedCluster:
        objects = copy.deepcopy(small())
        one(objects, "BgpPeer")["spec"].update(spec)
        reading = cluster.read((("f", raw) for raw in objects), Settings(speakers=3))
        return settled(reading, after=after)

    alone = {"addPath": {"enabled": False}}
    two = {"parallelSessions": {"sourceAddresses": ["192.0.2.101", "192.0.2.102"]}}
    second = {"parallelSessions": {"sourceAddresses": ["192.0.2.102"]}}
    for before, wish, session in (
        ({}, alone, {"change": "reset", "because": ["speaker"]}),
        ({}, two, {"change": "reset", "because": ["speaker"]}),
        (two, second, {"change": "closed", "because": []}),
        (second, two, {"change": "opened", "because": []}),
        (two, two, None),
    ):
        old = seen(before)
        peers = differences(old, seen(wish, old))["peers"]
        assert peers.get("tor-1", {}).get("session") == session, (before, wish)
