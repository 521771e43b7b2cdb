"""What nodes have in their kernels, as plan, explain and status show it: on files."""

import json
from pathlib import Path
from typing import Any

from tests.cli.running import answer, conf, eip, endpoints, node, obj, peer, run, service, write

AGENT = {"interfaces": [{"name": "eth0", "up": True, "addresses": ["192.0.2.11/24"]}]}
POOL = ("203.0.113.0/28",)


def files(tmp_path: Path, *more: dict, **spec: Any) -> tuple[str, ...]:
    """A node whose agent may change addresses and one that may not, a pool and a Service."""
    path = write(
        tmp_path / "all.yaml",
        eip("pool", *POOL, **{"protocol": "kernel", **spec}),
        service(),
        endpoints("web", "node1"),
        *(node(f"node{n}", f"192.0.2.1{n}") for n in (1, 2)),
        obj("Announcer", "node1", status={**AGENT, "netAdmin": True}),
        obj("Announcer", "node2", status={**AGENT, "netAdmin": False}),
        *more,
    )
    return "--offline", "-f", path


def test_an_address_of_a_node(capsys, tmp_path: Path) -> None:
    planned = answer(capsys, "plan", *files(tmp_path))
    one = {"address": "203.0.113.0", "interface": "dummy-pointsman", "mode": "Kernel"}
    assert planned["announcers"] == {"node1": [one], "node2": []}
    assert planned["unreachable"] == {"node1": [], "node2": []}
    story = answer(capsys, "explain", "service", "default/web", *files(tmp_path))
    assert [(o["node"], o["stands"]) for o in story["answeredBy"]] == [("node1", False)]
    lacks = {o["node"]: o["excludedBy"] for o in story["candidates"]}
    assert "lacks NET_ADMIN: apply deploy/patches/kernel.yaml" in lacks["node2"]
    out = run(capsys, "explain", "address", "203.0.113.0", *files(tmp_path))[1]
    assert "ADDRESSES OF NODES" in out
    assert "203.0.113.0  node1  dummy-pointsman  Kernel  False" in out
    assert "ON NODES" in run(capsys, "plan", *files(tmp_path))[1]


def test_a_route_to_an_aggregate(capsys, tmp_path: Path) -> None:
    bgp = {"aggregationLength": 28}
    route = {"prefix": "203.0.113.0/28", "redistribute": True}
    there = obj(
        "Announcer",
        "node1",
        spec={"unreachable": [route]},
        status={
            **AGENT,
            "netAdmin": True,
            "withheld": [{"address": "203.0.113.0", "reason": "the kernel refuses it"}],
        },
    )
    given = files(tmp_path, there, bgp=bgp)
    assert answer(capsys, "plan", *given)["unreachable"]["node1"] == [route]
    shown = {**route, "node": "node1", "stands": True, "why": "the kernel refuses it"}
    for words in (("service", "default/web"), ("address", "203.0.113.0"), ("node", "node1"),
                  ("eip", "pool")):  # fmt: skip
        assert answer(capsys, "explain", *words, *given)["unreachable"] == [shown]
    for words in (("address", "203.0.113.99"), ("node", "node2")):
        assert answer(capsys, "explain", *words, *given)["unreachable"] == []
    assert "UNREACHABLE ROUTES" in run(capsys, "explain", "node", "node1", *given)[1]
    status = json.loads(run(capsys, "status", *given, "-o", "json")[1])
    assert (status["nodes"]["node1"]["routes"], status["nodes"]["node2"]["routes"]) == (1, 0)
    assert status["nodes"]["node2"]["netAdmin"] is False


def test_status_says_that_an_aggregate_loops(capsys, tmp_path: Path) -> None:
    given = files(tmp_path, conf(), peer(), protocol="bgp", bgp={"aggregationLength": 28})
    condition = answer(capsys, "plan", *given)["conditions"]["Eip/pool"]["AggregatesUnguarded"]
    assert condition["reason"] == "UnassignedAddressesLoop"
    assert "the agent of node2 lacks NET_ADMIN" in condition["message"]
    assert condition["message"] in run(capsys, "plan", *given)[1]
    recorded = {**condition, "type": "AggregatesUnguarded"}
    warned = eip("pool", *POOL, bgp={"aggregationLength": 28})
    warned["status"] = {"conditions": [recorded]}
    more = write(tmp_path / "more.yaml", warned)
    words = ("status", *files(tmp_path), "-f", more, "-o", "json")
    assert condition["message"] in json.loads(run(capsys, *words)[1])["wrong"]
