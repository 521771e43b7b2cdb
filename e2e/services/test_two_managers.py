"""Two managers: one leads, the other takes over, and who was fenced off writes nothing."""

import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.bgp import routers
from e2e.leadership import leader
from e2e.route_events import session
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab

LEASE_S = 6.0
SPEAKERS = {"manager": "192.0.2.10", "manager2": "192.0.2.9"}
PATCHES = "patch services/status"
Deed = Callable[[Bed, str], None]


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2, manager_args=(f"--lease-duration-s={LEASE_S:g}",))


def another(lab: Bed, name: str) -> str:
    """Wait until somebody else than *name* leads; return who."""
    lab.wait(f"a leader after {name}", lambda: leader(lab) != name)
    return leader(lab)


def spoken(lab: Bed, address: str) -> set[str]:
    """Return which speakers told the router about *address*."""
    command = f"show bgp ipv4 unicast {address}/32 json"
    paths = json.loads(lab.exec("router", "vtysh", "-c", command)).get("paths", [])
    return {path["peer"]["peerId"] for path in paths}


def known_to_both(lab: Bed, name: str) -> str:
    """Wait until *name* is settled and both replicas speak for it; return its address."""
    address = cluster.settled(lab, name)
    both = set(SPEAKERS.values())
    lab.wait("both speakers", lambda: spoken(lab, address) == both)
    return address


def test_the_other_leads_within_the_lease(lab: Bed, say: Say) -> None:
    for address in SPEAKERS.values():
        lab.wait("a session", partial(session, lab, address))
    cluster.make(lab, "web")
    web = known_to_both(lab, "web")
    before, first = cluster.version(lab, "web"), leader(lab)
    with Witness(lab) as events:
        lab.fail(first)
        began = time.monotonic()
        second = another(lab, first)
        took_s = time.monotonic() - began
        cluster.make(lab, "later")
        cluster.settled(lab, "later")
        lab.heal(first)
        cluster.make(lab, "latest")
        known_to_both(lab, "latest")
    assert second != first
    assert took_s < LEASE_S + LEASE_S / 3  # it looks again every fifteenth, with jitter
    assert leader(lab) == second
    assert events.about(f"{web}/32") == []
    assert cluster.version(lab, "web") == before
    say(f"a lease of {LEASE_S:g} s: the other leads {took_s:.1f} s after a SIGKILL")


def freeze(lab: Bed, name: str) -> None:
    lab.fail(f"api:{name}")


def thaw(lab: Bed, name: str) -> None:
    lab.heal(f"api:{name}")


def stop(lab: Bed, name: str) -> None:
    lab.kill(name, signal.SIGSTOP)


def go_on(lab: Bed, name: str) -> None:
    lab.kill(name, signal.SIGCONT)


@pytest.mark.parametrize(
    ("away", "back"),
    [
        pytest.param(freeze, thaw, id="cut off from the API"),
        # It wakes up with a Service to write and its old belief that it leads.
        pytest.param(stop, go_on, id="stopped"),
    ],
)
def test_the_fenced_one_writes_nothing(lab: Bed, away: Deed, back: Deed) -> None:
    cluster.make(lab, "web")
    web = known_to_both(lab, "web")
    first = leader(lab)
    with Witness(lab) as events:
        away(lab, first)
        try:
            cluster.make(lab, "meanwhile")
            another(lab, first)
            cluster.settled(lab, "meanwhile")
            versions, counted = cluster.versions(lab), patches(lab)
        finally:
            back(lab, first)
        cluster.make(lab, "after")
        known_to_both(lab, "after")
    # Every attempt at a Service was one write of the Service that is new.
    assert cluster.versions(lab) == versions | {"after": cluster.version(lab, "after")}
    tried, written = (now - then for now, then in zip(patches(lab), counted, strict=True))
    assert tried == written <= 2
    assert events.kernel(f"{web}/32") == []  # one may fall silent, while the other speaks


def test_the_fenced_one_keeps_to_itself_what_it_sees(lab: Bed) -> None:
    """Cut off, it loses its own session and gets it back: a leader would write that down."""
    cluster.make(lab, "web")
    web = known_to_both(lab, "web")
    first = leader(lab)
    sidecar = next(m.sidecar for m in lab.topology.managers if m.name == first)
    freeze(lab, first)
    try:
        another(lab, first)
        cluster.judged(lab)
        before, counted = session(lab, SPEAKERS[first]), refused(lab)
        os.kill(cluster.gobgpd(lab, sidecar), signal.SIGKILL)
        lab.wait("its next session", lambda: session(lab, SPEAKERS[first]) != before)
        lab.wait("its paths", lambda: SPEAKERS[first] in spoken(lab, web))
        cluster.judged(lab)
    finally:
        thaw(lab, first)
    cluster.make(lab, "after")
    known_to_both(lab, "after")
    assert refused(lab) == counted  # what it had sent, stale, would have been


def refused(lab: Bed) -> dict[str, int]:
    """Return how many writes of a leader were refused, by what they were.

    A replica's entry in a BgpPeer is its own to write, leader or not: on a conflict with
    the other's it is made anew. The lease is there to be fought for.
    """
    counted: dict[str, int] = lab.api.get("/_stats")["refused"]
    return {
        what: number
        for what, number in counted.items()
        if what.startswith("patch ") and " leases " not in what
        if "pointsman-speaker-" not in what
    }


def patches(lab: Bed) -> tuple[int, int]:
    """Return how often anybody tried to PATCH a Service's status, and how often it went."""
    stats = lab.api.get("/_stats")
    written = sum(n for what, n in stats["writes"].items() if what.startswith(f"{PATCHES} "))
    return stats["requests"].get(PATCHES, 0), written


NAT = """table ip oneaddress {
 chain arriving {
  type nat hook input priority 100
  ip saddr { 192.0.2.9, 192.0.2.10 } tcp dport 179 snat to 192.0.2.77
 }
}
"""
ONE = "192.0.2.77"  # by which the router knows both


def test_two_behind_one_address_are_told_apart_by_no_router(lab: Bed) -> None:
    """One has the session and the routes stand; the other knows why it has none."""
    cluster.make(lab, "web")
    web = known_to_both(lab, "web")
    rules = lab.folder("nat") / "rules"
    rules.write_text(NAT)
    lab.exec("router", "nft", "-f", str(rules))
    lines = [f"no neighbor {one}" for one in SPEAKERS.values()]
    lines += [f"neighbor {ONE} remote-as 64501", f"neighbor {ONE} passive"]
    activated = ("address-family ipv4 unicast", f"neighbor {ONE} activate")
    routers.frr(lab, *lines, *activated)
    try:
        lab.wait("a session", partial(session, lab, ONE))
        cluster.routed(lab, web, "123")

        def shown() -> bool:
            speakers = lab.api.get(f"{routers.PEERS}/tor-1")["status"]["speakers"]
            (up,) = [one for one in speakers if one["state"] == "Established"]
            (other,) = [one for one in speakers if one is not up]
            return "another speaker's with the same source address" in other["lastError"]

        lab.wait("the reason", shown)
        since = session(lab, ONE)
        with Witness(lab) as events:
            cluster.judged(lab)
        assert session(lab, ONE) == since
        assert events.about(f"{web}/32") == []
    finally:
        lab.exec("router", "nft", "delete", "table", "ip", "oneaddress")
        routers.restarted(lab, "bgpd")  # the next one reads its file
        for address in SPEAKERS.values():
            lab.wait("a session", partial(session, lab, address))
