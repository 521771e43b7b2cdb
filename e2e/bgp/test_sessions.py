"""Sessions: how they come up, how fast an end is told, what else runs beside them."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from conftest import Say
from e2e import cluster, fleet
from e2e.addresses import words
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import MANAGER
from e2e.route_events import session
from e2e.witness import Witness
from lab.parts import CHECKOUT

pytestmark = pytest.mark.lab

ONE_SECOND = 1.0
TRIES = 3  # what the system does in a second, a machine with other work may do in two
FLOOD = 100_000
BOTH = ("router", "router2")


def reported_down(lab: Bed, name: str, since: float) -> float:
    """Return after how many seconds BgpPeer *name* was said to be down, with an Event."""
    while (routers.condition(lab, name) or ("",))[0] != "False":
        assert time.monotonic() - since < 60, "nobody says that the session is down"
        time.sleep(0.01)
    took = time.monotonic() - since
    lab.wait("an Event", lambda: any(e[1] == "NotEstablished" for e in cluster.events(lab, name)))
    return took


def test_the_end_of_a_session_is_told_within_a_second(lab: Bed, say: Say) -> None:
    took: list[float] = []
    while len(took) < TRIES and min(took, default=9) >= ONE_SECOND:
        routers.up(lab, "tor-1")
        lab.kill("bgpd", signal.SIGKILL)
        took.append(reported_down(lab, "tor-1", time.monotonic()))
        routers.up(lab, "tor-1")
    say(f"bgpd killed: told after {', '.join(f'{one:.2f} s' for one in took)}")
    assert min(took) < ONE_SECOND


def test_a_new_router_is_complained_of_only_when_it_had_time_to_answer(lab: Bed) -> None:
    def reasons(name: str) -> list[str]:
        return [reason for _, reason, _ in cluster.events(lab, name)]

    routers.peer(lab, "nobody", "192.0.2.99", 64503)
    with routers.configured(lab, routers.plain(lab)):
        routers.peer(lab, "new", SECOND, 64502)
        routers.up(lab, "new")
        lab.wait("an Event", lambda: "Established" in reasons("new"))
        assert "NotEstablished" not in reasons("new")
        lab.wait("a complaint", lambda: "NotEstablished" in reasons("nobody"))


@contextlib.contextmanager
def lax(lab: Bed) -> Iterator[None]:
    """Have the API server take any word for a family, as one with a newer CRD might."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.pointsman.dev"
    strict = lab.api.get(path)["spec"]["versions"]
    loose = json.loads(json.dumps(strict))
    schema = loose[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    del schema["families"]["items"]["enum"]
    lab.api.merge(path, {"spec": {"versions": loose}})
    try:
        yield
    finally:
        routers.change(lab, "tor-1", families=None)
        lab.api.merge(path, {"spec": {"versions": strict}})


def test_a_bgppeer_that_cannot_be_read_keeps_its_session_and_its_routes(lab: Bed) -> None:
    routers.up(lab, "tor-1")
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    before = session(lab, MANAGER)
    with lax(lab), Witness(lab) as events:
        routers.change(lab, "tor-1", families=["ipv4-unicast", "from-the-future"])
        routers.reported(lab, "tor-1", "Ready", "False", "cannot be read")
        words.restarted(lab)
        cluster.make(lab, "late")  # whoever leads now has seen it, too
        cluster.reported(lab, "late", "Announced", "False", "NoPeer")
        assert session(lab, MANAGER) == before
        assert lab.gateways(f"{address}/32") == cluster.hops(lab, "123")
        assert cluster.verdicts(cluster.get(lab, "web"))["Announced"][0] == "True"
    assert events.about(f"{address}/32") == []
    routers.reported(lab, "tor-1", "Ready", "True")
    assert session(lab, MANAGER) == before


def test_a_cut_link_is_told_when_the_hold_time_is_over(lab: Bed, say: Say) -> None:
    routers.peer(lab, "tor-2", SECOND, 64502, timers={"holdSeconds": 3, "keepaliveSeconds": 1})
    routers.up(lab, "tor-2")
    lab.wait("its hold time", lambda: routers.session(lab, "tor-2").get("holdSeconds") == 3)
    took: list[float] = []
    while len(took) < TRIES and min(took, default=9) >= 3 + ONE_SECOND:
        routers.up(lab, "tor-2")
        lab.cut("router2")
        try:
            took.append(reported_down(lab, "tor-2", time.monotonic()))
        finally:
            lab.mend("router2")
    say(f"link cut, hold time 3 s: told after {', '.join(f'{one:.2f} s' for one in took)}")
    assert min(took) < 3 + ONE_SECOND


def test_a_peer_comes_and_goes_without_touching_another(lab: Bed) -> None:
    since = session(lab, MANAGER)
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    routers.peer(lab, "tor-2", SECOND, 64502)
    lab.wait(
        "BIRD's route",
        lambda: lab.gateways(f"{address}/32", machine="router2") == cluster.hops(lab, "123"),
    )
    lab.api.delete(f"{routers.PEERS}/tor-2")
    lab.wait("no route", lambda: not lab.gateways(f"{address}/32", machine="router2"))
    assert session(lab, MANAGER) == since
    assert cluster.gateways(lab, address) == cluster.hops(lab, "123")


def test_a_bird_on_port_179_beside_the_speaker(lab: Bed) -> None:
    own = "192.0.2.110"
    since = session(lab, MANAGER)
    text = f"""
        log stderr all; router id {own};
        protocol device {{ }}
        protocol static {{ ipv4; route 198.51.100.200/32 blackhole; }}
        protocol bgp up {{
          local {own} as 64511; neighbor 192.0.2.1 as 64500; connect delay time 1;
          ipv4 {{ import none; export all; }};
        }}
    """
    lab.exec("manager", "ip", "address", "add", f"{own}/24", "dev", "eth0")
    try:
        with (
            routers.neighbor(lab, own, 64511),
            routers.running(lab, "manager", text) as control,
        ):
            lab.wait(
                "BIRD's session",
                lambda: "Established" in routers.asked(lab, control, "show", "protocols", "up"),
            )
            listening = lab.exec("manager", "ss", "-Hltnp")
            holders = [line for line in listening.splitlines() if ":179 " in line]
            assert holders
            # A BIRD that was unpacked with a libc of its own is run by that one's loader.
            assert all('"bird"' in line or '"ld-linux' in line for line in holders), holders
            assert "gobgpd" not in listening
            cluster.make(lab, "beside")
            cluster.settled(lab, "beside")
            lab.wait("BIRD's prefix", lambda: "198.51.100.200" in cluster.routes(lab))
    finally:
        lab.exec("manager", "ip", "address", "del", f"{own}/24", "dev", "eth0")
    assert session(lab, MANAGER) == since


def test_a_router_that_floods_reaches_nobody(lab: Bed, say: Say) -> None:
    routes = "".join(
        f"route 10.{100 + n // 65536}.{n // 256 % 256}.{n % 256}/32 blackhole;\n"
        for n in range(FLOOD)
    )
    flooding = routers.plain(lab).replace("export none", "export all")
    before, tables = fleet.memory(lab), kernel(lab)
    routers.peer(lab, "tor-2", SECOND, 64502)
    routers.up(lab, "tor-2")
    with routers.configured(lab, f"{flooding}\nprotocol static {{ ipv4;\n{routes}}}\n"):

        def sent() -> bool:
            text = routers.birdc(lab, "show", "route", "count", "export", "manager_v4")
            if f"{FLOOD} of" not in text and f"{FLOOD + 1} of" not in text:
                raise Broken(text)
            return True

        lab.wait("the flood", sent)
        cluster.judged(lab)  # it goes on working meanwhile
        after = fleet.memory(lab)
        assert kernel(lab) == tables
        assert cluster.routes(lab) == []
    grown = {name: round(after[name] - before[name]) for name in before}
    say(f"{FLOOD} routes flooded: memory grew by {grown} MiB")
    assert grown["gobgpd"] < 250
    assert grown["manager"] < 20


def kernel(lab: Bed) -> dict[str, int]:
    """Return how many routes each machine of the cluster has."""
    machines = ("manager", *(node.name for node in lab.topology.nodes))
    return {one: len(json.loads(lab.exec(one, "ip", "-j", "route"))) for one in machines}


@contextlib.contextmanager
def second(lab: Bed, text: str, asn: int = 64502, **spec: object) -> Iterator[str]:
    """Have the second router configured so, and us peer with it; yield the BgpPeer's name."""
    with routers.configured(lab, text):
        routers.peer(lab, "tor-2", SECOND, asn, **spec)
        yield "tor-2"


def test_ibgp(lab: Bed) -> None:
    text = routers.plain(lab).replace("as 64502", "as 64501")
    with second(lab, text, 64501) as name:
        routers.up(lab, name)
        cluster.make(lab, "web")
        address = cluster.settled(lab, "web")
        lab.wait(
            "BIRD's route",
            lambda: lab.gateways(f"{address}/32", machine="router2") == cluster.hops(lab, "123"),
        )


def test_a_router_on_another_port_and_one_hop_away_only(lab: Bed) -> None:
    text = routers.plain(lab).replace(f"local {SECOND} as", f"local {SECOND} port 1179 as")
    text = text.replace("connect retry", "ttl security yes; connect retry")
    with second(lab, text, port=1179, ttlSecurity=True) as name:
        routers.up(lab, name)


def test_a_router_behind_a_routed_hop(lab: Bed) -> None:
    text = f"""
        log stderr all; router id 203.0.113.10;
        protocol device {{ }}
        protocol bgp far {{
          local 203.0.113.10 as 64503; neighbor {MANAGER} as 64501; multihop 3;
          connect delay time 1; ipv4 {{ import all; export none; add paths rx; }};
        }}
    """
    with routers.running(lab, "client", text) as control:
        routers.peer(lab, "far", "203.0.113.10", 64503, ebgpMultihop={"ttl": 3})
        routers.up(lab, "far")
        cluster.make(lab, "web")
        address = cluster.settled(lab, "web")

        def heard() -> bool:
            shown = routers.asked(lab, control, "show", "route", "all", f"{address}/32")
            hops = {line.split()[1] for line in shown.splitlines() if "BGP.next_hop" in line}
            if hops != cluster.hops(lab, "123"):
                raise Broken(f"it hears {sorted(hops)}")
            return True

        lab.wait("every next hop", heard)
        lab.api.delete(f"{routers.PEERS}/far")


def test_a_password_wrong_right_rotated_and_never_shown(lab: Bed) -> None:
    words = ("open-sesame-1", "open-sesame-2")
    ref = {"passwordSecretRef": {"name": "bgp", "key": "tor-1"}}
    routers.change(lab, "tor-1", **ref)
    try:
        missing = routers.reported(
            lab, "tor-1", "Ready", "False", "Secret 'bgp'", "never goes without"
        )
        assert missing
        with routers.typed(lab, f"neighbor {MANAGER} password {words[0]}"):
            routers.secret(lab, "bgp", **{"tor-1": "close-sesame"})
            routers.down(lab, "tor-1")
            routers.secret(lab, "bgp", **{"tor-1": words[0]})
            routers.up(lab, "tor-1")
            routers.frr(lab, f"neighbor {MANAGER} password {words[1]}")
            routers.secret(lab, "bgp", **{"tor-1": words[1]})

            def rotated() -> bool:
                up = routers.session(lab, "tor-1").get("state") == "Established"
                return up and f"password {words[1]}" in routers.vtysh(lab, "show running-config")

            lab.wait("the session with the new password", rotated)
            cluster.make(lab, "web")
            cluster.settled(lab, "web")
            shown = json.dumps(lab.api.get(routers.PEERS)) + lab.log("manager")
            shown += json.dumps(lab.api.get(cluster.SERVICES)) + lab.log("sidecar")
            shown += json.dumps(lab.api.get(cluster.EVENTS))
            for command in (("status", "-o", "json"), ("explain", "service", "default/web")):
                shown += pointsman(lab, *command)
        for word in (*words, "close-sesame"):
            assert word not in shown
    finally:
        routers.change(lab, "tor-1", passwordSecretRef=None)
        lab.api.delete(f"{routers.SECRETS}/bgp")
        routers.up(lab, "tor-1")


def pointsman(lab: Bed, *words: str) -> str:
    command = [sys.executable, "-m", "cli", *words, "--kubeconfig", str(lab.kubeconfig)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
