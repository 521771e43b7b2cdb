"""`plan --router-config`: what FRR and BIRD need for the cluster of files."""

from pathlib import Path

import pytest

from tests.cli.running import CLUSTER, OFFLINE, obj, run, write


def config(capsys: pytest.CaptureFixture[str], kind: str, *more: str) -> str:
    status, out, err = run(capsys, "plan", *OFFLINE, *more, "--router-config", kind)
    assert status == 0, err
    return out


def test_frr_is_told_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = config(capsys, "frr")
    for line in (
        "router bgp 64500",
        " neighbor pointsman remote-as 64501",
        " neighbor 192.0.2.11 peer-group pointsman",
        "  neighbor pointsman prefix-list pointsman-v4 in",
        "  neighbor pointsman maximum-prefix 100",
    ):
        assert line in told.splitlines(), told
    assert "ip prefix-list pointsman-v4 seq 5 permit 198.51.100." in told
    assert "maximum-paths" in told
    assert "prefix-list nothing-v6 seq 5 deny any" in told


def test_bird_is_told_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = config(capsys, "bird")
    assert "  local 192.0.2.1 as 64500;" in told.splitlines()
    assert "{ neighbor 192.0.2.11 as 64501; }" in told
    assert "add paths rx" in told
    assert "merge paths yes limit" in told
    assert "export none" in told


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
    told = config(capsys, "frr", "-f", more)
    assert "ip route 203.0.113.0/28 blackhole 250" in told
    first, ninth = told.split("! BgpPeer tor-9")[0], told.split("! BgpPeer tor-9")[1]
    assert "203.0.113.0" not in first
    assert "203.0.113.0/28 le 32" in ninth
    as_bird = config(capsys, "bird", "-f", more)
    assert "route 203.0.113.0/28 blackhole;" in as_bird
    assert "local 192.0.2.9 port 1179 as 64509;" in as_bird


def test_files_on_top_of_a_live_cluster_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "plan", "-f", CLUSTER, "--router-config", "frr")
    assert status == 2
    assert "--offline" in err
