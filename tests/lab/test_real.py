"""The lab with real packets, before anything of the product runs in it."""

import contextlib
import itertools
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from lab.errors import Broken
from lab.handle import Lab
from pointsman.runtime.errors import Misuse

pytestmark = pytest.mark.lab

CLIENT4, CLIENT6 = "203.0.113.10", "2001:db8:3::10"
ASK = ("kubectl", "get", "nodes", "-o", "name")
NUMBERS = itertools.count(1)


@pytest.fixture
def web(lab: Lab) -> tuple[str, str, str]:
    """A dual-stack Service with one pod per node, its addresses routed by hand."""
    number = next(NUMBERS)
    name, v4, v6 = f"web{number}", f"198.51.100.{number}", f"2001:db8:100::{number}"
    api, path = lab.api, "/api/v1/namespaces/default/services"
    spec = {
        "type": "LoadBalancer",
        "ipFamilyPolicy": "PreferDualStack",
        "ports": [{"port": 80, "targetPort": 8080}],
    }
    api.create(path, {"kind": "Service", "metadata": {"name": name}, "spec": spec})
    lab.endpoints(f"default/{name}", "node1:1", "node2:1", "node3:1")
    ingress = [{"ip": v4}, {"ip": v6}]
    api.merge(f"{path}/{name}/status", {"status": {"loadBalancer": {"ingress": ingress}}})
    for prefix, hops in (
        (f"{v4}/32", [str(node.addresses[0].ip) for node in lab.topology.nodes]),
        (f"{v6}/128", [str(node.addresses[1].ip) for node in lab.topology.nodes]),
    ):
        words = [word for hop in hops for word in ("nexthop", "via", hop)]
        lab.exec("router", "ip", "route", "replace", prefix, *words)
        assert lab.gateways(prefix) == set(hops)
    for address in (v4, v6):  # each node's proxy knows it
        lab.wait("every node", partial(from_all, lab, address))
    return name, v4, v6


def patch(lab: Lab, service: str, spec: dict[str, object]) -> None:
    lab.api.merge(f"/api/v1/namespaces/default/services/{service}", {"spec": spec})


def seen(lab: Lab, address: str, requests: int = 24) -> Counter[tuple[str, str]]:
    """Return how often each (node, client) answered."""
    replies = [lab.get(address) for _ in range(requests)]
    return Counter((reply[0], reply[2]) for reply in replies)


def from_all(lab: Lab, address: str) -> bool:
    return {node for node, _ in seen(lab, address, 12)} == {"node1", "node2", "node3"}


def test_cluster_reaches_every_node_masqueraded(lab: Lab, web: tuple[str, str, str]) -> None:
    _, v4, v6 = web
    for address, client in ((v4, CLIENT4), (v6, CLIENT6)):
        found = seen(lab, address)
        assert {node for node, _ in found} == {"node1", "node2", "node3"}
        assert client not in {source for _, source in found}


def test_local_keeps_the_clients_address(lab: Lab, web: tuple[str, str, str]) -> None:
    name, v4, v6 = web
    patch(lab, name, {"externalTrafficPolicy": "Local"})
    for address, client in ((v4, CLIENT4), (v6, CLIENT6)):
        lab.wait("the client seen", partial(sees, lab, address, client))
        found = seen(lab, address)
        assert found.keys() == {(node, client) for node in ("node1", "node2", "node3")}


def test_local_drops_where_no_endpoint_is(lab: Lab, web: tuple[str, str, str]) -> None:
    name, v4, _ = web
    patch(lab, name, {"externalTrafficPolicy": "Local"})
    lab.endpoints(f"default/{name}", "node2:3")
    lab.exec("router", "ip", "route", "replace", f"{v4}/32", "via", "192.0.2.11")
    lab.wait("silence", lambda: not answers(lab, v4))
    lab.exec("router", "ip", "route", "replace", f"{v4}/32", "via", "192.0.2.12")
    assert lab.get(v4)[0] == "node2"


def sees(lab: Lab, address: str, client: str) -> bool:
    return lab.get(address)[2] == client


def answers(lab: Lab, address: str) -> bool:
    try:
        return bool(lab.get(address))
    except Broken:
        return False


def test_terminating_endpoints_serve_only_when_alone(lab: Lab, web: tuple[str, str, str]) -> None:
    name, v4, _ = web
    lab.endpoints(f"default/{name}", "node1:1", "node3:1:terminating")
    lab.wait("node1 alone", lambda: {reply[0] for reply in seen(lab, v4, 6)} == {"node1"})
    lab.endpoints(f"default/{name}", "node1:1:unready", "node3:1:terminating")
    lab.wait("node3 alone", lambda: {reply[0] for reply in seen(lab, v4, 6)} == {"node3"})
    lab.endpoints(f"default/{name}")
    lab.wait("a refusal", lambda: not answers(lab, v4))


def test_cluster_addresses_work_from_nodes_and_pods(lab: Lab, web: tuple[str, str, str]) -> None:
    name, v4, _ = web
    service = lab.api.get(f"/api/v1/namespaces/default/services/{name}")
    for address in (*service["spec"]["clusterIPs"], v4):
        for machine in ("node1", "node1-pods"):
            found = {lab.get(address, machine=machine)[0] for _ in range(12)}
            assert len(found) > 1


def test_pods_of_one_node_reach_each_other_through_a_service(
    lab: Lab, web: tuple[str, str, str]
) -> None:
    """In both families, and unmasked: a pod's own node undoes what it did to the packet."""
    name, _, _ = web
    lab.endpoints(f"default/{name}", "node1:3")
    addresses = lab.api.get(f"/api/v1/namespaces/default/services/{name}")["spec"]["clusterIPs"]
    pods = {str(pod.ip) for pair in lab.topology.nodes[0].pods for pod in pair}
    for address in addresses:
        lab.wait("its endpoints", partial(alone, lab, address, "node1"))
        found = [lab.get(address, machine="node1-pods") for _ in range(24)]
        assert len({pod for _, pod, _ in found}) == 3
        assert len({client for _, _, client in found} & pods) == 1  # who asked another


def alone(lab: Lab, address: str, node: str) -> bool:
    """Return whether only *node* answers at *address*, asked from another."""
    return {lab.get(address, machine="node2")[0] for _ in range(12)} == {node}


def test_pods_of_one_node_reach_each_other_by_way_of_it(lab: Lab) -> None:
    """As from namespaces of their own, which real rules count on."""
    for one, other in zip(*lab.topology.nodes[0].pods[:2], strict=True):
        words = ("ip", "route", "get", str(other.ip), "from", str(one.ip))
        gateway = next(a for a in lab.topology.nodes[0].pod_gateway if a.version == one.version)
        assert f"via {gateway.ip} " in lab.exec("node1-pods", *words)


def test_the_route_is_hashed_on_ports_in_both_families(lab: Lab) -> None:
    for family in ("ipv4", "ipv6"):
        key = f"/proc/sys/net/{family}/fib_multipath_hash_policy"
        assert lab.exec("router", "cat", key).strip() == "1"


def test_vtysh_and_kubectl_are_found_on_every_machine(lab: Lab) -> None:
    peers = lab.exec("router", "vtysh", "-c", "show bgp neighbors json")
    assert '"192.0.2.10"' in peers
    for machine in ("manager", "node2", "client"):
        assert "node/node3" in lab.exec(machine, "kubectl", "get", "nodes", "-o", "name")


def test_each_machine_sees_its_own_sysfs(lab: Lab) -> None:
    assert lab.exec("node1", "ls", "/sys/class/net").split() == ["eth0", "lo", "pods0"]


def test_crds_are_there(lab: Lab) -> None:
    names = lab.kubectl("get", "crd", "-o", "name")
    assert "eips.pointsman.dev" in names


def test_a_frozen_api_hangs_and_thaws(lab: Lab) -> None:
    lab.fail("api")
    try:
        assert lab.exec("manager", *ASK, "--request-timeout=1s", check=False) == ""
        assert lab.api.get("/api/v1/nodes")["items"]  # the host is past the relay
    finally:
        lab.heal("api")
    assert "node/node1" in lab.exec("manager", *ASK)


def test_one_machine_alone_can_lose_the_api(lab: Lab) -> None:
    lab.fail("api:node1")
    try:
        assert lab.exec("node1", *ASK, "--request-timeout=1s", check=False) == ""
        assert "node/node1" in lab.exec("node2", *ASK)
    finally:
        lab.heal("api:node1")


def test_a_pulled_cable_is_seen_at_the_node(lab: Lab) -> None:
    def state() -> str:
        return lab.exec("node2", "ip", "-br", "link", "show", "eth0")

    lab.fail("link:node2")
    lab.wait("no carrier", lambda: "NO-CARRIER" in state())
    lab.heal("link:node2")
    lab.wait("a carrier", lambda: "NO-CARRIER" not in state())


def test_a_dead_node_is_cut_and_doubted_and_returns(lab: Lab) -> None:
    def ready() -> str:
        status = lab.api.get("/api/v1/nodes/node2")["status"]
        return next(str(c["status"]) for c in status["conditions"] if c["type"] == "Ready")

    lab.fail("node2")
    assert ready() == "True"  # Kubernetes knows it later
    assert lab.process("pods:node2")["state"] == "failed"
    assert "node2" in lab.status()["failed"]
    lab.wait("doubt", lambda: ready() == "Unknown")
    lab.heal("node2")
    assert ready() == "True"
    pod = str(lab.topology.nodes[1].pods[0][0].ip)
    lab.wait("its pods", lambda: lab.get(pod, 8080, machine="node1")[0] == "node2")


def test_a_failed_proxy_is_unhealthy_and_catches_up(lab: Lab, web: tuple[str, str, str]) -> None:
    name, v4, _ = web

    def healthy(node: str) -> bool:
        """The stand-in says 503; a real one that was stopped isn't there to say it."""
        with contextlib.suppress(Broken):
            return lab.http("127.0.0.1", 10256, path="/healthz", machine=node)[0] == 200
        return False

    lab.wait("health", lambda: healthy("node1") and healthy("node2"))
    lab.fail("proxy:node1")
    assert not healthy("node1")
    assert healthy("node2")
    lab.exec("router", "ip", "route", "replace", f"{v4}/32", "via", "192.0.2.11")
    lab.endpoints(f"default/{name}", "node2:1")
    lab.heal("proxy:node1")
    lab.wait("node2 alone", lambda: {reply[0] for reply in seen(lab, v4, 6)} == {"node2"})


def test_what_dies_is_started_again(lab: Lab) -> None:
    before = lab.process("pods:node3")
    lab.kill("pods:node3")
    lab.wait(
        "another process",
        lambda: lab.process("pods:node3")["pid"] not in (None, before["pid"]),
    )
    assert lab.process("pods:node3")["restarts"] == before["restarts"] + 1


def test_processes_have_the_rights_they_need_and_no_more(lab: Lab) -> None:
    for process in lab.status()["processes"]:
        match process["name"].partition(":")[0]:
            case "zebra" | "bfdd" | "bgpd":
                assert process["uid"] != 0
                assert process["capabilities"] not in ("none", "all")
            case "pods" | "api":
                assert (process["uid"], process["capabilities"]) == (0, "none")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda lab: lab.fail("node9"), "nothing that fails"),
        (lambda lab: lab.kill("bird"), "runs no 'bird'"),
        (lambda lab: lab.exec("moon", "true"), "has no machine 'moon'"),
        (lambda lab: lab.endpoints("default/none", "node1:1"), "no Service default/none"),
        (lambda lab: lab.log("moon"), "logs no 'moon'"),
    ],
)
def test_misuse_is_answered_with_a_sentence(
    lab: Lab, wrong: Callable[[Lab], None], sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        wrong(lab)


def test_logs_are_kept_per_program(lab: Lab) -> None:
    assert "node1: 3 pods listen" in lab.log("pods:node1")
    assert len(lab.log_files("router")) == 3


def test_a_command_that_fails_says_so(lab: Lab) -> None:
    with pytest.raises(Broken, match="ended with 1"):
        lab.exec("router", "false")
    done = subprocess.run(
        lab.command("router", ["ip", "-br", "addr"]), capture_output=True, text=True
    )
    assert "203.0.113.1/24" in done.stdout
