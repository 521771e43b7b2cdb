"""Where a router stands: behind a reflector, in a confederation, one AS on both sides."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, MANAGER, custom
from e2e.route_events import session

pytestmark = pytest.mark.lab

FIRST = "192.0.2.1"
OURS, THEIRS, MEMBER = 64501, 64500, 64505  # THEIRS: a confederation's, from outside; MEMBER: in it
CONF = f"{CRS}/bgpconfs/default"
INTERNAL: dict[str, Any] = {"as": OURS}
Neighbors = dict[str, tuple[int, tuple[str, ...]]]  # AS, and lines in each address family


def instance(asn: int, neighbors: Neighbors, *more: str) -> list[str]:
    """Return what an operator types for an FRR in *asn*, with both families to each neighbor."""
    lines = [f"router bgp {asn}", f"bgp router-id {FIRST}", *more]
    lines += ["no bgp ebgp-requires-policy", "no bgp default ipv4-unicast"]
    for address, (their_as, _) in neighbors.items():
        lines += [
            f"neighbor {address} remote-as {their_as}",
            f"neighbor {address} timers connect 1",
        ]
    for family in ("ipv4", "ipv6"):
        lines += [f"address-family {family} unicast"]
        for address, (_, more_words) in neighbors.items():
            lines += [f"neighbor {address} {line}" for line in ("activate", *more_words)]
        lines += ["exit-address-family"]
    return lines


@contextlib.contextmanager
def arranged(
    lab: Bed, lines: list[str], *, among: dict[str, Any] | None = None, **changed: Any
) -> Iterator[None]:
    """Have FRR run with *lines* instead of its usual configuration, and BgpPeer tor-1 changed.

    *among*: the confederation of the BgpConf.
    """
    routers.vtysh(lab, "configure terminal", f"no router bgp {THEIRS}", *lines)
    lab.api.merge(CONF, {"spec": {"confederation": among}})
    routers.change(lab, "tor-1", **changed)
    try:
        yield
    finally:
        routers.restarted(lab, "bgpd")  # the next one reads its file
        lab.api.merge(CONF, {"spec": {"confederation": None}})
        routers.change(lab, "tor-1", **{"as": THEIRS, "localAs": None})
        lab.wait("the usual session", partial(session, lab, MANAGER))
        routers.up(lab, "tor-1")


def bird(lab: Bed, asn: int, neighbor: str, their_as: int, *words: str) -> str:
    """Return the second router's configuration with one session, to *neighbor*."""
    channels = "".join(
        f"  {family} {{ import all; export none; add paths rx; }};\n" for family in ("ipv4", "ipv6")
    )
    return (
        routers.plain(lab).partition("protocol bgp")[0]
        + f"protocol bgp up {{\n  local {SECOND} as {asn}; neighbor {neighbor} as {their_as};\n"
        + "  connect retry time 1; connect delay time 1; error wait time 1, 5;\n"
        + "".join(f"  {word};\n" for word in words)
        + f"{channels}}}\n"
    )


def in_both(lab: Bed, address: str, nodes: str) -> None:
    """Wait until both routers' kernels have exactly those nodes as next hops of *address*."""
    cluster.routed(lab, address, nodes)
    prefix = f"{address}/{128 if ':' in address else 32}"
    wanted = cluster.hops(lab, nodes, 6 if ":" in address else 4)

    def look() -> bool:
        found = lab.gateways(prefix, machine="router2")
        if found != wanted:
            raise Broken(f"BIRD has {sorted(found)}")
        return True

    lab.wait("the second router's route", look)


def both_families(lab: Bed) -> list[str]:
    """Create Service web, local, of both families, with attributes; return its addresses."""
    attributes = {"localPref": 200, "asPathPrepend": 2, "communities": [f"{OURS}:77"]}
    block = {"addresses": ["198.51.100.32/28", "2001:db8:100:8::/124"], "bgp": attributes}
    lab.api.create(f"{CRS}/eips", custom("Eip", "both", block))
    cluster.make(
        lab,
        "web",
        notes={"eip": "both"},
        ipFamilyPolicy="RequireDualStack",
        externalTrafficPolicy="Local",
    )
    return cluster.held(lab, "web", 2)


def test_a_route_reflector_hands_on_every_next_hop(lab: Bed) -> None:
    client = ("route-reflector-client", "addpath-tx-all-paths")
    lines = instance(OURS, {MANAGER: (OURS, client[:1]), SECOND: (OURS, client)})
    with (
        routers.configured(lab, bird(lab, OURS, FIRST, OURS)),
        arranged(lab, lines, **INTERNAL),
    ):
        four, six = sorted(both_families(lab), key=len)
        for address in (four, six):
            in_both(lab, address, "123")
        heard = routers.birdc(lab, "show", "route", "all", f"{four}/32")
        # Nothing on the way takes it for a loop, and the preference crosses the reflector.
        for words in ("as_path: \n", "local_pref: 200", "originator_id: 198.1", f"({OURS},77)"):
            assert words in heard, heard
        lab.endpoints("default/web", "node2:1")
        for address in (four, six):
            in_both(lab, address, "2")
        cluster.delete(lab, "web")
        in_both(lab, four, "")


CONFEDERATION = (f"bgp confederation identifier {THEIRS}", f"bgp confederation peers {OURS}")
OF_OURS = {"identifier": THEIRS, "members": [MEMBER]}
# The router's AS, ours to it, what is set for the BgpPeer and in the BgpConf, the path seen.
PLACES: dict[str, tuple[int, int, dict[str, Any], dict[str, Any] | None, str]] = {
    "outside of it": (MEMBER, 64503, {"as": THEIRS, "localAs": 64503}, None, "64503 64503 64503"),
    "in the router's member AS": (MEMBER, MEMBER, {"as": MEMBER, "localAs": MEMBER}, None, "Local"),
    "in another member AS": (MEMBER, OURS, {"as": MEMBER}, OF_OURS, f"({OURS})"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_router_of_a_confederation(lab: Bed, place: str) -> None:
    """From outside it is the confederation's AS that we speak to."""
    asn, ours, wish, among, path = PLACES[place]
    lines = instance(asn, {MANAGER: (ours, ())}, *CONFEDERATION)
    with arranged(lab, lines, among=among, **wish):
        for address in both_families(lab):
            cluster.routed(lab, address, "123")
            family = "ipv6" if ":" in address else "ipv4"
            entry = routers.vtysh(lab, f"show bgp {family} unicast {address}")
            assert f"\n  {path}\n" in entry, entry
            assert ("localpref 200" in entry) is (asn == ours), entry  # iBGP
        lab.endpoints("default/web", "node2:1")
        for address in cluster.addresses(lab, "web"):
            cluster.routed(lab, address, "2")


def test_one_as_on_both_sides_of_us(lab: Bed) -> None:
    """Two routers of one AS, who also speak to each other."""
    lines = instance(THEIRS, {MANAGER: (OURS, ()), SECOND: (THEIRS, ())})
    text = routers.plain(lab).replace("as 64502", f"as {THEIRS}")
    text += "".join(bird(lab, THEIRS, FIRST, THEIRS).partition("protocol bgp")[1:])
    with routers.configured(lab, text), arranged(lab, lines):
        routers.peer(lab, "tor-2", SECOND, THEIRS)
        routers.up(lab, "tor-1")
        routers.up(lab, "tor-2")
        for address in both_families(lab):
            in_both(lab, address, "123")
        lab.endpoints("default/web", "node1:1", "node3:1")
        for address in cluster.addresses(lab, "web"):
            in_both(lab, address, "13")
        lab.api.delete(f"{routers.PEERS}/tor-2")


def test_our_as_on_both_sides_of_a_router(lab: Bed) -> None:
    """A second site with our AS behind it has our routes if it is told to take its own AS."""
    onward = ("addpath-tx-all-paths", "attribute-unchanged next-hop")
    lines = instance(THEIRS, {MANAGER: (OURS, ()), SECOND: (OURS, onward)})
    far = bird(lab, OURS, FIRST, THEIRS, "allow local as 3")
    with routers.configured(lab, far), arranged(lab, lines):
        for address in both_families(lab):
            in_both(lab, address, "123")
