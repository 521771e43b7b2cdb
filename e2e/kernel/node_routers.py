"""Routers on the nodes, with the configurations of docs/kernel.md; and their neighbor's side.

BIRD speaks BGP with the lab's router, FRR speaks OSPF.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from e2e.bed import Bed
from e2e.bgp import routers
from lab import parts
from lab.network.topology import Node, RouterKind
from lab.routers.frr import Frr
from lab.routers.roles import Role
from tests.docs import pages

NODE_AS = 64510
OSPF = ("ospfd", "ospf6d")
# A LAN elects its designated router when this is over; 40 s is what people have.
QUICK = """\
interface eth0
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ipv6 ospf6 hello-interval 1
 ipv6 ospf6 dead-interval 4
"""
ROUTER_SIDE = """\
interface eth0
 ip ospf area 0
 ipv6 ospf6 area 0
router ospf
 ospf router-id 192.0.2.1
router ospf6
 ospf6 router-id 192.0.2.1
"""


def recipe(language: str, node: Node) -> str:
    """Return what docs/kernel.md has for *node*; the page speaks of the first one."""
    (text,) = (
        one.text
        for one in pages.blocks("docs/kernel.md")
        if (one.language, one.title) == (language, "node")
    )
    four, six = (str(address.ip) for address in node.addresses)
    return text.replace("192.0.2.11", four).replace("2001:db8:2::11", six)


@contextlib.contextmanager
def bird(lab: Bed, node: Node) -> Iterator[Path]:
    """Run the page's BIRD on *node*, and have the lab's router speak BGP with it."""
    four, six = (str(address.ip) for address in node.addresses)
    text = f"log stderr all;\nrouter id {four};\nprotocol device {{ }}\n{recipe('bird', node)}"
    quick = "connect retry time 1; connect delay time 1; error wait time 1, 5;"
    for name in ("router4", "router6"):
        text = routers.within(text, name, quick)
    neighbors = [f"neighbor {one} remote-as {NODE_AS}" for one in (four, six)]
    families = [
        line
        for family, one in (("ipv4", four), ("ipv6", six))
        for line in (f"address-family {family} unicast", f"neighbor {one} activate", "exit")
    ]
    routers.frr(lab, *neighbors, *families)
    try:
        with routers.running(lab, node.name, text) as control:
            yield control
    finally:
        routers.frr(lab, *(f"no neighbor {one}" for one in (four, six)))


@contextlib.contextmanager
def frr(lab: Bed, nodes: Sequence[Node]) -> Iterator[None]:
    """Run the page's FRR on each of *nodes*, and have the lab's router speak OSPF with them."""
    part = parts.find("frr", program="zebra")
    routing: list[tuple[str, Frr, tuple[str, ...], str]] = [
        ("router", Frr(part, lab.folder("router")), OSPF, ROUTER_SIDE)
    ]
    for node in nodes:
        there = Frr(part, lab.folder(f"{node.name}-frr"))
        there.prepare(Role(node.name, RouterKind.FRR, NODE_AS, node.addresses))
        routing.append((node.name, there, ("zebra", *OSPF), recipe("frr", node)))
    with contextlib.ExitStack() as running:
        for machine, router, daemons, text in routing:
            for daemon in daemons:
                (router.home / f"{daemon}.conf").touch()
                running.enter_context(_daemon(lab, machine, router, daemon))
            _load(lab, router, machine, QUICK + text)
        yield


@contextlib.contextmanager
def _daemon(lab: Bed, machine: str, router: Frr, daemon: str) -> Iterator[None]:
    flags = "-s 16777216" if daemon == "zebra" else ""
    with (router.home / f"{daemon}.log").open("wb") as words:
        process = subprocess.Popen(
            lab.command(machine, router.daemon(daemon, flags)), stdout=words, stderr=words
        )
    try:
        lab.wait(f"{daemon} on {machine}", router.socket(daemon).exists)
        yield
    finally:
        # zebra takes its routes away when it is told to end; killed, it would leave them.
        process.terminate()
        process.wait()
        router.socket(daemon).unlink(missing_ok=True)


def _load(lab: Bed, router: Frr, machine: str, text: str) -> None:
    file = router.home / "typed.conf"
    file.write_text(text)
    script = router.home / "vtysh.sh"
    script.write_text(router.vtysh())
    answer = lab.exec(machine, "sh", str(script), "-f", str(file))
    assert "%" not in answer, answer
