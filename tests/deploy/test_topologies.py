"""The topologies for containerlab and kind: nothing is wrong with them, and mistakes are named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from e2e.topologies import bed, checking, files, nodes, wiring
from lab.network.topology import CLIENT, CLIENT_GATEWAY, Topology
from lab.options import Options
from pointsman.api import crd, parse
from tests.docs.pages import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "e2e/topologies").glob(f"*/{files.CLAB}"))
KINDS = {kind.name: kind for kind in crd.KINDS}
NAMES = {"one-tor", "two-racks", "layer2", "dual-stack", "calico"}


def test_the_five_that_the_documentation_names_are_there() -> None:
    assert {folder.name for folder in FOLDERS} == NAMES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_is_wrong_with_it(folder: Path) -> None:
    assert checking.complaints(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        pytest.param(
            files.CLAB, '"lan:eth2"]', '"lan:eth1"]', "lan:eth1 is used by 2 links", id="port"
        ),
        pytest.param(
            files.CLAB, '"client:eth1"', '"cleint:eth1"', "cleint, which is no node", id="node"
        ),
        pytest.param(files.CLAB, ', "client:eth1"]', "]", "at least 2 items", id="one end"),
        pytest.param(files.CLAB, '"client:eth1"', '"client:eth0"', "endpoints", id="management"),
        pytest.param(
            files.CLAB,
            "pointsman-worker3:\n",
            "pointsman-worker4:\n",
            "worker4 is only in the",
            id="name",
        ),
        pytest.param(files.CLAB, "192.0.2.13/24", "192.0.3.13/24", "one segment has", id="segment"),
        pytest.param(
            files.CLAB, "192.0.2.13/24", "192.0.2.12/24", "192.0.2.12 is given 2", id="twice"
        ),
        pytest.param(
            files.CLAB,
            "203.0.113.10/24 dev eth1",
            "192.0.2.9/24 dev eth1",
            "two segments",
            id="elsewhere",
        ),
        pytest.param(
            files.CLAB,
            "203.0.113.0/24 via 192.0.2.1 ",
            "203.0.113.0/24 via 192.0.2.7 ",
            "over 192.0.2.7, which nobody has",
            id="hop",
        ),
        pytest.param(
            files.CLAB,
            "via 192.0.2.1 dev",
            "via 203.0.113.10 dev",
            "on no segment of its own",
            id="way",
        ),
        pytest.param(
            files.CLAB, "dev eth2\n", "dev eth3\n", "to eth3, which has no cable", id="interface"
        ),
        pytest.param(
            files.CLAB, "set eth5 master", "set eth6 master", "eth6 has a cable or a", id="switch"
        ),
        pytest.param(
            files.CLAB, "image: pointsman-bed", "image: frr", "not pointsman-bed", id="image"
        ),
        pytest.param(
            files.CLAB,
            "    client:\n",
            "    client:\n      image: x\n",
            "client names an",
            id="images",
        ),
        pytest.param(files.CLAB, "kind: ext-container", "kind: bridge", "ext-container", id="kind"),
        pytest.param(files.CLAB, "kinds:", "kind:", "kind", id="field"),
        pytest.param(
            files.CLAB, "startup-config: kind.yaml", "startup-config: k.yaml", "start", id="file"
        ),
        pytest.param(
            files.CLAB, "router/frr.conf:", "router/bgpd.conf:", "bound, and not there", id="bind"
        ),
        pytest.param(files.KIND, "  - role: worker\n", "", "is only in the topology", id="workers"),
        pytest.param(files.KIND, "name: pointsman", "name: other", "cluster other", id="cluster"),
        pytest.param(files.KIND, "v1alpha4", "v1alpha3", "v1alpha4", id="version"),
        pytest.param(files.KIND, "pointsman.dev/manager", "x", "for the manager", id="manager"),
        pytest.param(
            files.KIND,
            "nodes:",
            "networking: {podSubnet: 192.0.0.0/16}\nnodes:",
            "overlaps",
            id="pods",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    folder = shutil.copytree(ROOT / "e2e/topologies/one-tor", tmp_path / "one-tor")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    found = checking.complaints(folder)
    assert any(complaint in one for one in found), found


def test_a_file_that_nobody_reads_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "e2e/topologies/one-tor", tmp_path / "one-tor")
    (folder / "router" / "old.conf").write_text("")
    assert checking.complaints(folder) == ["one-tor: router/old.conf is there, and nobody reads it"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_machines_have_the_labs_addresses(folder: Path) -> None:
    """So the labs' assertions hold there: what they know of addresses is the lab's topology."""
    clab = files.read_clab(folder)
    racks = 2 if "tor1" in clab.topology.nodes else 1
    shape = nodes.topology(Options(nodes=4 if racks == 2 else 3, racks=racks), Path("/nowhere"))
    given: dict[str, set[str]] = {}
    for one in wiring.addresses(clab):
        given.setdefault(one.node, set()).add(str(one.address))
    both = folder.name in ("dual-stack", "two-racks")
    wanted = [(node.name, node.addresses) for node in shape.nodes]
    wanted += [("pointsman-control-plane", shape.managers[0].addresses), ("client", CLIENT)]
    wanted += [("router", CLIENT_GATEWAY)]
    wanted += [(rack.tor, rack.lan.router) for rack in shape.racks]
    wanted += [(rack.tor, rack.tor_end) for rack in shape.racks]
    wanted += [("router", rack.spine_end) for rack in shape.racks]
    for name, pair in wanted:
        for address in pair[: 2 if both else 1]:
            assert str(address) in given[name], name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_network_that_it_applies_is_valid_and_names_its_routers(folder: Path) -> None:
    documents = list(yaml.safe_load_all((folder / "network.yaml").read_text()))
    assert documents
    clab = files.read_clab(folder)
    routers = {str(one.address.ip): one.node for one in wiring.addresses(clab)}
    for document in documents:
        spec, fault = parse(KINDS[document["kind"]].spec, document["spec"])
        assert spec is not None, fault
        assert not document["spec"].keys() - spec.model_dump(by_alias=True).keys()
        if document["kind"] == "BgpPeer":
            machine = routers[document["spec"]["address"]]
            config = next((folder / machine).glob("*.conf")).read_text()
            assert re.search(rf"\b(router bgp|as) {document['spec']['as']}\b", config)
            assert "192.0.2.10" in config  # the manager's node


def test_the_beds_topology_is_the_labs_with_kinds_names() -> None:
    shape = nodes.topology(Options(), Path("/nowhere"))
    plain = Topology()
    assert [node.name for node in shape.nodes] == [
        *("pointsman-worker", "pointsman-worker2", "pointsman-worker3")
    ]
    assert [node.addresses for node in shape.nodes] == [node.addresses for node in plain.nodes]
    assert [node.pods for node in shape.nodes] == [(node.addresses,) for node in plain.nodes]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(Options(managers=2), id="two managers"),
        pytest.param(Options(racks=2, nodes=4), id="racks, and it has none"),
        pytest.param(Options(manager_args=("--heartbeat=off",)), id="flags of a manager"),
    ],
)
def test_what_the_deployed_one_lacks_is_skipped_by_name(options: Options) -> None:
    folder = ROOT / "e2e/topologies/one-tor"
    with pytest.raises(pytest.skip.Exception, match="containerlab and kind has no such options"):
        bed.standing(folder, options).__enter__()


def test_what_a_failed_run_broke_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By programs that only write down what is asked of them."""
    asked = tmp_path / "asked"
    for name in ("kind", "docker"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {asked}\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def broken() -> None:
        with bed.standing(ROOT / "e2e/topologies/one-tor", Options()) as up:
            up.fail("pointsman-worker2")
            up.fail("link:pointsman-worker3")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    lines = asked.read_text().splitlines()
    cables = [line.partition("ip link set ")[2] for line in lines if "ip link set" in line]
    assert "docker unpause pointsman-worker2" in lines
    assert sorted(cables) == ["eth4 down", "eth4 up", "eth5 down", "eth5 up"]
