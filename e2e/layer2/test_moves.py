"""Moves on purpose: two never answer after the claim, and a client's datagrams don't notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from e2e.bed import Bed
from e2e.layer2 import lan

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_a_drain_moves_an_address_and_nothing_is_lost(
    bed: Bed, family: int, say: Callable[[str], None]
) -> None:
    lab = bed
    with lan.echoing(lab):
        address = lan.serve(lab, "web", family=family)
        with lan.flowing(lab, [address], rate=1000) as flows:
            owner = lan.owner(lab, address)
            lab.wait("an entry", lambda: lan.neighbor(lab, address))
            drain(lab, owner, "true")
            successor = lan.moved(lab, address, away_from=owner)
            assert lan.owner(lab, address) == successor
            # Back again it takes nothing, and what it had is not missed.
            drain(lab, owner, None)
            lab.wait("one owner", lambda: lan.owner(lab, address) == successor)
    flow = flows[address]
    say(f"IPv{family}: lost {flow.lost} of {flow.sent} datagrams over a drain")
    assert flow.lost == 0


# What a router's kernel takes of what nobody asked it for (ip-sysctl.rst).
UNASKED = ("ipv4/conf/eth0/drop_gratuitous_arp", "ipv6/conf/eth0/drop_unsolicited_na")


@contextmanager
def ignoring_announcements(lab: Bed) -> Iterator[None]:
    lan.set_kernel(lab, "router", **dict.fromkeys(UNASKED, 1))
    try:
        yield
    finally:
        lan.set_kernel(lab, "router", **dict.fromkeys(UNASKED, 0))


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_a_router_that_ignores_announcements_is_asked_and_so_it_learns(
    bed: Bed, family: int, say: Callable[[str], None]
) -> None:
    """It is silent: it uses its entry for nothing, so it never asks for itself."""
    address = lan.serve(bed, "web", family=family)
    owner = lan.owner(bed, address)
    with ignoring_announcements(bed), lan.capturing(bed, f"asked{family}") as heard:
        bed.wait("an entry", lambda: lan.neighbor(bed, address) == lan.mac_of(bed, owner))
        drain(bed, owner, "true")
        try:
            successor = lan.moved(bed, address, away_from=owner)
        finally:
            drain(bed, owner, None)
        mac = lan.mac_of(bed, successor)
        bed.wait("its answer", lambda: acknowledged(heard.lines, address, heard.own, to=mac))
    (line, *_) = acknowledged(heard.lines, address, heard.own, to=mac)
    say(f"IPv{family}: {line}")


def acknowledged(lines: list[str], address: str, own: str, *, to: str) -> list[str]:
    """Return the lines in which the router, *own*, answers *to* what was asked as *address*."""
    words = f"> {address}: ICMP6, neighbor advertisement" if ":" in address else " Reply 192.0.2.1"
    return [one for one in lines if f"{own} > {to}" in one and words in one]


def drain(lab: Bed, node: str, value: str | None) -> None:
    noted = {"metadata": {"annotations": {"pointsman.dev/drain": value}}}
    lab.api.merge(f"/api/v1/nodes/{node}", noted)


def test_with_local_only_a_node_with_an_endpoint_answers(bed: Bed) -> None:
    local = {"externalTrafficPolicy": "Local"}
    for family in lan.FAMILIES:
        address = lan.serve(bed, f"web{family}", "node2:1", family=family, **local)
        assert lan.owner(bed, address) == "node2"
        bed.endpoints(f"default/web{family}", "node3:1")
        bed.wait("node3", lambda: lan.owner(bed, address) == "node3")  # noqa: B023
