"""`plan --router-config`: what FRR and BIRD need for the cluster of files."""

from pathlib import Path

import pytest

from tests.cli.running import CLUSTER, OFFLINE, node, obj, run, write

OFFLINE_PLAN = ("plan", *OFFLINE)


def config(capsys: pytest.CaptureFixture[str], kind: str, *more: str) -> str:
    status, out, err = run(capsys, "plan", *OFFLINE, *more, "--router-config", kind)
    assert status == 0, err
    return out


def test_frr_is_told_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = config(capsys, "frr")
    for line in (
        "router bgp 64500",
        " neighbor pointsman remote-as 64501",
        " neighbor 192.0.2.11 peer-group pointsman",
        "  neighbor pointsman prefix-list pointsman-v4 in",
        "  neighbor pointsman maximum-prefix 100",
    ):
        assert line in text.splitlines(), text
    assert "ip prefix-list pointsman-v4 seq 5 permit 198.51.100." in text
    assert "maximum-paths" in text
    assert "prefix-list nothing-v6 seq 5 deny any" in text


def test_bird_is_told_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = config(capsys, "bird")
    assert "  local 192.0.2.1 as 64500;" in text.splitlines()
    assert "{ neighbor 192.0.2.11 as 64501; }" in text
    assert "add paths rx" in text
    assert "merge paths yes limit" in text
    assert "export none" in text


def test_nodes_without_ipv4_need_ipv6_next_hops(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = {"frr": "capability extended-nexthop", "bird": "extended next hop yes; };"}
    more = write(tmp_path / "more.yaml", node("bare", "2001:db8:2::19"))
    for kind, line in words.items():
        assert line not in config(capsys, kind)
        assert config(capsys, kind, "-f", str(more)).count(line) == 1


@pytest.mark.parametrize("kind", ["frr", "bird"])
def test_what_an_eip_can_never_give_is_no_business_of_a_router(
    kind: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Such an Eip isn't Ready; what Services hold of the rest of it goes on being advertised."""
    wrong = ["203.0.113.9-203.0.113.2", "223.255.255.0-224.0.0.255"]
    odd = obj("Eip", "odd", spec={"addresses": ["203.0.113.64/28", *wrong]})
    found = config(capsys, kind, "-f", write(tmp_path / "more.yaml", odd))
    assert "203.0.113.64/28" in found
    assert "223.255.255.0/24" in found
    assert "203.0.113.2" not in found
    assert "224.0.0.0/24" not in found


def test_an_aggregate_gets_its_discard_route_and_no_other_router_hears_of_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bgp = {"aggregationLength": 28, "peers": ["tor-9"]}
    more = write(
        tmp_path / "more.yaml",
        obj("Eip", "wide", spec={"addresses": ["203.0.113.0/28"], "bgp": bgp}),
        obj("BgpPeer", "tor-9", spec={"address": "192.0.2.9", "as": 64509, "port": 1179}),
        obj(
            "Service", "agg", "v1",
            metadata={"namespace": "default", "annotations": {"pointsman.dev/eip": "wide"}},
            spec={"type": "LoadBalancer", "ports": [{"port": 80}]},
        ),
        obj(
            "EndpointSlice", "agg-1", "discovery.k8s.io/v1",
            metadata={
                "namespace": "default", "labels": {"kubernetes.io/service-name": "agg"}
            },
            addressType="IPv4",
            endpoints=[{"addresses": ["10.244.1.9"], "nodeName": "node1"}],
        ),
    )  # fmt: skip
    text = config(capsys, "frr", "-f", more)
    assert "ip route 203.0.113.0/28 blackhole 250" in text
    first, ninth = text.split("! BgpPeer tor-9")[0], text.split("! BgpPeer tor-9")[1]
    assert "203.0.113.0" not in first
    assert "203.0.113.0/28 le 32" in ninth
    as_bird = config(capsys, "bird", "-f", more)
    assert "route 203.0.113.0/28 blackhole;" in as_bird
    assert "local 192.0.2.9 port 1179 as 64509;" in as_bird


def test_files_on_top_of_a_live_cluster_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "plan", "-f", CLUSTER, "--router-config", "frr")
    assert status == 2
    assert "--offline" in err


def alone(tmp_path: Path, *objects: dict, **ours: object) -> tuple[str, ...]:
    """Return the options for a cluster of two nodes, a BgpConf with *ours* and *objects*."""
    nodes = [node("node1", "192.0.2.11"), node("node2", "192.0.2.12")]
    nodes[1]["metadata"]["labels"] = {"pointsman.dev/manager": ""}
    conf = obj("BgpConf", "default", spec={"as": 64501, "listenPort": 1790, **ours})
    file = write(tmp_path / "alone.yaml", *nodes, conf, *objects)
    return ("plan", "--offline", "-f", file, "--router-config")


def router(name: str, **spec: object) -> dict:
    return obj("BgpPeer", name, spec={"address": "192.0.2.1", "as": 64500, **spec})


def test_only_nodes_that_may_run_a_manager_are_neighbors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = alone(tmp_path, router("tor-1"))
    for kind, line in (
        ("frr", " neighbor 192.0.2.12 peer-group pointsman"),
        ("bird", "protocol bgp tor_1_1 from pointsman_tor_1 { neighbor 192.0.2.12 as 64501; }"),
    ):
        _, out, _ = run(capsys, *words, kind)
        assert line in out.splitlines()
        assert "192.0.2.11" not in out
        assert "keep those" not in out


def test_one_router_is_picked_by_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    second = router("tor-2") | {"spec": {"address": "192.0.2.2", "as": 64502}}
    words = alone(tmp_path, router("tor-1"), second)
    _, out, _ = run(capsys, *words, "frr", "--peer", "tor-2")
    assert "router bgp 64502" in out
    assert "tor-1" not in out
    status, _, err = run(capsys, *words, "frr", "--peer", "tor-3")
    assert (status, "no BgpPeer 'tor-3'" in err) == (2, True)
    status, _, err = run(capsys, *OFFLINE_PLAN, "--peer", "tor-1")
    assert (status, "--router-config" in err) == (2, True)


def test_a_router_that_opens_the_session_is_told_our_port(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = alone(tmp_path, router("tor-1", passive=True))
    _, frr, _ = run(capsys, *words, "frr")
    assert " neighbor 192.0.2.12 port 1790" in frr.splitlines()
    assert "passive" not in frr
    _, bird, _ = run(capsys, *words, "bird")
    assert "{ neighbor 192.0.2.12 port 1790 as 64501; }" in bird
    assert "passive" not in bird


@pytest.mark.parametrize(
    ("spec", "known_as", "fellow"),
    [
        pytest.param(
            {"as": 64505}, 64501, True, id="a router of another member hears the member's"
        ),
        pytest.param({"as": 64501}, 64501, False, id="a router of our own member, too"),
        pytest.param({"as": 64999}, 64500, False, id="a router outside hears the confederation's"),
        pytest.param({"as": 64999, "localAs": 64503}, 64503, False, id="localAs goes before"),
    ],
)
def test_a_router_knows_a_confederation_by_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, spec: dict, known_as: int, *, fellow: bool
) -> None:
    among = {"identifier": 64500, "members": [64505, 64501]}
    words = alone(tmp_path, router("tor-1", **spec), confederation=among)
    _, frr, _ = run(capsys, *words, "frr")
    assert f" neighbor pointsman remote-as {known_as}" in frr.splitlines()
    _, bird, _ = run(capsys, *words, "bird")
    for line in (" bgp confederation identifier 64500", " bgp confederation peers 64501"):
        assert (line in frr.splitlines()) is fellow
    assert ("  confederation 64500;\n  confederation member yes;\n" in bird) is fellow


def test_a_discard_route_is_there_before_the_first_aggregate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocks = ["198.51.100.0/25", "198.51.100.192/27", "2001:db8:100::/64", "192.0.2.0/25"]
    wide = obj("Eip", "wide", spec={"addresses": blocks, "bgp": {"aggregationLength": 26}})
    _, out, _ = run(capsys, *alone(tmp_path, router("tor-1"), wide), "frr")
    # The /27 never makes a whole /26, IPv6 has host routes only, and in the last the router lies.
    assert [line for line in out.splitlines() if "blackhole" in line] == [
        "ip route 198.51.100.0/25 blackhole 250"
    ]


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        pytest.param("203.0.113.11/24", True, id="its agent reports another network"),
        pytest.param("192.0.2.11/24", False, id="its agent reports the router's network"),
        pytest.param(None, False, id="no agent has reported: nobody knows"),
    ],
)
def test_a_router_is_told_when_next_hops_are_behind_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, reported: str | None, *, expected: bool
) -> None:
    spec = {"addresses": ["198.51.100.0/28"], "default": True}
    more = [obj("Eip", "public", spec=spec)]
    if reported is not None:
        for name, number in (("node1", ".11/"), ("node2", ".12/")):
            address = reported.replace(".11/", number)
            interface = {"name": "eth0", "up": True, "addresses": [address]}
            more.append(obj("Announcer", name, spec={}, status={"interfaces": [interface]}))
    words = alone(tmp_path, router("tor-1"), *more)
    _, frr, _ = run(capsys, *words, "frr")
    assert (" neighbor pointsman disable-connected-check" in frr.splitlines()) is expected
    _, bird, _ = run(capsys, *words, "bird")
    assert ("gateway recursive;" in bird) is expected


def test_the_width_is_what_the_router_is_sent(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = alone(tmp_path, router("tor-1", nextHops={"maxPaths": 1}))
    assert "  maximum-paths 1" in run(capsys, *words, "frr")[1].splitlines()
    words = alone(
        tmp_path, router("tor-1"), *(node(f"n{n}", f"192.0.2.{n}") for n in range(20, 22))
    )
    assert "  maximum-paths 4" in run(capsys, *words, "frr")[1].splitlines()


def test_parallel_sessions_are_a_neighbor_for_each_source(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sources = {"sourceAddresses": ["192.0.2.101", "192.0.2.102"]}
    words = alone(tmp_path, router("old", parallelSessions=sources))
    as_frr = run(capsys, *words, "frr", "--speakers", "3")[1]
    assert [line for line in as_frr.splitlines() if "peer-group pointsman" in line] == [
        " neighbor 192.0.2.101 peer-group pointsman",
        " neighbor 192.0.2.102 peer-group pointsman",
    ]
    as_bird = run(capsys, *words, "bird")[1]
    assert "{ neighbor 192.0.2.102 as 64501; }" in as_bird
    assert "192.0.2.12" not in as_bird
    assert "add paths" not in as_bird
    assert "keep those" not in as_bird
