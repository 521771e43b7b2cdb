"""BFD: a dead way to the manager is noticed long before the hold time is over."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, MANAGER, custom

pytestmark = pytest.mark.lab

HOLD_S = 9
WATCHED = {"bfd": {"enabled": True}}
WATCH = 'protocol bfd { interface "eth0" { interval 300 ms; multiplier 3; }; }\n'
NEVER = {"gracefulRestart": {"enabled": "Never"}}


@contextlib.contextmanager
def watching(lab: Bed) -> Iterator[None]:
    """Have FRR's bfdd and BIRD watch the manager's IPv4 address."""
    text = WATCH + routers.within(routers.plain(lab), "manager_v4", "bfd yes;")
    with routers.typed(lab, f"neighbor {MANAGER} bfd"), routers.configured(lab, text):
        yield


def watched(lab: Bed, *names: str) -> None:
    """Wait until BFD is up with those, as the speaker says, and the sessions are."""

    def look() -> bool:
        found = routers.shown(lab)
        states = {name: (found[name]["state"], found[name]["bfdState"]) for name in names}
        if set(states.values()) != {("Established", "Up")}:
            raise Broken(f"they are {states}")
        return True

    lab.wait(f"BFD with {names}", look)


def gone(lab: Bed, routes: dict[str, tuple[str, str]]) -> dict[str, float]:
    """Cut the manager's cable; return after how many seconds each (router, prefix) was gone."""
    took: dict[str, float] = {}
    lab.cut("manager")
    since = time.monotonic()
    while len(took) < len(routes):
        assert time.monotonic() - since < 60, f"only {took} of {routes} are gone"
        for name, (machine, prefix) in routes.items():
            if name not in took and not lab.gateways(prefix, machine=machine):
                took[name] = time.monotonic() - since
    return took


def changed(lab: Bed) -> None:
    """Another interval, or none: the routers miss the old one, and plan knows it."""
    slower = {"bfd": {"enabled": True, "transmitMilliseconds": 400}}
    tors = {"tor-1": ("192.0.2.1", 64500, slower), "tor-2": (SECOND, 64502, {})}
    wishes = [
        custom("BgpPeer", name, {"address": address, "as": asn, **bfd})
        for name, (address, asn, bfd) in tors.items()
    ]
    for change in routers.planned(lab, *wishes).values():
        assert change == {"change": "reset", "because": ["bfd"]}
    since = {name: routers.session(lab, name)["establishedSince"] for name in tors}
    for name, (_, _, bfd) in tors.items():
        routers.change(lab, name, bfd=bfd.get("bfd"))

    def ended() -> bool:
        return all(
            routers.session(lab, name).get("establishedSince") != before
            for name, before in since.items()
        )

    lab.wait("the end of both sessions", ended)


def test_a_cut_link_takes_the_routes_long_before_the_hold_time(lab: Bed, say: Say) -> None:
    """In one run: FRR and BIRD with BFD, and FRR without it over IPv6."""
    six = {"addresses": ["2001:db8:100::/120"], "bgp": {"peers": ["slow"]}}
    lab.api.create(f"{CRS}/eips", custom("Eip", "six", six))
    hold = {"holdSeconds": HOLD_S, "keepaliveSeconds": 3, "connectRetrySeconds": 2}
    with watching(lab):
        try:
            routers.change(lab, "tor-1", **WATCHED)
            routers.peer(lab, "tor-2", SECOND, 64502, **WATCHED)
            only = {"families": ["ipv6-unicast"], "timers": hold, **NEVER}
            routers.peer(lab, "slow", "2001:db8:2::1", 64500, **only)
            cluster.make(lab, "web", notes={"eip": "public,six"}, ipFamilyPolicy="RequireDualStack")
            four, over6 = cluster.held(lab, "web", 2)
            cluster.routed(lab, four, "123")
            cluster.routed(lab, over6, "123")
            watched(lab, "tor-1", "tor-2")
            routes = {
                "FRR": ("router", f"{four}/32"),
                "BIRD": ("router2", f"{four}/32"),
                "FRR without BFD": ("router", f"{over6}/128"),
            }
            lab.wait("BIRD's route", lambda: lab.gateways(f"{four}/32", machine="router2"))
            took = gone(lab, routes)
            message = routers.down(lab, "tor-1", "BFD is down")
            lab.mend("manager")
            began = time.monotonic()
            cluster.routed(lab, four, "123")
            back = time.monotonic() - began
            watched(lab, "tor-1", "tor-2")
            changed(lab)
        finally:
            lab.mend("manager")
            routers.change(lab, "tor-1", bfd=None)
    say(f"manager's link cut: {took}; said: {message}; back {back:.1f} s after the link")
    assert max(took["FRR"], took["BIRD"]) < HOLD_S / 2 < took["FRR without BFD"]
    assert back < 25  # gobgpd's own pause would be 30 s


def test_a_router_without_bfd_is_said(lab: Bed) -> None:
    routers.change(lab, "tor-1", **WATCHED)
    try:
        routers.peer(lab, "tor-2", SECOND, 64502, **WATCHED)  # a session begins: all are asked
        routers.reported(lab, "tor-2", "Established", "True", "BFD is down", "run it on the router")
        lab.wait("status", lambda: routers.session(lab, "tor-2").get("bfdState") == "Down")
        lab.wait("the speaker", lambda: routers.shown(lab)["tor-1"].get("bfdState") == "Down")
    finally:
        routers.change(lab, "tor-1", bfd=None)
