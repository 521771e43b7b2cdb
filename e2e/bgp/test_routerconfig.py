"""`plan --router-config`: FRR and BIRD load what it prints, and all of it is in force."""

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import loading, routers
from e2e.bgp.test_paths import pool, served
from e2e.cluster import custom
from e2e.route_events import session

pytestmark = pytest.mark.lab

US = {"sourceAddress": "192.0.2.10"}
US_V6 = {"sourceAddress": "2001:db8:2::10"}
GUARDED: dict[str, Any] = {
    "passwordSecretRef": {"name": "bgp", "key": "tor"},
    "ttlSecurity": True,
    "bfd": {"enabled": True, "transmitMilliseconds": 400},
    **US,
}
FAR: dict[str, Any] = {"ebgpMultihop": {"ttl": 3}, **US}
WORD = "open-sesame"
SECRET = f"password {WORD}"
MEMBER = 64505
CONF = f"{cluster.CRS}/bgpconfs/default"


@contextlib.contextmanager
def first_router(lab: Bed, **spec: Any) -> Iterator[None]:
    """Have tor-1, the FRR, be *spec* instead."""
    was = lab.api.get(f"{routers.PEERS}/tor-1")["spec"]
    lab.api.delete(f"{routers.PEERS}/tor-1")
    # What ends while the session is reset would outlive it at an FRR this old.
    routers.peer(lab, "tor-1", **{"gracefulRestart": {"enabled": "Never"}, **spec})
    try:
        yield
    finally:
        lab.api.delete(f"{routers.PEERS}/tor-1")
        lab.api.create(routers.PEERS, custom("BgpPeer", "tor-1", was))


def both(lab: Bed) -> tuple[str, str]:
    """Return a Service's prefixes of both families, once it has them."""
    pool(lab, "six", "2001:db8:100::/124")
    notes = {"eip": "public,six"}
    cluster.make(lab, "web", notes=notes, ipFamilyPolicy="RequireDualStack")
    v4, v6 = cluster.held(lab, "web", 2)
    return f"{v4}/32", f"{v6}/128"


def so_many(lab: Bed, prefix: str, count: int) -> bool:
    if len(found := lab.gateways(prefix)) != count:
        raise Broken(f"the next hops of {prefix} are {sorted(found)}")
    return True


def lives(lab: Bed, name: str) -> None:
    """Wait until the session is there; BFD that was slower than BGP takes it down once."""
    lab.wait(name, lambda: (routers.condition(lab, name) or ("",))[0] == "True")


def stands(lab: Bed) -> bool:
    """Return whether FRR has a session with the manager."""
    try:
        return bool(session(lab, cluster.MANAGER))
    except Broken:
        return False


@contextlib.contextmanager
def fellow(lab: Bed, address: str) -> Iterator[None]:
    """Have our AS be a member of a confederation, and one router, of another member AS of it.

    The usual router is no peer meanwhile: it would keep what it had of us before.
    """
    was = lab.api.get(f"{routers.PEERS}/tor-1")["spec"]
    lab.api.delete(f"{routers.PEERS}/tor-1")
    # Once it is: a restart of the speaker would have the router keep what it knows.
    lab.wait("the end of the usual session", lambda: not stands(lab))
    among = {"identifier": 64510, "members": [MEMBER]}
    lab.api.merge(CONF, {"spec": {"confederation": among}})
    routers.peer(lab, "fellow", address, MEMBER, gracefulRestart={"enabled": "Never"}, **US)
    try:
        yield
    finally:
        lab.api.delete(f"{routers.PEERS}/fellow")
        lab.api.merge(CONF, {"spec": {"confederation": None}})
        lab.api.create(routers.PEERS, custom("BgpPeer", "tor-1", was))
        # As it was: the router doesn't know us by the confederation's AS.
        lab.wait("the usual session", lambda: session(lab, cluster.MANAGER))
        routers.up(lab, "tor-1")


def faultless(lab: Bed) -> bool:
    """Return whether `peers --check` saw the session and has nothing to say against the router."""
    states = {one["clause"]: one["state"] for one in loading.checked(lab)}
    if "families" not in states or "violated" in states.values():
        raise Broken(f"found: {states}")
    return True


@pytest.mark.parametrize(
    ("address", "asn", "spec"),
    [
        pytest.param("192.0.2.1", 64500, US, id="plain"),
        pytest.param("192.0.2.1", 64500, GUARDED, id="password, GTSM, BFD"),
        pytest.param("2001:db8:2::1", 64501, US_V6, id="iBGP over IPv6"),
        pytest.param("203.0.113.1", 64500, FAR, id="multihop"),
    ],
)
def test_frr(lab: Bed, address: str, asn: int, spec: dict[str, Any]) -> None:
    prefixes = both(lab)
    routers.secret(lab, "bgp", tor=WORD)
    with first_router(lab, address=address, asn=asn, **spec):
        text = loading.printed(lab, "frr", "tor-1")
        with_password = text.replace(
            "! neighbor pointsman password ...", f"neighbor pointsman {SECRET}"
        )
        assert (with_password == text) is ("passwordSecretRef" not in spec)
        with loading.frr(lab, with_password):
            for prefix in prefixes:
                loading.kernel(lab, "router", prefix, "123")
            lives(lab, "tor-1")
            if spec is US:
                lab.wait("no clause violated", lambda: faultless(lab))
            if "bfd" in spec:
                lab.wait("BFD", lambda: "Status: up" in routers.vtysh(lab, "show bfd peers"))
            shown = routers.vtysh(lab, "show running-config")
            assert "maximum-prefix 100" in shown
            assert f"maximum-paths{' ibgp' if asn == 64501 else ''} 3" in shown


@pytest.mark.parametrize(
    ("address", "asn", "spec"),
    [
        pytest.param("192.0.2.2", 64502, US, id="plain"),
        pytest.param("192.0.2.2", 64502, GUARDED, id="password, GTSM, BFD"),
        pytest.param("2001:db8:2::2", 64501, {"port": 1179, **US_V6}, id="iBGP, IPv6, a port"),
    ],
)
def test_bird(lab: Bed, address: str, asn: int, spec: dict[str, Any]) -> None:
    prefixes = both(lab)
    routers.secret(lab, "bgp", tor=WORD)
    routers.peer(lab, "tor-2", address, asn, **spec)
    text = loading.printed(lab, "bird", "tor-2")
    with_password = text.replace('# password "...";', f'password "{WORD}";')
    assert (with_password == text) is ("passwordSecretRef" not in spec)
    with loading.bird(lab, with_password):
        for prefix in prefixes:
            loading.kernel(lab, "router2", prefix, "123")
        lives(lab, "tor-2")
        if "bfd" in spec:
            lab.wait("BFD", lambda: " Up " in routers.birdc(lab, "show", "bfd", "sessions"))


def test_frr_of_another_member_as(lab: Bed) -> None:
    prefixes = both(lab)
    with fellow(lab, "192.0.2.1"):
        text = loading.printed(lab, "frr", "fellow")
        # That this line and no other counts for such paths.
        fewer = text.replace("  maximum-paths 3\n", "  maximum-paths 2\n")
        assert fewer != text
        with loading.frr(lab, fewer):
            for prefix in prefixes:
                lab.wait("two next hops", partial(so_many, lab, prefix, 2))
            loading.load(lab, text)
            for prefix in prefixes:
                loading.kernel(lab, "router", prefix, "123")


def test_bird_of_another_member_as(lab: Bed) -> None:
    prefixes = both(lab)
    with fellow(lab, routers.SECOND), loading.bird(lab, loading.printed(lab, "bird", "fellow")):
        for prefix in prefixes:
            loading.kernel(lab, "router2", prefix, "123")


def test_bird_behind_a_routed_hop(lab: Bed) -> None:
    prefix = both(lab)[0]
    routers.peer(lab, "far", "203.0.113.10", 64503, **FAR)
    text = loading.printed(lab, "bird", "far")
    # Its next hops are behind another router: heard they are, but not for its kernel.
    with routers.running(lab, "client", text) as control:

        def heard() -> bool:
            shown = routers.asked(lab, control, "show", "route", "all", prefix)
            hops = {line.split()[1] for line in shown.splitlines() if "BGP.next_hop" in line}
            return hops == cluster.hops(lab, "123")

        lab.wait("every next hop", heard)
        lab.wait("its kernel's", lambda: routers.prefixes(lab, "client"))
    assert not routers.prefixes(lab, "client")  # else it reaches that address never again
    lab.api.delete(f"{routers.PEERS}/far")


def test_a_router_lets_in_our_prefixes_only(lab: Bed) -> None:
    prefix = both(lab)[0]
    routers.peer(lab, "tor-2", routers.SECOND, 64502, **US)
    with first_router(lab, address="192.0.2.1", asn=64500, **US):
        frr = loading.printed(lab, "frr", "tor-1")
        bird = loading.printed(lab, "bird", "tor-2")
        with loading.frr(lab, frr), loading.bird(lab, bird):
            pool(lab, "later", "198.51.100.64/28")
            later = served(lab, "late", "later")
            for machine in ("router", "router2"):
                loading.kernel(lab, machine, prefix, "123")
            cluster.reported(lab, "late", "Announced", "True", "Announced")
            cluster.judged(lab)
            for machine in ("router", "router2"):
                assert not lab.gateways(f"{later}/32", machine=machine)
            loading.load(lab, loading.printed(lab, "frr", "tor-1"))
            routers.vtysh(lab, "clear bgp 192.0.2.10 soft in")  # docs/routers/frr.md says so
            loading.kernel(lab, "router", f"{later}/32", "123")
        with loading.bird(lab, loading.printed(lab, "bird", "tor-2")):
            loading.kernel(lab, "router2", f"{later}/32", "123")


def test_a_router_takes_no_more_than_its_limit(lab: Bed) -> None:
    first = both(lab)[0]
    routers.peer(lab, "tor-2", routers.SECOND, 64502, **US)
    with first_router(lab, address="192.0.2.1", asn=64500, **US):
        # FRR 8.4 counts a path after having judged it: one more than it says is let in.
        frr = loading.printed(lab, "frr", "tor-1").replace("maximum-prefix 100", "maximum-prefix 4")
        bird = loading.printed(lab, "bird", "tor-2").replace("limit 100", "limit 5")
        with loading.frr(lab, frr), loading.bird(lab, bird):
            for machine in ("router", "router2"):
                loading.kernel(lab, machine, first, "123")
            lives(lab, "tor-1")
            cluster.make(lab, "more")
            routers.down(lab, "tor-1")

            def both_at_limit() -> bool:
                shown = routers.vtysh(lab, "show bgp neighbors 192.0.2.10")
                # 8.4 names the NOTIFICATION, 10.7 says what was wrong.
                assert re.search(r"Maximum Number of Prefixes|exceeded the max", shown), shown
                shown = routers.birdc(lab, "show", "protocols", "all", "tor_2_1")
                assert re.search(r"Import limit: +5 \[HIT\]", shown), shown
                return True

            lab.wait("the limit in both routers' words", both_at_limit)
            routers.up(lab, "tor-2")


def test_an_aggregate_ends_at_the_router_while_nobody_announces_it(lab: Bed) -> None:
    wide = "198.51.100.64/28"
    pool(lab, "wide", wide, aggregationLength=28)
    routers.peer(lab, "tor-2", routers.SECOND, 64502, **US)
    with first_router(lab, address="192.0.2.1", asn=64500, **US):
        frr = loading.printed(lab, "frr", "tor-1")
        bird = loading.printed(lab, "bird", "tor-2")
        with loading.frr(lab, frr), loading.bird(lab, bird):
            for machine in ("router", "router2"):
                loading.discarded(lab, machine, wide)
            served(lab, "web", "wide")
            for machine in ("router", "router2"):
                loading.kernel(lab, machine, wide, "123")
            cluster.delete(lab, "web")
            for machine in ("router", "router2"):
                loading.discarded(lab, machine, wide)
