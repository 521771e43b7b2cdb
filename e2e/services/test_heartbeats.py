"""Who lives, by heartbeats: a node without power leaves at once, and nobody else ever does."""

import time
from collections.abc import Iterator

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.cluster import MANAGER
from e2e.route_events import RouteEvents, session
from e2e.witness import Witness

pytestmark = pytest.mark.lab
NODES = ("node1", "node2", "node3")


def is_ready(lab: Bed, node: str) -> str:
    conditions = lab.api.get(f"/api/v1/nodes/{node}")["status"]["conditions"]
    return next(str(one["status"]) for one in conditions if one["type"] == "Ready")


def verdicts(lab: Bed, node: str, manager: str = "manager") -> list[str]:
    """Return what *manager* has said of *node*, from its log, in order."""
    start = f"node {node} is "
    found = []
    for line in lab.log(manager).splitlines():
        if "heartbeats.driver" in line and start in line:
            found.append(line.partition(start)[2].partition(":")[0])
    return found


def heard(lab: Bed, *, before: int = 0) -> None:
    """Wait until the manager hears every agent; *before*: so many times it began to already."""
    lab.wait(
        "heartbeats",
        lambda: all(verdicts(lab, node).count("Alive") > before for node in NODES),
    )


def hops(events: RouteEvents, prefix: str) -> Iterator[set[str]]:
    """Yield the next hops of *prefix* after each change that the router's kernel told."""
    changes: set[str] | None = None
    for line in events.lines:
        if line.startswith((" ", "\t")):
            if changes is not None and "via" in line:
                changes.add(line.split("via ")[1].split()[-1 if "inet6" in line else 0])
            continue
        if changes is not None:
            yield changes
        changes = set() if line.split()[0] == prefix else None
        if changes is not None and " via " in line:
            changes.add(line.split(" via ")[1].split()[0])
    if changes is not None:
        yield changes


def test_a_node_without_power_leaves_before_kubernetes_says_so(lab: Bed, say: Say) -> None:
    cluster.make(lab, "web")
    cluster.make(lab, "local", "node2:1", "node3:1", externalTrafficPolicy="Local")
    web, local = cluster.settled(lab, "web"), cluster.settled(lab, "local", "23")
    heard(lab)
    since = session(lab, MANAGER)
    with RouteEvents(lab) as events:
        began_s = time.monotonic()
        lab.fail("node2")
        cluster.routed(lab, web, "13")
        took_s = time.monotonic() - began_s
        ready = is_ready(lab, "node2")
        cluster.routed(lab, local, "3")
    say(f"a node without power left the router's kernel {took_s:.2f} s later")
    assert ready == "True"  # the lab turns it Unknown after 5 s
    for address, living in ((web, {"192.0.2.11", "192.0.2.13"}), (local, {"192.0.2.13"})):
        changes = list(hops(events, address))
        assert changes
        assert [one for one in changes if not living <= one] == []
        assert changes[-1] == living
    assert [line for line in events.lines if line.startswith("Deleted")] == []
    assert session(lab, MANAGER) == since
    assert verdicts(lab, "node2")[-1] == "Dead"
    lab.heal("node2")
    cluster.routed(lab, web, "123")


def test_an_agent_that_dies_alone_costs_its_node_nothing(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard(lab)
    with Witness(lab) as events:
        lab.fail("agent:node1")
        lab.wait("a verdict", lambda: verdicts(lab, "node1")[-1] == "AgentSilent")
        lab.heal("agent:node1")
        lab.wait("a verdict", lambda: verdicts(lab, "node1")[-1] == "Alive")
        cluster.judged(lab)
    assert events.about(f"{address}/32") == []


def test_a_heartbeat_outweighs_a_kubelet_that_is_not_heard(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard(lab)
    with Witness(lab) as events:
        cluster.ready(lab, "node3", "Unknown")
        cluster.judged(lab)
        cluster.ready(lab, "node3", "True")
    assert events.about(f"{address}/32") == []


def test_a_manager_that_starts_anew_hears_its_agents_again(lab: Bed) -> None:
    """It has another key then, which every agent must learn before anything counts."""
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard(lab)
    before = min(verdicts(lab, node).count("Alive") for node in NODES)
    with Witness(lab) as events:
        lab.kill("manager")
        heard(lab, before=before)
    assert events.about(f"{address}/32") == []
    lab.fail("node3")
    cluster.routed(lab, address, "12")
    assert is_ready(lab, "node3") == "True"


DEAF = """
table arp deaf {
  chain input {
    type filter hook input priority 0;
    arp operation request arp saddr ip 192.0.2.12 drop
  }
}
table ip6 deaf {
  chain input {
    type filter hook input priority 0;
    icmpv6 type nd-neighbor-solicit ether saddr %s drop
  }
}
"""


def test_a_node_that_does_not_reach_its_gateway_leaves(lab: Bed) -> None:
    """Its heartbeats arrive all the while; the router answers none of its questions."""
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard(lab)
    mac = lab.exec("node2", "cat", "/sys/class/net/eth0/address").strip()
    rules = lab.folder("deaf") / "rules"
    rules.write_text(DEAF % mac)
    lab.exec("router", "nft", "-f", str(rules))
    cluster.routed(lab, address, "13")
    assert verdicts(lab, "node2")[-1] == "LinkDown"
    for family in ("arp", "ip6"):
        lab.exec("router", "nft", "delete", "table", family, "deaf")
    cluster.routed(lab, address, "123")


def test_the_announcer_says_that_its_node_is_heard(lab: Bed) -> None:
    heard(lab)
    for node in NODES:
        announcer = lab.api.get(f"{cluster.CRS}/announcers/{node}")
        (manager,) = announcer["spec"]["managers"]
        assert (manager["name"], manager["address"]) == ("manager", MANAGER)
        conditions = {c["type"]: c["reason"] for c in announcer["status"]["conditions"]}
        assert conditions["HeartbeatsHeard"] == "HeartbeatsAcknowledged"
