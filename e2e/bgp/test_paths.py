"""Paths: who hears what, as aggregates or hosts, with which attributes and weights."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, custom
from e2e.route_events import session
from lab.parts import CHECKOUT

pytestmark = pytest.mark.lab


def pool(lab: Bed, name: str, block: str, **bgp: Any) -> None:
    lab.api.create(f"{CRS}/eips", custom("Eip", name, {"addresses": [block], "bgp": bgp}))


def served(lab: Bed, name: str, eip: str, *pods: str, **spec: Any) -> str:
    """Create a Service in Eip *eip* and return its address, once it has one."""
    cluster.make(lab, name, *pods, notes={"eip": eip}, **spec)
    return cluster.held(lab, name)[0]


def test_each_router_hears_what_its_eip_says(lab: Bed) -> None:
    routers.peer(lab, "tor-2", SECOND, 64502)
    routers.up(lab, "tor-2")
    pool(lab, "first", "198.51.100.32/28", peers=["tor-1"])
    pool(lab, "second", "198.51.100.48/28", peers=["tor-2"])
    one, two = served(lab, "one", "first"), served(lab, "two", "second")
    hops = cluster.hops(lab, "123")
    lab.wait("FRR's", lambda: lab.gateways(f"{one}/32") == hops)
    lab.wait("BIRD's", lambda: lab.gateways(f"{two}/32", machine="router2") == hops)
    cluster.judged(lab)
    assert routers.prefixes(lab, "router") == [one]
    assert routers.prefixes(lab, "router2") == [two]


def test_an_aggregate_and_no_host_route_below_it(lab: Bed) -> None:
    pool(lab, "wide", "198.51.100.0/24", aggregationLength=24)
    lab.api.delete(f"{CRS}/eips/public")  # it lies inside
    try:
        lab.wait("wide alone", lambda: lab.api.find(f"{CRS}/eips/public") is None)
        one, two = served(lab, "one", "wide"), served(lab, "two", "wide")
        lab.wait("the /24", lambda: lab.gateways("198.51.100.0/24") == cluster.hops(lab, "123"))
        assert routers.prefixes(lab, "router") == ["198.51.100.0/24"]
        lab.wait("answers", lambda: lab.get(one) and lab.get(two))
        local = served(lab, "near", "wide", "node2:1", externalTrafficPolicy="Local")
        lab.wait("its host route", lambda: lab.gateways(f"{local}/32") == cluster.hops(lab, "2"))
        assert sorted(routers.prefixes(lab, "router")) == sorted(["198.51.100.0/24", local])
        cluster.delete(lab, "one")
        cluster.delete(lab, "near")
        lab.wait("the host route gone", lambda: not lab.gateways(f"{local}/32"))
        assert routers.prefixes(lab, "router") == ["198.51.100.0/24"]
        cluster.delete(lab, "two")
        lab.wait("nothing", lambda: not routers.prefixes(lab, "router"))
    finally:
        lab.api.delete(f"{CRS}/eips/wide")
        lab.wait("no Eip", lambda: lab.api.find(f"{CRS}/eips/wide") is None)
        block = {"addresses": ["198.51.100.0/28"], "default": True}
        lab.api.create(f"{CRS}/eips", custom("Eip", "public", block))


def test_no_aggregate_takes_a_machine_along(lab: Bed) -> None:
    """The manager and the nodes are in it: by that route their packets would go astray."""
    before = session(lab, cluster.MANAGER)
    pool(lab, "near", "192.0.2.8/29", aggregationLength=29)
    address = served(lab, "web", "near")
    cluster.routed(lab, address, "123")
    assert routers.prefixes(lab, "router") == [address]
    lab.wait("answers", lambda: lab.get(address))
    conditions = lab.api.get(f"{CRS}/eips/near")["status"]["conditions"]
    (why,) = (one["message"] for one in conditions if one["type"] == "BgpApplied")
    assert "192.0.2.8/29" in why
    assert session(lab, cluster.MANAGER) == before


def test_weights_follow_the_endpoints(lab: Bed) -> None:
    pool(lab, "heavy", "198.51.100.64/28", weighting="Endpoints")
    pods = ("node1:1", "node2:2", "node3:3")
    address = served(lab, "web", "heavy", *pods, externalTrafficPolicy="Local")

    def weights() -> bool:
        text = lab.exec("router", "ip", "route", "show", address)
        found = re.findall(r"via (\S+) dev \S+ weight (\d+)", text)
        shares = [int(weight) for _, weight in sorted(found)]
        if shares != routers.frr_weights(1, 2, 3):
            raise Broken(f"FRR weighs {found}")
        return True

    lab.wait("1:2:3", weights)


def test_a_router_without_add_path_is_said_and_told_how(lab: Bed) -> None:
    with routers.configured(lab, routers.plain(lab).replace("add paths rx;", "")):
        routers.peer(lab, "tor-2", SECOND, 64502)
        routers.reported(
            lab, "tor-2", "AddPathNegotiated", "False", "disable-addpath-rx", "add paths rx"
        )
        routers.reported(lab, "tor-1", "AddPathNegotiated", "True")
        address = served(lab, "web", "public")
        lab.wait("one path", lambda: len(lab.gateways(f"{address}/32", machine="router2")) == 1)


def test_a_router_that_may_keep_stale_paths_is_said_while_we_offer_to_restart(lab: Bed) -> None:
    routers.peer(lab, "tor-2", SECOND, 64502)
    message = routers.reported(
        lab, "tor-1", "AddPathNegotiated", "True", "10.1.2", "gracefulRestart"
    )
    assert "FRR" in message  # 8.4.4, which tells its host name and not its version
    assert "FRR" not in routers.reported(lab, "tor-2", "AddPathNegotiated", "True")
    routers.change(lab, "tor-1", gracefulRestart={"enabled": "Never"})
    try:

        def quiet() -> bool:
            found = routers.condition(lab, "tor-1", "AddPathNegotiated")
            return found is not None and found[0] == "True" and "FRR" not in found[2]

        lab.wait("nothing to warn of", quiet)
    finally:
        routers.change(lab, "tor-1", gracefulRestart=None)
        routers.up(lab, "tor-1")


def test_attributes_arrive(lab: Bed) -> None:
    pool(
        lab,
        "tagged",
        "198.51.100.80/28",
        communities=["65000:7", "65000:1:2", "no-export"],
        med=77,
        asPathPrepend=2,
    )
    address = served(lab, "web", "tagged")

    def shown() -> bool:
        text = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32")
        for words in ("64501 64501 64501", "metric 77", "65000:7 no-export", "65000:1:2"):
            if words not in text:
                raise Broken(f"{words} is not in {text}")
        return "64501:0:" not in text  # our own marks stay with us

    lab.wait("the attributes", shown)


def test_prepending_is_for_ebgp_routers_only(lab: Bed) -> None:
    text = routers.plain(lab).replace("as 64502", "as 64501")
    with routers.configured(lab, text):
        routers.peer(lab, "tor-2", SECOND, 64501)
        routers.up(lab, "tor-2")
        pool(lab, "longer", "198.51.100.96/28", asPathPrepend=5)
        address = served(lab, "web", "longer")
        hops = cluster.hops(lab, "123")
        lab.wait("FRR's", lambda: lab.gateways(f"{address}/32") == hops)
        lab.wait("BIRD's", lambda: lab.gateways(f"{address}/32", machine="router2") == hops)
        shown = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32")
        assert shown.count("  " + " ".join(["64501"] * 6) + "\n") == 3, shown
        shown = routers.birdc(lab, "show", "route", "all", f"{address}/32")
        paths = [line.split(":")[1].strip() for line in shown.splitlines() if "as_path" in line]
        assert paths == ["", "", ""]


def test_the_command_shows_desired_beside_observed(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    socket = str(lab.folder("sidecar") / "gobgp.sock")

    def asked(command: str) -> Any:
        words = [sys.executable, "-m", "cli", command, "--gobgp-socket", socket, "-o", "json"]
        words += ["--kubeconfig", str(lab.kubeconfig)]
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    routes = asked("routes")["routes"]
    assert {one["nextHop"] for one in routes} == cluster.hops(lab, "123")
    assert {(one["prefix"], one["drift"]) for one in routes} == {(f"{address}/32", None)}

    def counted() -> bool:
        (tor,) = asked("peers")["peers"]
        found = tor["state"], tor["advertisedPaths"], tor["drift"]
        assert found == ("Established", 3, None), found
        return True

    lab.wait("the count, which is read back now and then", counted, timeout_s=routers.COUNTED_S)
