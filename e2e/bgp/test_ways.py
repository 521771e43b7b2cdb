"""Ways to a session: as another AS, opened by either side, between which addresses, over IPv6."""

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
from lab.network.topology import SECOND_ROUTER

pytestmark = pytest.mark.lab

CONF = f"{CRS}/bgpconfs/default"
MANAGER6, ROUTER6, SECOND6 = "2001:db8:2::10", "2001:db8:2::1", "2001:db8:2::2"
ANOTHER_AS = 64503
NEVER = {"gracefulRestart": {"enabled": "Never"}}  # what a session said ends with it


def heard(lab: Bed, address: str, nodes: str = "123") -> None:
    """Wait until both routers' kernels have exactly those next hops for *address*."""
    cluster.routed(lab, address, nodes)
    prefix = f"{address}/{128 if ':' in address else 32}"
    hops = cluster.hops(lab, nodes, 6 if ":" in address else 4)
    lab.wait("BIRD's route", lambda: lab.gateways(prefix, machine="router2") == hops)


def paths(lab: Bed, address: str) -> tuple[str, str]:
    """Return what FRR and BIRD say of the paths to *address*."""
    frr = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32")
    return frr, routers.birdc(lab, "show", "route", "all", f"{address}/32")


def test_another_as_of_ours_towards_a_router(lab: Bed) -> None:
    """It stands in the path instead of the BgpConf's; the other router sees no change."""
    lab.api.create(
        f"{CRS}/eips",
        custom("Eip", "long", {"addresses": ["198.51.100.32/28"], "bgp": {"asPathPrepend": 1}}),
    )
    text = routers.plain(lab).replace("as 64501", f"as {ANOTHER_AS}")
    with routers.configured(lab, text):
        routers.peer(lab, "tor-2", SECOND, 64502, localAs=ANOTHER_AS)
        routers.up(lab, "tor-2")
        cluster.make(lab, "web")
        cluster.make(lab, "far", notes={"eip": "long"})
        address, prepended = cluster.held(lab, "web")[0], cluster.held(lab, "far")[0]
        heard(lab, address)
        heard(lab, prepended)
        frr, bird = paths(lab, address)
        assert f"BGP.as_path: {ANOTHER_AS}\n" in bird
        assert "64501" not in bird
        assert "\n  64501\n" in frr
        frr, bird = paths(lab, prepended)
        assert f"BGP.as_path: {ANOTHER_AS} {ANOTHER_AS}\n" in bird
        assert "\n  64501 64501\n" in frr


def test_routers_open_the_session_to_a_port_that_needs_no_capability(lab: Bed) -> None:
    before = lab.wait("a session", partial(session, lab, MANAGER))
    plain, calling = routers.plain(lab), lab.folder(SECOND_ROUTER) / "calling.conf"
    calling.write_text(plain.replace(f"neighbor {MANAGER} as", f"neighbor {MANAGER} port 1790 as"))
    text = routers.within(plain, "manager_v4", "passive yes;")
    changes: dict[str, Any] = {"listenPort": 1790, "routerId": "198.18.7.7"}
    for field, value in changes.items():  # each of them is another speaker process
        wish = custom("BgpConf", "default", {"as": 64501, field: value})
        assert routers.planned(lab, wish)["tor-1"] == {"change": "reset", "because": ["speaker"]}
    try:
        routers.change(lab, "tor-1", passive=True)
        routers.reported(lab, "tor-1", "Ready", "False", "listenPort")
        with routers.typed(lab, f"neighbor {MANAGER} port 1790"), routers.configured(lab, text):
            lab.api.merge(CONF, {"spec": changes})
            routers.peer(lab, "tor-2", SECOND, 64502, passive=True)
            lab.wait("another session", lambda: session(lab, MANAGER) != before)
            routers.up(lab, "tor-1")
            routers.peer(lab, "marker", ROUTER6, 64500)  # not passive, and younger
            routers.up(lab, "marker")
            routers.down(lab, "tor-2")  # BIRD waits too, and we open none
            lab.api.delete(f"{routers.PEERS}/marker")
            routers.birdc(lab, "configure", f'"{calling}"')
            routers.up(lab, "tor-2")
            assert lab.process("sidecar")["capabilities"] == "none"
            assert "198.18.7.7" in routers.vtysh(lab, f"show bgp neighbors {MANAGER}")
            cluster.make(lab, "web")
            address = cluster.held(lab, "web")[0]
            heard(lab, address)
            cluster.delete(lab, "web")  # or FRR 8.4 may keep it when the speaker ends
            cluster.routed(lab, address, "")
    finally:
        lab.api.merge(CONF, {"spec": dict.fromkeys(changes)})
        routers.change(lab, "tor-1", passive=None)
        lab.wait("the old process gone", lambda: ":1790 " not in lab.exec("manager", "ss", "-Hltn"))
        lab.wait("the session", lambda: _up(lab, MANAGER))


def test_a_port_that_cannot_be_had_is_said_by_the_bgpconf(lab: Bed) -> None:
    """Below 1024 a listener needs a capability, which the speaker doesn't have."""

    def judged(status: str, *words: str) -> bool:
        (found,) = [
            one for one in lab.api.get(CONF)["status"]["conditions"] if one["type"] == "Ready"
        ]
        if found["status"] != status or not all(word in found["message"] for word in words):
            raise Broken(f"it says {found}")
        return True

    try:
        lab.api.merge(CONF, {"spec": {"listenPort": 179}})
        lab.wait("the refusal", partial(judged, "False", "port 179", "permission", "listenPort"))
    finally:
        lab.api.merge(CONF, {"spec": {"listenPort": None}})
    lab.wait("a speaker that starts", partial(judged, "True"))
    lab.wait("the session", lambda: _up(lab, MANAGER))


def test_two_peers_with_one_address_are_no_fight(lab: Bed) -> None:
    before = lab.wait("a session", partial(session, lab, MANAGER))
    routers.peer(lab, "tor-9", "192.0.2.1", 64500, localAs=ANOTHER_AS)
    routers.reported(lab, "tor-9", "Ready", "False", "tor-1", "192.0.2.1")
    cluster.judged(lab)
    assert routers.condition(lab, "tor-9", "Established") is None
    assert session(lab, MANAGER) == before


def test_a_session_from_the_address_that_is_wished(lab: Bed) -> None:
    """To a BIRD on another port that knows us by an address that isn't the first."""
    own = "192.0.2.111"
    text = routers.plain(lab).replace(f"neighbor {MANAGER} as", f"neighbor {own} as")
    text = text.replace(f"local {SECOND} as", f"local {SECOND} port 1179 as")
    lab.exec("manager", "ip", "address", "add", f"{own}/24", "dev", "eth0")
    try:
        with routers.configured(lab, text):
            routers.peer(lab, "tor-2", SECOND, 64502, port=1179, sourceAddress=own)
            routers.up(lab, "tor-2")
            sockets = lab.exec("manager", "ss", "-Hnt", "state", "established")
            (ours,) = [line.split()[2] for line in sockets.splitlines() if ":1179" in line]
            assert ours.startswith(f"{own}:")
            lab.api.delete(f"{routers.PEERS}/tor-2")
    finally:
        lab.exec("manager", "ip", "address", "del", f"{own}/24", "dev", "eth0")


def test_hold_time_off_and_the_smaller_of_two(lab: Bed) -> None:
    """FRR offers 180 s, BIRD 240 s: ours is smaller; 0 turns it off, with the keepalives."""
    text = routers.within(routers.plain(lab), "manager_v4", "hold time 0;")
    with routers.configured(lab, text):
        timers = {"holdSeconds": 0, "connectRetrySeconds": 2}
        routers.peer(lab, "tor-2", SECOND, 64502, timers=timers)

        def agreed() -> bool:
            speakers = [routers.session(lab, name) for name in ("tor-1", "tor-2")]
            found = [(one.get("holdSeconds"), one.get("keepaliveSeconds")) for one in speakers]
            if found != [(9, 3), (0, 0)]:
                raise Broken(f"they are {found}")
            return True

        lab.wait("the timers negotiated", agreed)


# --- IPv6 ---


@pytest.fixture
def over6(lab: Bed) -> Iterator[Bed]:
    """FRR and BIRD as peers over IPv6 alone, and a Service of both families."""
    lab.api.delete(f"{routers.PEERS}/tor-1")
    lab.wait("no session", lambda: not _up(lab, MANAGER))
    block = {"addresses": ["2001:db8:100::/120"]}
    lab.api.create(f"{CRS}/eips", custom("Eip", "six", block))
    cluster.make(lab, "web", notes={"eip": "public,six"}, ipFamilyPolicy="RequireDualStack")
    cluster.held(lab, "web", 2)
    try:
        yield lab
    finally:
        for name in ("six-1", "six-2"):
            if lab.api.find(f"{routers.PEERS}/{name}") is not None:
                lab.api.delete(f"{routers.PEERS}/{name}")
        lab.api.create(
            routers.PEERS, custom("BgpPeer", "tor-1", {"address": "192.0.2.1", "as": 64500})
        )
        lab.wait("the session", lambda: _up(lab, MANAGER))


def _up(lab: Bed, neighbor: str) -> bool:
    try:
        return bool(session(lab, neighbor))
    except Broken:
        return False


@pytest.mark.parametrize("way", ["plain", "password", "ttlSecurity"])
def test_both_families_over_a_session_over_ipv6(over6: Bed, way: str) -> None:
    ways: dict[str, tuple[str, str, dict[str, Any]]] = {
        "plain": ("description plain", "", {}),
        "password": (
            "password open-sesame",
            'password "open-sesame";',
            {"passwordSecretRef": {"name": "six", "key": "x"}},
        ),
        "ttlSecurity": ("ttl-security hops 1", "ttl security yes;", {"ttlSecurity": True}),
    }
    typed, option, wish = ways[way]
    text = routers.within(routers.plain(over6), "manager_v6", option)
    routers.secret(over6, "six", x="open-sesame")
    with (
        routers.typed(over6, f"neighbor {MANAGER6} {typed}"),
        routers.configured(over6, text),
    ):
        routers.peer(over6, "six-1", ROUTER6, 64500, **NEVER, **wish)
        routers.peer(over6, "six-2", SECOND6, 64502, **NEVER, **wish)
        routers.up(over6, "six-1")
        routers.up(over6, "six-2")
        for address in cluster.addresses(over6, "web"):
            heard(over6, address)
        if way != "plain":  # who lacks it is not let in
            routers.change(over6, "six-1", **dict.fromkeys(wish))
            routers.down(over6, "six-1")
            over6.api.delete(f"{routers.PEERS}/six-1")
        over6.api.delete(f"{routers.PEERS}/six-2")
