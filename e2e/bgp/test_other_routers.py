"""Routers of other versions: sessions, next hops, weights and BFD, as the table in docs has them.

POINTSMAN_ROUTERS names folders for `lab up --parts`, as PATH does; `make test` runs on the
parts of the checkout, so these are no part of it.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.test_bfd import WATCH, watched
from e2e.bgp.test_weights import PODS, weighed
from e2e.cluster import CRS, MANAGER, custom
from lab.demo import NETWORK
from lab.network.topology import RouterKind
from lab.options import Options
from lab.routers import bird, other_versions
from lab.routers.roles import roles

FOLDERS = [folder for folder in os.environ.get("POINTSMAN_ROUTERS", "").split(":") if folder]
FOUND = [
    pytest.param(Path(folder), kind, id=f"{Path(folder).name}-{kind.value}")
    for folder in FOLDERS
    for kind in RouterKind
    if other_versions.find(Path(folder), kind)
]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not FOUND, reason="POINTSMAN_ROUTERS names no folder with a router of another version"
    ),
]
EQUAL = dict.fromkeys(PODS, 1)
WEIGHTS = {  # of 1, 2 and 4 endpoints; docs/routers/README.md
    "FRR 8.4": {"node1": 14, "node2": 28, "node3": 57},
    "FRR 10.3": EQUAL,
    "FRR 10.7": {"node1": 63, "node2": 127, "node3": 255},
    "BIRD 2.0": EQUAL,
    "BIRD 2.17": EQUAL,
    "BIRD 3.4": EQUAL,
}


@pytest.mark.parametrize(("folder", "kind"), FOUND)
def test_sessions_next_hops_weights_and_bfd(folder: Path, kind: RouterKind, say: Say) -> None:
    part = other_versions.find(folder, kind)
    assert part
    release = f"{other_versions.NAME[kind]} {other_versions.version(part)}"
    series = ".".join(release.split(".")[:2])
    options = Options(name=labs.fresh(), router=kind, parts=str(folder.resolve()), pods=4)
    with labs.standing(options) as lab:
        lab.kubectl("apply", "-f", "-", stdin=NETWORK)
        routers.peer(lab, "tor-6", "2001:db8:2::1", 64500)
        for name in ("tor-1", "tor-6"):
            routers.up(lab, name)
        addresses = ["198.51.100.64/28", "2001:db8:100::/120"]
        pool = {"addresses": addresses, "bgp": {"weighting": "Endpoints"}}
        lab.api.create(f"{CRS}/eips", custom("Eip", "heavy", pool))
        pods = [f"{name}:{count}" for name, count in PODS.items()]
        cluster.make(lab, "web", *pods, notes={"eip": "heavy"}, externalTrafficPolicy="Local")
        cluster.make(lab, "six", notes={"eip": "heavy"}, ipFamilies=["IPv6"])
        hops = {str(node.addresses[1].ip) for node in lab.topology.nodes}
        six = cluster.settled(lab, "six")
        lab.wait("three IPv6 next hops", lambda: lab.gateways(six) == hops)
        four = cluster.settled(lab, "web")
        try:
            weighed(lab, "router", four, WEIGHTS[series])
        finally:
            say(f"{release}: {lab.exec('router', 'ip', 'route', 'show', four)}")
        with watching(lab, kind):
            routers.change(lab, "tor-1", bfd={"enabled": True})
            watched(lab, "tor-1")


@contextlib.contextmanager
def watching(lab: Bed, kind: RouterKind) -> Iterator[None]:
    """Have the router watch the manager's IPv4 address by BFD."""
    if kind is RouterKind.FRR:
        with routers.typed(lab, f"neighbor {MANAGER} bfd"):
            yield
        return
    (role,) = roles(lab.topology)
    text = WATCH + routers.within(bird.configuration(role), "manager_v4", "bfd yes;")
    file = lab.folder("router") / "watching.conf"
    file.write_text(text)
    birdc = "birdc"
    answer = lab.exec("router", birdc, "configure", f'"{file}"')
    if "Reconfigur" not in answer:
        raise Broken(answer)
    yield
