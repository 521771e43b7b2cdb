"""Connections that collide, and connections that one side has forgotten."""

import contextlib
from collections.abc import Iterator
from functools import partial

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.cluster import CRS, MANAGER
from e2e.route_events import session
from e2e.speakers import plain_speaker
from e2e.witness import Witness

pytestmark = pytest.mark.lab

FIRST, THEIRS = "192.0.2.1", 64500
CONF = f"{CRS}/bgpconfs/default"


@pytest.fixture
def listening(lab: Bed) -> Iterator[tuple[Bed, tuple[int, int]]]:
    """FRR and our speaker call each other; yields the session."""
    before = lab.wait("a session", partial(session, lab, MANAGER))
    with routers.typed(lab, f"neighbor {MANAGER} port 1790"):
        lab.api.merge(CONF, {"spec": {"listenPort": 1790}})  # another speaker process
        try:
            lab.wait("another session", lambda: session(lab, MANAGER) != before)
            routers.up(lab, "tor-1")
            yield lab, session(lab, MANAGER)
        finally:
            before = lab.wait("a session", partial(session, lab, MANAGER))
            lab.api.merge(CONF, {"spec": {"listenPort": None}})
            lab.wait("the usual session", lambda: session(lab, MANAGER) != before)
            routers.up(lab, "tor-1")


def one_connection(lab: Bed) -> None:
    """Wait until our speaker has one connection with FRR: a refused one takes a while to go."""

    def look() -> bool:
        lines = lab.exec("manager", "ss", "-Hnt", "state", "established").splitlines()
        found = [line for line in lines if f"{FIRST}:179" in line or ":1790 " in line]
        if len(found) != 1:
            raise Broken(f"they are {found}")
        return True

    lab.wait("one connection", look)


def test_connections_that_collide_leave_one(listening: tuple[Bed, tuple[int, int]]) -> None:
    """A second one is refused, whatever its identifier (RFC 4271 section 6.8); so is one of two."""
    lab, since = listening
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    with Witness(lab) as events:
        for identifier in ("0.0.0.1", "223.255.255.254"):
            words = ["--source", FIRST, "--neighbor", MANAGER, "--port", "1790"]
            words += ["--as", str(THEIRS), "--identifier", identifier]
            with plain_speaker(lab, "router", *words) as second:
                second.hears("end")
        cluster.judged(lab)
    assert session(lab, MANAGER) == since
    one_connection(lab)
    assert events.about(f"{address}/32") == []
    routers.vtysh(lab, f"clear bgp {MANAGER}")  # both sides open it anew
    after = lab.wait("another session", lambda: (n := session(lab, MANAGER)) != since and n)
    cluster.routed(lab, address, "123")
    cluster.judged(lab)
    assert session(lab, MANAGER) == after
    one_connection(lab)


@contextlib.contextmanager
def lost(lab: Bed, machine: str) -> Iterator[None]:
    """Have *machine* neither send nor hear anything more of the connection that there is.

    So the other side learns nothing of its end, as after a loss of power.
    """
    lines = lab.exec("manager", "ss", "-Hnt", "state", "established").splitlines()
    (own,) = [line.split()[2].rpartition(":")[2] for line in lines if f"{FIRST}:179" in line]
    chains = "\n".join(
        f"chain {hook} {{\n type filter hook {hook} priority 0\n"
        f" tcp sport {own} drop\n tcp dport {own} drop\n }}"
        for hook in ("input", "output")
    )
    rules = lab.folder("lost") / "rules"
    rules.write_text(f"table ip lost {{\n{chains}\n}}\n")
    lab.exec(machine, "nft", "-f", str(rules))
    try:
        yield
    finally:
        lab.exec(machine, "nft", "delete", "table", "ip", "lost")


@contextlib.contextmanager
def holding(lab: Bed, seconds: int) -> Iterator[str]:
    """Have another hold time and no graceful restart; yield the address of a Service."""
    timers = {"holdSeconds": seconds, "keepaliveSeconds": 1, "connectRetrySeconds": 2}
    since = lab.wait("a session", partial(session, lab, MANAGER))
    routers.change(lab, "tor-1", timers=timers, gracefulRestart={"enabled": "Never"})
    try:
        lab.wait("another session", lambda: session(lab, MANAGER) != since)
        lab.wait(
            "its hold time", lambda: routers.session(lab, "tor-1").get("holdSeconds") == seconds
        )
        cluster.make(lab, "web")
        yield cluster.settled(lab, "web")
    finally:
        routers.change(lab, "tor-1", timers=None, gracefulRestart=None)
        lab.wait("the usual session", partial(session, lab, MANAGER))
        routers.up(lab, "tor-1")


def test_a_router_that_forgot_our_connection(lab: Bed) -> None:
    # Three seconds would do; on a busy machine they pass without anything being lost.
    with holding(lab, 9) as address, lost(lab, "router"):
        routers.restarted(lab, "bgpd")
        routers.down(lab, "tor-1", "Hold Timer Expired (4/0)", "within the hold time")
        cluster.routed(lab, address, "123")
        routers.up(lab, "tor-1")


def test_a_router_that_still_has_our_last_connection(lab: Bed) -> None:
    """As long as it does, it takes no other, and we say so: our next speaker is there by then."""
    with holding(lab, 60) as address:
        with lost(lab, "manager"):
            lab.kill("sidecar")
            routers.down(lab, "tor-1", "Collision Resolution (6/7)", "an older one of ours")
        # Now its packets find nobody, and it hears so.
        routers.up(lab, "tor-1")
        cluster.routed(lab, address, "123")
        cluster.judged(lab)
