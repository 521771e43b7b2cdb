"""The Docker bed as values: the lab's machines and programs, and what it says that it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from e2e import labs
from e2e.bed import Misuse
from e2e.containers.machines import LAN, lacking, machines, segments
from e2e.containers.programs import programs, router_files, shells
from lab.network.topology import Interface, RouterKind, Topology
from lab.options import ApiKind, Options
from lab.supervision.programs import Programs

SHAPES = [
    pytest.param(Options(), id="the usual one"),
    pytest.param(Options(routers=2, pods=4, nodes=2), id="a BIRD beside FRR"),
    pytest.param(Options(router=RouterKind.BIRD, central=True, kernel=True), id="BIRD alone"),
]


def names_in_the_lab(options: Options) -> set[str]:
    made = Programs(options)
    return {p.name for group in (made.api(), made.network(), made.product()) for p in group}


@pytest.mark.parametrize("options", SHAPES)
def test_it_has_the_labs_machines_but_the_switch(options: Options) -> None:
    topology = options.topology()
    assert {m.name for m in machines(topology)} == set(topology.machines()) - {"switch"}


@pytest.mark.parametrize("options", SHAPES)
def test_it_runs_the_labs_programs_under_their_names(options: Options) -> None:
    topology = options.topology()
    here = {program.name for program in programs(options, topology)}
    proxies = {f"proxy:{node.name}" for node in topology.nodes}
    assert here - {"probe"} - proxies == names_in_the_lab(options)
    assert proxies < here
    known = {machine.name for machine in machines(topology)}
    assert all(program.machine in known for program in programs(options, topology))


@pytest.mark.parametrize("options", SHAPES)
def test_ports_are_inside_their_segments_and_nobody_has_the_bridges_address(
    options: Options,
) -> None:
    topology = options.topology()
    networks = {segment.name: segment for segment in segments(topology)}
    seen = set()
    for machine in machines(topology):
        for port in machine.ports:
            segment = networks[port.segment]
            pair: tuple[Interface, Interface] = port.addresses
            for address, network, bridge in zip(
                pair, segment.networks, segment.bridge, strict=True
            ):
                assert address.network == network
                assert str(address.ip) != bridge
                assert address not in seen
                seen.add(address)


def test_the_first_port_of_whoever_is_on_the_lan_is_there() -> None:
    """Tests say eth0 for it, and Docker numbers in the order of connecting."""
    for machine in machines(Topology()):
        if any(port.segment == LAN for port in machine.ports):
            assert machine.ports[0].segment == LAN


def test_programs_of_the_product_have_no_capability_that_the_manifests_do_not_give() -> None:
    options = Options()
    rights = {p.name: p.capabilities for p in programs(options, options.topology())}
    assert rights["manager"] == rights["sidecar"] == ()
    assert rights["agent:node1"] == ("NET_RAW",)
    more = replace(options, central=True, kernel=True)
    rights = {p.name: p.capabilities for p in programs(more, more.topology())}
    assert rights["manager"] == ("NET_RAW",)
    assert rights["agent:node1"] == ("NET_RAW", "NET_ADMIN")


def test_each_router_finds_its_files_and_its_shell() -> None:
    topology = replace(Topology(router_count=2), runtime_root=Path("/bed"))
    files = {str(path) for path, _ in router_files(topology)}
    assert files >= {"/bed/lab/router/bgpd.conf", "/bed/lab/router2/bird.conf"}
    assert {name for name, _ in shells(topology)} == {"vtysh", "birdc2"}


def test_a_bed_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(Misuse, match="use lab, docker or a folder"):
        labs.other_bed("dokcer", Options())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(Options(), "", id="nothing"),
        pytest.param(Options(racks=2), "racks", id="racks"),
        pytest.param(Options(managers=2), "a second manager", id="managers"),
        pytest.param(Options(subnets=2), "a second subnet", id="subnets"),
        pytest.param(Options(speakers=2), "further speakers", id="speakers"),
        pytest.param(Options(without=("proxy",)), "a lab without proxy", id="without"),
        pytest.param(Options(api=ApiKind.ASSETS), "a real API server", id="a real API"),
        pytest.param(Options(kube_proxy="/k"), "a real kube-proxy", id="a real kube-proxy"),
        pytest.param(Options(parts="/p"), "routers of other versions than its image", id="parts"),
    ],
)
def test_what_it_lacks_has_a_name(options: Options, words: str) -> None:
    assert lacking(options) == words
