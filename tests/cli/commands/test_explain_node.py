"""A node explained, and who answers for addresses of layer2: on files."""

import json
from pathlib import Path

import pytest

from tests.cli.running import answer, eip, endpoints, node, obj, run, service, write

TWO = ("node1", "192.0.2.11"), ("node2", "192.0.2.12")


def announcer(name: str, address: str, *assigned: str, **status: object) -> dict:
    entry = {"interface": "eth0", "responder": "Node", "addresses": list(assigned)}
    spec = {"assignments": [entry]} if assigned else {}
    eth0 = {"name": "eth0", "mac": "02:00:00:00:00:11", "up": True, "addresses": [f"{address}/24"]}
    return obj("Announcer", name, spec=spec, status={"interfaces": [eth0], **status})


def lan(tmp_path: Path, *more: dict, **statuses: dict) -> tuple[str, ...]:
    """Two nodes on one LAN, a pool of it, and a Service; *statuses* of the nodes' Announcers."""
    path = write(
        tmp_path / "lan.yaml",
        eip("lan", "192.0.2.64/28", protocol="layer2"),
        service(),
        endpoints("web", "node1", "node2"),
        *(node(name, address) for name, address in TWO),
        *(announcer(name, at, **statuses.get(name, {})) for name, at in TWO),
        *more,
    )
    return "--offline", "-f", path


def test_a_plan_says_what_each_node_answers_for(capsys, tmp_path: Path) -> None:
    planned = answer(capsys, "plan", *lan(tmp_path))
    one = {"address": "192.0.2.64", "interface": "eth0", "mode": "Node"}
    assert sorted(planned["announcers"].values(), key=len) == [[], [one]]
    assert planned["services"]["default/web"]["announced"]["status"] == "True"


def test_a_service_says_who_answers_and_what_the_others_lack(capsys, tmp_path: Path) -> None:
    down = {"interfaces": [{"name": "eth0", "up": False, "addresses": ["192.0.2.12/24"]}]}
    files = lan(tmp_path, node2=down)
    story = answer(capsys, "explain", "service", "default/web", *files)
    assert [(one["node"], one["stands"]) for one in story["answeredBy"]] == [("node1", False)]
    lacks = {one["node"]: one["excludedBy"] for one in story["candidates"]}
    assert lacks == {"node1": "", "node2": "eth0 of node2 is down"}
    status, out, _ = run(capsys, "explain", "service", "default/web", *files)
    assert status == 0
    assert "192.0.2.64  node1  eth0       Node  False" in out
    address = answer(capsys, "explain", "address", "192.0.2.64", *files)
    assert address["answeredBy"] == story["answeredBy"]
    assert address["announced"][0]["candidates"] == story["candidates"]
    assert "eth0 of node2 is down" in run(capsys, "explain", "address", "192.0.2.64", *files)[1]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"withheld": [{"address": "192.0.2.64", "reason": "nobody is heard"}]}, "nobody is heard"),
        (
            {
                "conflicts": [
                    {
                        "address": "192.0.2.64",
                        "interface": "eth0",
                        "mac": "02:00:00:00:00:99",
                        "since": "2026-11-23T09:00:00Z",
                    }
                ]
            },
            "02:00:00:00:00:99 claims it on eth0",
        ),
        ({}, ""),
    ],
)
def test_what_stands_and_what_its_agent_says(status, why, capsys, tmp_path: Path) -> None:
    there = announcer("node1", "192.0.2.11", "192.0.2.64", **status)
    story = answer(capsys, "explain", "node", "node1", *lan(tmp_path, there))
    (one,) = story["answeredBy"]
    assert (one["address"], one["stands"], one["why"]) == ("192.0.2.64", True, why)


def test_a_node_says_why_it_carries_nothing(capsys, tmp_path: Path) -> None:
    drained = node("node2", "192.0.2.12")
    drained["metadata"]["annotations"] = {"pointsman.dev/drain": "true"}
    files = lan(tmp_path, drained, node2={"strictARP": False})
    story = answer(capsys, "explain", "node/node2", *files)
    assert story["eips"] == [
        {
            "eip": "lan",
            "carries": False,
            "why": "node2 is drained by its annotation pointsman.dev/drain",
        }
    ]
    assert story["interfaces"][0]["addresses"] == ["192.0.2.12/24"]
    assert "its kernel answers ARP" in story["wrong"][0]
    status, out, _ = run(capsys, "explain", "node", "node2", *files)
    assert status == 0
    assert "node2 is drained by its annotation" in out
    assert "! Node node2: its kernel answers ARP" in out
    assert "! Node node2: its kernel answers ARP" in run(capsys, "status", *files)[1]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        pytest.param("yes", True, id="another yes"),
        pytest.param("True", True, id="Python's"),
        pytest.param("", True, id="nothing"),
        pytest.param("\x1b[2J", True, id="unprintable"),
        pytest.param("true", False, id="a drain"),
        pytest.param("false", False, id="a plain no"),
    ],
)
def test_a_drain_that_drains_nothing_is_said(
    value: str, wrong: bool, capsys, tmp_path: Path
) -> None:
    meant = node("node2", "192.0.2.12")
    meant["metadata"]["annotations"] = {"pointsman.dev/drain": value}
    files = lan(tmp_path, meant)
    story = json.loads(run(capsys, "explain", "node", "node2", *files, "-o", "json")[1])
    assert story["eips"][0]["carries"] is (value != "true")
    shown = value.replace("\x1b", "\\x1b")
    sentence = (
        f"Node node2: annotation pointsman.dev/drain is '{shown}', by which no node drains: "
        'write "true", or take it away.'
    )
    assert story["wrong"] == [sentence] * wrong
    for words in (("explain", "node", "node2"), ("status",)):
        assert (f"! {sentence}" in run(capsys, *words, *files)[1].splitlines()) is wrong


def test_how_many_addresses_a_node_answers_for_is_in_status(capsys, tmp_path: Path) -> None:
    there = announcer("node1", "192.0.2.11", "192.0.2.64", "192.0.2.65")
    _, out, _ = run(capsys, "status", *lan(tmp_path, there), "-o", "json")
    assert '"answersFor": 2' in out


def test_a_node_that_is_not_there(capsys, tmp_path: Path) -> None:
    status, _, err = run(capsys, "explain", "node", "node9", *lan(tmp_path))
    assert status == 1
    assert "There is no Node node9." in err


def test_a_node_that_drains_says_who_still_comes(capsys, tmp_path: Path) -> None:
    one = {"address": "192.0.2.64", "source": "203.0.113.10", "last": "2026-11-23T09:00:05Z"}
    other = {**one, "address": "192.0.2.65"}
    hidden = "An XDP program on eth0 may take packets."
    files = lan(tmp_path, node1={"arriving": [other, one], "arrivingUnmeasured": hidden})
    story = answer(capsys, "explain", "node", "node1", *files)
    assert story["arriving"] == [
        {**one, "services": ["default/web"]},
        {**other, "services": []},
    ]
    _, out, _ = run(capsys, "explain", "node", "node1", *files)
    assert f"  New flows to it are not measurable: {hidden}" in out
    assert "192.0.2.64  default/web  203.0.113.10  2026-11-23T09:00:05Z" in out
    _, out, _ = run(capsys, "explain", "node", "node2", *files)
    assert "STILL COMES" not in out
