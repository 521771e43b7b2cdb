"""What a router has is what was planned: without ADD-PATH one path, and never more than 255."""

import contextlib
import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, custom
from e2e.witness import Witness

pytestmark = pytest.mark.lab
NAMES = [f"s{n}" for n in range(6)]
AT = {"tor-1": "router", "tor-2": "router2"}
HOST = {4: "/32", 6: "/128"}


@contextlib.contextmanager
def declining(lab: Bed, which: str) -> Iterator[None]:
    """Have one of the two routers take one path of a prefix, the other all."""
    plain = routers.plain(lab)
    if which == "tor-2":
        with routers.configured(lab, plain.replace("add paths rx;", "")):
            yield
        return
    lines = [
        (f"address-family {family} unicast", "neighbor 192.0.2.10 disable-addpath-rx")
        for family in ("ipv4", "ipv6")
    ]
    with contextlib.ExitStack() as stack:
        for one in lines:
            stack.enter_context(routers.typed(lab, *one))
        yield


def planned(lab: Bed, *command: str) -> dict[str, dict[str, set[str]]]:
    """Return the next hops by router and prefix, as a command says."""
    found: dict[str, dict[str, set[str]]] = {name: {} for name in AT}
    for one in routers.pointsman(lab, *command)["routes"]:
        for name in one["peers"]:
            found[name].setdefault(one["prefix"], set()).add(one["nextHop"])
    return found


def in_kernels(lab: Bed, prefixes: list[str]) -> dict[str, dict[str, set[str]]]:
    return {
        name: {prefix: lab.gateways(prefix, machine=at) for prefix in prefixes}
        for name, at in AT.items()
    }


def agreed(lab: Bed, prefixes: list[str], single: str) -> dict[str, set[str]]:
    """Wait until kernels, plan and speaker say the same; return what the one-path router has."""
    socket = str(lab.folder("sidecar") / "gobgp.sock")

    def look() -> bool:
        has = in_kernels(lab, prefixes)
        for more in ((), ("--gobgp-socket", socket)):
            says = planned(lab, "routes", *more)
            if says != has:
                raise Broken(f"routes {more} says {says}, the routers have {has}")
        # A session that has just come counts what it has sent so far, and is asked again later.
        for name, one in routers.shown(lab).items():
            paths = sum(len(hops) for hops in has[name].values())
            counts = one["advertisedPaths"], one["desiredPaths"]
            if counts != (paths, paths):
                raise Broken(f"{name}: status counts {counts}, its kernel has {paths} paths")
        return True

    lab.wait("plan, speaker, status and routers say the same", look, timeout_s=routers.COUNTED_S)
    has = in_kernels(lab, prefixes)[single]
    assert {len(hops) for hops in has.values()} == {1}
    return has


@pytest.mark.parametrize("single", list(AT))
def test_a_router_without_add_path_beside_one_with_it(lab: Bed, single: str) -> None:
    with declining(lab, single):
        routers.peer(lab, "tor-2", SECOND, 64502)
        routers.up(lab, "tor-2")
        routers.reported(lab, single, "AddPathNegotiated", "False")
        both: dict[str, Any] = {"ipFamilyPolicy": "PreferDualStack"}
        block = {"addresses": ["198.51.100.32/28", "2001:db8:100:7::/124"]}
        lab.api.create(f"{CRS}/eips", custom("Eip", "both", block))
        for name in NAMES:
            cluster.make(lab, name, notes={"eip": "both"}, **both)
        prefixes = [
            f"{one}{HOST[6 if ':' in one else 4]}"
            for name in NAMES
            for one in cluster.held(lab, name, 2)
        ]
        before = agreed(lab, prefixes, single)
        assert len(set().union(*before.values())) > 1, "one node for all addresses"
        # The node that one of them has goes: another comes, and there is a route all the while.
        moving = prefixes[0]
        number = before[moving].copy().pop()[-1]
        node = f"node{number}"
        with Witness(lab, machine=AT[single]) as events:
            label = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
            lab.api.merge(f"/api/v1/nodes/{node}", {"metadata": {"labels": label}})
            after = agreed(lab, prefixes, single)
        assert after[moving] != before[moving]
        theirs = {f"192.0.2.1{number}", f"2001:db8:2::1{number}"}
        for prefix in prefixes:
            if before[prefix] & theirs:
                heard = events.about(prefix)
                assert "/128" in prefix or not any(one.startswith("Deleted") for one in heard)
            else:
                assert after[prefix] == before[prefix]
                assert events.about(prefix) == []
        # A session that ends and begins anew finds what it had.
        lab.kill("sidecar")
        assert agreed(lab, prefixes, single) == after


FIRST = ip_address("198.18.7.0")


def far(number: int) -> str:
    return f"far{number:03}"


def node(lab: Bed, number: int) -> None:
    """Create a Node that is an address and no machine."""
    name = far(number)
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {}}
    lab.api.create("/api/v1/nodes", body)
    status = {
        "addresses": [{"type": "InternalIP", "address": str(FIRST + number)}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "x", "message": "x"}],
    }
    lab.api.request(
        "PATCH",
        f"/api/v1/nodes/{name}/status",
        {"status": status},
        content_type="application/strategic-merge-patch+json",
    )


def heard(lab: Bed, address: str) -> set[str]:
    """Return every next hop that FRR heard, whether it can use it or not."""
    text = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32 json")
    return {one["nexthops"][0]["ip"] for one in json.loads(text).get("paths", [])}


def test_of_very_many_nodes_a_router_is_planned_and_has_255(lab: Bed) -> None:
    """The session is there first: what is sent as it is put counts against a limit."""
    numbers = range(1, 261)
    routers.change(lab, "tor-1", nextHops={"scope": "All"})
    try:
        cluster.each(numbers, lambda number: node(lab, number))
        cluster.make(lab, "web")
        address = cluster.held(lab, "web")[0]

        def same() -> set[str] | None:
            says = planned(lab, "routes")["tor-1"].get(f"{address}/32", set())
            has = heard(lab, address)
            if says != has:
                raise Broken(f"planned {len(says)}, heard {len(has)}")
            return has

        has = lab.wait("as planned", same)
        assert len(has) == 255
        routers.reported(lab, "tor-1", "NextHopsLimited", "True", "255 next hops")
        cluster.reported(lab, "web", "Announced", "True", "Announced", "255 are sent", "'tor-1'")

        def counted() -> bool:
            status, speaker = routers.session(lab, "tor-1"), routers.shown(lab)["tor-1"]
            return (status["advertisedPaths"], speaker["advertisedPaths"]) == (255, 255)

        lab.wait("the count in its status, and its speaker's", counted, timeout_s=routers.COUNTED_S)
        # Nodes that were chosen go: the others take their places, in the table and on the wire.
        names = {str(FIRST + number): far(number) for number in numbers}
        gone = [names[hop] for hop in sorted(has & names.keys())[:4]]
        cluster.each(gone, lambda name: lab.api.delete(f"/api/v1/nodes/{name}"))
        lab.wait("255 again", lambda: same() and len(heard(lab, address)) == 255)
        assert len(heard(lab, address) & has) == 255 - len(gone)
    finally:
        routers.change(lab, "tor-1", nextHops=None)
        left = [one["metadata"]["name"] for one in lab.api.get("/api/v1/nodes")["items"]]
        cluster.each(
            [name for name in left if name.startswith("far")],
            lambda name: lab.api.delete(f"/api/v1/nodes/{name}"),
        )
