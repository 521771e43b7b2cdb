import copy
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import answer, conf, obj, run, small, write

STAMP = {"lastTransitionTime": "2026-01-01T00:00:00Z"}


def condition(kind: str, status: str = "True", reason: str = "Fine", message: str = "Fine."):
    return {"type": kind, "status": status, "reason": reason, "message": message, **STAMP}


MANAGER = {
    "name": "m1", "address": "192.0.2.10", "port": 7470, "publicKey": "A" * 43 + "=",
}  # fmt: skip
UNHEARD = {
    "conditions": [condition("HeartbeatsHeard", "False", message="Not heard.")],
    "interfaces": [{"name": "e", "up": True}],
}


def fine() -> list[dict]:
    """A cluster in which everything was recorded and is well."""
    objects = copy.deepcopy(small())
    statuses: dict[str, Any] = {
        "Eip": {
            "conditions": [condition("Ready")], "services": 1,
            "capacity": {"ipv4": "4", "ipv6": "0"}, "allocated": {"ipv4": "1", "ipv6": "0"},
            "available": {"ipv4": "3", "ipv6": "0"},
        },
        "BgpConf": {"conditions": [condition("Ready")]},
        "BgpPeer": {
            "conditions": [condition("Ready"), condition("Established"),
                           condition("AddPathNegotiated")],
            "speakers": [
                {"name": name, "state": "Established", "advertisedPrefixes": 1,
                 "advertisedPaths": 2} for name in ("a", "b")
            ],
        },
        "Service": {
            "conditions": [condition("pointsman.dev/Allocated"),
                           condition("pointsman.dev/Announced")],
            "loadBalancer": {"ingress": [{"ip": "198.51.100.0", "ipMode": "VIP"}]},
        },
    }  # fmt: skip
    for raw in objects:
        raw["status"] = statuses.get(raw["kind"], raw.get("status", {}))
        if raw["kind"] == "Service":
            raw["metadata"]["annotations"] = {"pointsman.dev/allocated-from": "public/198.51.100.0"}
    report = {"interfaces": [{"name": "eth0", "up": True, "addresses": ["192.0.2.11/24"]}],
              "proxy": {"healthy": True}}  # fmt: skip
    return objects + [obj("Announcer", f"node{n}", status=report) for n in (1, 2)]


def words(tmp_path: Path, objects: list[dict]) -> tuple[str, ...]:
    return "status", "--offline", "-f", write(tmp_path / "a.yaml", *objects)


def test_a_cluster_that_is_well_is_0(capsys, tmp_path: Path) -> None:
    asked = words(tmp_path, fine())
    shape = answer(capsys, *asked)
    assert shape["wrong"] == []
    assert shape["peers"]["tor-1"]["speakers"][0]["advertisedPaths"] == 2
    assert shape["eips"]["public"]["available"] == {"ipv4": "3", "ipv6": "0"}
    assert shape["services"]["default/web"]["addresses"] == ["198.51.100.0"]
    assert shape["nodes"]["node1"]["interfaces"] == ["eth0"]
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert "  tor-1  192.0.2.1  64500  True         True      1/1       2/2" in out.splitlines()
    assert "  node1  True   True   eth0        healthy  -" in out.splitlines()
    assert "!" not in out


def without(*kinds: str):
    return lambda objects: [raw for raw in objects if raw["kind"] not in kinds]


def turned(kind: str, aspect: str, reason: str = "Bad"):
    """The same cluster with one condition turned False."""

    def edit(objects: list[dict]) -> list[dict]:
        for raw in objects:
            for one in raw["status"].get("conditions", []) if raw["kind"] == kind else []:
                if one["type"] == aspect:
                    one |= {"status": "False", "reason": reason, "message": f"{aspect}: no."}
        return objects

    return edit


def troubled(kind: str, *, scope: str):
    """Have the one BgpPeer say *kind*, asked to be sent nodes of *scope*."""

    def edit(objects: list[dict]) -> list[dict]:
        router = next(raw for raw in objects if raw["kind"] == "BgpPeer")
        router["spec"]["nextHops"] = {"scope": scope}
        reason = {"NextHopsMissing": "NoNextHop", "NextHopsUnverified": "NotConnected"}[kind]
        trouble = condition(kind, message=f"{kind}: look.", reason=reason)
        router["status"]["conditions"].append(trouble)
        return objects

    return edit


def updated(kind: str, **fields: Any):
    def edit(objects: list[dict]) -> list[dict]:
        next(raw for raw in objects if raw["kind"] == kind).update(fields)
        return objects

    return edit


def contested(name: str):
    def edit(objects: list[dict]) -> list[dict]:
        for one in objects:
            if one["kind"] == "BgpPeer":
                entry = {"name": name, "state": "Idle", "contested": "Two managers of one name."}
                one["status"]["speakers"] = [entry]
        return objects

    return edit


def overwritten(*addresses: str):
    """Have the Service say that 198.51.100.0 is its own, and hold *addresses*."""

    def edit(objects: list[dict]) -> list[dict]:
        web = next(raw for raw in objects if raw["kind"] == "Service")
        message = "Service default/web has 198.51.100.0 from Eip 'public'."
        conditions = [condition("pointsman.dev/Allocated", message=message)]
        conditions += [condition("pointsman.dev/Announced")]
        ingress = [{"ip": address} for address in addresses]
        web["status"] = {"conditions": conditions, "loadBalancer": {"ingress": ingress}}
        return objects

    return edit


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        pytest.param(turned("BgpPeer", "Established"), "BgpPeer tor-1: Established: no.",
                     id="a session is down"),
        pytest.param(turned("BgpPeer", "Ready"), "BgpPeer tor-1: Ready: no.", id="a bad peer"),
        pytest.param(turned("BgpPeer", "AddPathNegotiated"), "BgpPeer tor-1: AddPathNeg",
                     id="one path only"),
        pytest.param(troubled("NextHopsMissing", scope="All"), "NextHopsMissing: look.",
                     id="a router is sent no node"),
        pytest.param(troubled("NextHopsUnverified", scope="Auto"), "NextHopsUnverified: look.",
                     id="a router is sent nodes far off, and nobody asked for it"),
        pytest.param(updated("BgpPeer", spec={"as": 1}), "BgpPeer tor-1: spec.address",
                     id="a peer that cannot be read"),
        pytest.param(turned("Eip", "Ready"), "Eip public: Ready: no.", id="a pool is not Ready"),
        pytest.param(updated("Eip", status={}), "Eip public: Nothing is recorded", id="unjudged"),
        pytest.param(turned("Service", "pointsman.dev/Announced"), "Service default/web: pointsm",
                     id="a Service is withdrawn"),
        pytest.param(overwritten("203.0.113.9"),
                     "Service default/web: its status has 203.0.113.9, and Pointsman gave it "
                     "198.51.100.0: another controller", id="another's address"),
        pytest.param(overwritten(), "Service default/web: its status has no address", id="wiped"),
        pytest.param(turned("Node", "Ready"), "Node node1 is not Ready (False).", id="a node"),
        pytest.param(without("Announcer"), "Node node2 has no report of an agent", id="no agent"),
        pytest.param(without("BgpConf"), "There is no BgpConf default", id="no BgpConf"),
        pytest.param(updated("BgpConf", spec={}), "BgpConf default cannot be read: spec.as",
                     id="a wrong BgpConf"),
        pytest.param(turned("BgpConf", "Ready"), "BgpConf default: Ready: no.", id="BgpConf"),
        pytest.param(
            updated("Announcer", status={"proxy": {"healthy": False},
                                         "interfaces": [{"name": "e", "up": True}]}),
            "Node node1 has a service proxy that fails", id="a proxy fails"),
        pytest.param(
            updated("Announcer", status={"conditions": [condition("Contested", message="Two.")],
                                         "interfaces": [{"name": "e", "up": True}]}),
            "Two.", id="two agents for one node"),
        pytest.param(
            updated("Announcer", spec={"managers": [MANAGER]}, status=UNHEARD),
            "Not heard.", id="heartbeats that a manager does not acknowledge"),
        pytest.param(
            contested("m1"), "Two managers of one name.", id="two managers of one name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_1_and_said(edit, sentence, capsys, tmp_path: Path) -> None:
    status, out, _ = run(capsys, *words(tmp_path, edit(fine())))
    assert status == 1
    assert any(line.startswith(f"! {sentence}") for line in out.splitlines())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(turned("Eip", "Ready", "Disabled"), id="a pool that its owner disabled"),
        pytest.param(overwritten("198.51.100.0"), id="an address that is ours"),
        pytest.param(
            updated("BgpPeer", status={}, spec={"address": "192.0.2.1", "as": 1, "disabled": True}),
            id="a peer that its owner disabled",
        ),
        pytest.param(troubled("NextHopsUnverified", scope="All"), id="nodes far off, as asked"),
        pytest.param(without("BgpPeer", "BgpConf"), id="a cluster without BGP"),
        pytest.param(updated("Announcer", spec={}, status=UNHEARD), id="no manager is to hear"),
        pytest.param(lambda objects: [*objects, {**conf(), "metadata": {"name": "other"}}],
                     id="a BgpConf that is not used"),
    ],
)  # fmt: skip
def test_what_is_meant_so_is_not_wrong(edit, capsys, tmp_path: Path) -> None:
    assert run(capsys, *words(tmp_path, edit(fine())))[0] == 0


def test_an_empty_cluster_is_fine(capsys, tmp_path: Path) -> None:
    status, out, _ = run(capsys, *words(tmp_path, []))
    assert status == 0
    assert out.splitlines() == ["PEERS: none", "", "EIPS: none", "", "SERVICES: none", "",
                                "NODES: none"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "reason", "wrong"),
    [
        ("AddPathNegotiated", "False", "ParallelSessions", False),
        ("AddPathNegotiated", "False", "SinglePath", True),
        ("Established", "True", "PartlyEstablished", True),
        ("Ready", "True", "TooFewSpeakers", True),
    ],
)
def test_what_of_parallel_sessions_is_worth_a_look(
    capsys, tmp_path: Path, kind: str, status: str, reason: str, wrong: bool
) -> None:
    objects = fine()
    for raw in objects:
        if raw["kind"] == "BgpPeer":
            conditions = [c for c in raw["status"]["conditions"] if c["type"] != kind]
            raw["status"]["conditions"] = [*conditions, condition(kind, status, reason, "So.")]
    code, out, _ = run(capsys, *words(tmp_path, objects))
    assert (code, "BgpPeer tor-1: So." in out) == (int(wrong), wrong)
