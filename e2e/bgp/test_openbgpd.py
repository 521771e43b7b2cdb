"""OpenBGPD as the router: what it believes after each of our moves, as its bgpctl tells.

`make routers` unpacks it. It puts nothing into Linux' kernel, so no packet follows it here.
"""

from functools import partial
from typing import Any

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import openbgpd, routers
from e2e.bgp.openbgpd import ADDRESS, AS, PORT, OpenBgpd
from e2e.bgp.test_paths import pool

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        openbgpd.folder() is None, reason="POINTSMAN_ROUTERS names no folder with an OpenBGPD"
    ),
]


@pytest.fixture
def two(lab: Bed) -> list[str]:
    """Return the addresses of a Service in both families."""
    pool(lab, "six", "2001:db8:100::/124")
    cluster.make(lab, "web", notes={"eip": "public,six"}, ipFamilyPolicy="RequireDualStack")
    return cluster.held(lab, "web", 2)


def peered(lab: Bed, **spec: Any) -> None:
    routers.peer(lab, "open", ADDRESS, AS, port=PORT, **spec)
    routers.up(lab, "open")


def has(lab: Bed, router: OpenBgpd, addresses: list[str], nodes: str) -> None:
    """Wait until exactly those nodes are the next hops of each of *addresses*, each once."""
    for address in addresses:
        family = 6 if ":" in address else 4
        wanted = sorted(cluster.hops(lab, nodes, family))
        prefix = f"{address}/{128 if family == 6 else 32}"

        def look(prefix: str = prefix, wanted: list[str] = wanted) -> bool:
            if (found := router.hops(prefix)) != wanted:
                raise Broken(f"OpenBGPD has {found} for {prefix}, not {wanted}")
            return True

        lab.wait(f"{nodes or 'nothing'} at OpenBGPD", look)


def alone(router: OpenBgpd, prefix: str) -> bool:
    return len(router.hops(prefix)) == 1


def test_every_next_hop_comes_and_goes_in_both_families(lab: Bed, two: list[str]) -> None:
    with openbgpd.running(lab, openbgpd.configuration()) as router:
        peered(lab)
        has(lab, router, two, "123")
        lab.endpoints("default/web", "node1:1", "node3:1")
        cluster.patch(lab, "web", {"externalTrafficPolicy": "Local"})
        has(lab, router, two, "13")
        cluster.delete(lab, "web")
        has(lab, router, two, "")


def test_without_add_path_it_has_one_next_hop_and_that_is_said(lab: Bed, two: list[str]) -> None:
    text = openbgpd.configuration(capabilities="announce add-path recv no")
    with openbgpd.running(lab, text) as router:
        peered(lab)
        for address in two:
            prefix = f"{address}/{128 if ':' in address else 32}"
            lab.wait("one path", partial(alone, router, prefix))
        routers.reported(lab, "open", "AddPathNegotiated", "False")


def test_what_we_meant_to_say_is_what_it_holds(lab: Bed) -> None:
    bgp = {"communities": ["64500:100", "64500:1:2"], "med": 77}
    pool(lab, "told", "198.51.100.128/28", **bgp)
    cluster.make(lab, "web", notes={"eip": "told"})
    address = cluster.settled(lab, "web")
    with openbgpd.running(lab, openbgpd.configuration()) as router:
        peered(lab)
        has(lab, router, [address], "123")
        for path in router.paths(f"{address}/32"):
            assert path["aspath"] == "64501"
            assert path["origin"] == "IGP"
            assert path["metric"] == 77
            assert path["communities"] == ["64500:100"]
            assert path["large_communities"] == ["64500:1:2"]


@pytest.mark.parametrize("way", ["password", "ttlSecurity"])
def test_a_guarded_session(lab: Bed, two: list[str], way: str) -> None:
    ours: dict[str, dict[str, Any]] = {
        "password": {"passwordSecretRef": {"name": "open", "key": "open"}},
        "ttlSecurity": {"ttlSecurity": True},
    }
    theirs = {"password": "tcp md5sig password open-sesame", "ttlSecurity": "ttl-security yes"}
    routers.secret(lab, "open", open="open-sesame")
    try:
        with openbgpd.running(lab, openbgpd.configuration(theirs[way])) as router:
            peered(lab, **ours[way])
            has(lab, router, two, "123")
    finally:
        lab.api.delete(f"{routers.SECRETS}/open")


def test_its_limit_ends_the_session_and_that_is_said(lab: Bed) -> None:
    cluster.many(lab, 4)
    with openbgpd.running(lab, openbgpd.configuration("max-prefix 2")):
        routers.peer(lab, "open", ADDRESS, AS, port=PORT)
        routers.down(lab, "open", "Maximum Number of Prefixes")


def test_a_speaker_that_is_killed_leaves_nothing_behind(lab: Bed, two: list[str], say: Say) -> None:
    with openbgpd.running(lab, openbgpd.configuration()) as router:
        peered(lab)
        has(lab, router, two, "123")
        since = routers.session(lab, "open").get("establishedSince")
        pid = lab.process("sidecar")["pid"]
        lab.kill("sidecar")
        lab.wait("another sidecar", lambda: lab.process("sidecar")["pid"] not in (None, pid))
        lab.wait(
            "another session",
            lambda: routers.session(lab, "open").get("establishedSince", since) != since,
        )
        routers.up(lab, "open")
        has(lab, router, two, "123")
        say(f"OpenBGPD's capabilities: {routers.session(lab, 'open')}")
        cluster.delete(lab, "web")
        has(lab, router, two, "")
