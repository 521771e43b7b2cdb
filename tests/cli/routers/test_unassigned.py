"""What a router is told to drop that nodes send back: nothing where nodes end it themselves."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import conf, eip, endpoints, node, obj, peer, run, service, write

POOL = "203.0.113.0/24", "2001:db8:113::/64"
LENGTHS = {"aggregationLength": 24, "aggregationLengthV6": 64}
BOTH: dict[str, Any] = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}


def printed(capsys, tmp_path: Path, kind: str, *able: str, **more: object) -> list[str]:
    agents = [
        obj(
            "Announcer",
            name,
            status={
                "interfaces": [{"name": "eth0", "up": True, "addresses": [f"{at}/24"]}],
                "netAdmin": name in able,
            },
        )
        for name, at in (("node1", "192.0.2.11"), ("node2", "192.0.2.12"))
    ]
    names = ("a", "b", "c")
    path = write(
        tmp_path / "all.yaml",
        *(conf(), peer(), eip("public", *POOL, default=True, bgp=more.get("bgp", LENGTHS))),
        *(service(name, **BOTH) for name in names),
        *(endpoints(name, "node1") for name in names),
        *(node(f"node{n}", f"192.0.2.1{n}") for n in (1, 2)),
        *agents,
    )
    status, out, _ = run(capsys, "plan", "--offline", "-f", path, "--router-config", kind)
    assert status == 0
    mark = {"frr": "!", "bird": "#"}[kind]
    return [line.removeprefix(f"{mark}   ") for line in out.splitlines() if line.startswith(mark)]


@pytest.mark.parametrize("kind", ["frr", "bird"])
def test_what_nobody_has_is_dropped_where_it_comes_back(kind, capsys, tmp_path: Path) -> None:
    found = printed(capsys, tmp_path, kind, "node1")
    assert "  chain from_nodes {" in found
    rules = [line.strip() for line in found if "daddr" in line]
    assert rules[0] == (
        'iifname "NODES" ip daddr 203.0.113.0/24 ip daddr != { 203.0.113.0-203.0.113.2 } drop'
    )


@pytest.mark.parametrize("kind", ["frr", "bird"])
def test_nodes_that_end_it_themselves_need_no_list(kind, capsys, tmp_path: Path) -> None:
    assert not [one for one in printed(capsys, tmp_path, kind, "node1", "node2") if "drop" in one]


def test_host_routes_need_none(capsys, tmp_path: Path) -> None:
    assert not [one for one in printed(capsys, tmp_path, "frr", bgp={}) if "drop" in one]
