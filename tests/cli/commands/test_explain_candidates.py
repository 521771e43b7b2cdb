"""A router and an Eip explained: every candidate, and why another is refused. On files."""

from pathlib import Path

import pytest

from tests.cli.running import OFFLINE, answer, conf, eip, node, obj, peer, run, service, write
from tests.cli.running import endpoints as served


def racks(tmp_path: Path) -> tuple[str, ...]:
    """Two racks with a router each; Eips of every sort, and Services that want them."""
    near = node("near", "192.0.2.11")
    near["metadata"]["labels"] = {"rack": "a"}
    far = node("far", "203.0.113.12")
    secret = {"name": "tor", "key": "password"}
    return "--offline", "-f", write(
        tmp_path / "racks.yaml",
        conf(),
        peer("tor-a", nextHops={"nodeSelector": {"matchLabels": {"rack": "a"}}},
             passwordSecretRef=secret, families=["ipv4-unicast"]),
        peer("tor-b", "203.0.113.1", nextHops={"maxPaths": 4}),
        peer("twin", "203.0.113.1"),
        eip("all", "198.51.100.0/31", "2001:db8:100::/64"),
        eip("one", "198.51.100.4/30", default=False, bgp={"peers": ["tor-b"]}),
        eip("lan", "192.0.2.10-192.0.2.12", default=False, protocol="layer2"),
        eip("off", "198.51.100.8/30", default=False, disabled=True),
        service("web"), service("shop"), service("late"),
        service("asks", notes={"addresses": "192.0.2.11"}),
        *(served(name, "near", "far") for name in ("web", "shop", "late")),
        near, far,
    )  # fmt: skip


def test_every_node_is_a_next_hop_or_has_its_reason(tmp_path: Path, capsys) -> None:
    story = answer(capsys, "explain", "peer", "tor-a", *racks(tmp_path))
    assert [(one["node"], one["family"], one["nextHop"], one["why"])
            for one in story["candidates"]] == [
        ("far", "IPv4", None, "far does not match nextHops.nodeSelector for 192.0.2.1"),
        ("near", "IPv4", "192.0.2.11", ""),
    ]  # fmt: skip
    assert {path["node"] for path in story["paths"]} == {"near"}
    both = answer(capsys, "explain", "peer", "tor-b", *racks(tmp_path))
    assert both["mostPaths"] == 4
    assert {path["node"] for path in both["paths"]} == {"near", "far"}
    no_ipv6 = [one["why"] for one in both["candidates"] if one["family"] == "IPv6"]
    assert no_ipv6 == ["far has no IPv6 address", "near has no IPv6 address"]


def test_every_eip_says_whether_a_router_hears_it(tmp_path: Path, capsys) -> None:
    story = answer(capsys, "explain", "peer", "tor-a", *racks(tmp_path))
    assert [(one["eip"], one["family"], one["why"]) for one in story["eips"]] == [
        ("all", "IPv4", ""),
        ("all", "IPv6", "BgpPeer 'tor-a' does not have IPv6 among its families"),
        ("lan", "IPv4", "its protocol is layer2"),
        ("off", "IPv4", ""),
        ("one", "IPv4", "its bgp.peers names other BgpPeers"),
    ]
    twin = answer(capsys, "explain", "bgppeer/twin", *racks(tmp_path))
    assert twin["ready"]["reason"] == "Duplicate"
    assert (twin["candidates"], twin["sessions"], twin["paths"]) == ([], [], [])
    assert [one["why"] for one in twin["eips"] if one["eip"] == "all"] == [
        "BgpPeer 'twin' cannot be used (Duplicate)"
    ] * 2


def test_of_a_password_only_is_told_that_there_is_one(tmp_path: Path, capsys) -> None:
    (session,) = answer(capsys, "explain", "peer", "tor-a", *racks(tmp_path))["sessions"]
    assert session["passwordSecretRef"] is True
    (session,) = answer(capsys, "explain", "peer", "tor-b", *racks(tmp_path))["sessions"]
    assert session["passwordSecretRef"] is False
    assert session["families"] == ["ipv4-unicast", "ipv6-unicast"]


def test_what_managers_recorded_stands_beside_it(tmp_path: Path, capsys) -> None:
    recorded = peer("tor-1")
    recorded["metadata"]["uid"] = "1"
    recorded["status"] = {
        "conditions": [{"type": "Established", "status": "False", "reason": "SessionDown",
                        "message": "BgpPeer 'tor-1' has no session: connection refused."}],
        "speakers": [{"name": "a", "state": "Active", "lastError": "connection refused"}],
    }  # fmt: skip
    file = "--offline", "-f", write(tmp_path / "a.yaml", conf(), recorded)
    status, out, _ = run(capsys, "explain", "peer", "tor-1", *file)
    assert status == 0
    assert "  a        Active  -      -         -      connection refused" in out.splitlines()
    assert "  Established: BgpPeer 'tor-1' has no session: connection refused." in out
    story = answer(capsys, "explain", "peer", "tor-1", *file)
    assert story["recorded"]["Established"]["status"] == "False"


def test_an_eip_says_who_holds_and_whom_it_refuses(tmp_path: Path, capsys) -> None:
    story = answer(capsys, "explain", "eip", "all", *racks(tmp_path))
    assert [one["service"] for one in story["holders"]] == ["default/late", "default/shop"]
    assert story["available"]["ipv4"] == "0"
    assert {one["service"]: one["why"] for one in story["refused"]} == {
        "default/asks": "the Service asks for addresses that are not of this Eip",
        "default/web": "all 2 IPv4 addresses of Eip 'all' are in use",
    }
    assert [(one["peer"], one["family"], one["hears"]) for one in story["peers"]] == [
        ("tor-a", "IPv4", True), ("tor-a", "IPv6", False),
        ("tor-b", "IPv4", True), ("tor-b", "IPv6", True),
        ("twin", "IPv4", False), ("twin", "IPv6", False),
    ]  # fmt: skip
    lan = answer(capsys, "explain", "eip/lan", *racks(tmp_path))
    assert lan["withheld"] == [{"address": "192.0.2.11", "owner": "Node near"}]
    assert {one["service"]: one["why"] for one in lan["refused"]} == {
        "default/asks": "it is an address of the infrastructure (Node near)",
        "default/web": "it is not a default, and the Service does not name it",
    }


def test_an_eip_as_text(capsys) -> None:
    status, out, _ = run(capsys, "explain", "eip", "public", *OFFLINE)
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "Eip public: protocol bgp, default"
    assert "  default/web   198.51.100.1,2001:db8:100::" in lines
    assert "  node3 is drained by its annotation pointsman.dev/drain" in lines
    assert "  BgpPeer 'spare' cannot be used (Disabled)" in lines


def test_an_eip_that_cannot_be_read_says_so(tmp_path: Path, capsys) -> None:
    bad = eip("bad", "192.0.2.300")
    bad["metadata"]["uid"] = "1"
    leaving = eip("leaving", "192.0.2.64/30")
    leaving["metadata"] |= {"uid": "2", "deletionTimestamp": "2026-01-01T00:00:00Z",
                            "finalizers": ["pointsman.dev/in-use"]}  # fmt: skip
    file = "--offline", "-f", write(tmp_path / "a.yaml", bad, leaving, conf(), peer())
    _, out, _ = run(capsys, "explain", "eip", "bad", *file)
    assert "  ready: False (InvalidAddresses)" in out
    assert "Eip 'bad' cannot be read" in out
    _, out, _ = run(capsys, "explain", "eip", "leaving", *file)
    assert "  being deleted; held by pointsman.dev/in-use" in out


def test_without_bgpconf_no_router_hears_anything(tmp_path: Path, capsys) -> None:
    file = "--offline", "-f", write(tmp_path / "a.yaml", eip("all", "198.51.100.0/31"), peer())
    story = answer(capsys, "explain", "peer", "tor-1", *file)
    assert story["ready"]["reason"] == "NoBgpConf"
    why = "there is no usable BgpConf named 'default'"
    assert [(one["hears"], one["why"]) for one in story["eips"]] == [(False, why)]
    assert [one["why"] for one in answer(capsys, "explain", "eip", "all", *file)["peers"]] == [why]


@pytest.mark.parametrize("kind", ["peer", "bgppeers", "eip", "node"])
def test_what_is_not_there_is_1(kind: str, tmp_path: Path, capsys) -> None:
    status, out, err = run(capsys, "explain", kind, "nobody", *racks(tmp_path))
    assert (status, out) == (1, "")
    assert "There is no " in err


def test_a_kind_that_is_unknown_is_answered_with_those_that_are_known(capsys) -> None:
    status, _, err = run(capsys, "explain", "pod", "x", *OFFLINE)
    assert status == 2
    assert (
        "'pod' cannot be explained; write service NAMESPACE/NAME, address IP, node NAME, "
        "peer NAME or eip NAME." in err
    )


def test_an_announcer_without_node_is_nobodys_candidate(tmp_path: Path, capsys) -> None:
    ghost = obj("Announcer", "ghost", status={"interfaces": []})
    file = "--offline", "-f", write(tmp_path / "a.yaml", conf(), peer(), ghost)
    assert answer(capsys, "explain", "peer", "tor-1", *file)["candidates"] == []
