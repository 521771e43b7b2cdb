"""A Service's life: the first one, dual stack, its endpoints' moves, its end."""

import time

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.cluster import CRS, SERVICES, STRATEGIC, verdicts
from e2e.witness import Witness
from lab.cluster.endpoints import SLICES
from lab.demo import NETWORK6, SERVICE
from lab.handle import CLIENT_ADDRESSES

pytestmark = pytest.mark.lab

V4, V6 = "198.51.100.0", "2001:db8:100::"
FOREIGN = {
    "type": "example.com/Checked",
    "status": "True",
    "reason": "Fine",
    "message": "somebody else's",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def test_the_first_service_needs_no_annotation(lab: Bed, say: Say) -> None:
    began = time.monotonic()
    lab.kubectl("apply", "-f", "-", stdin=SERVICE)
    lab.endpoints("default/web", *cluster.EVERYWHERE)
    cluster.routed(lab, V4, "123")
    route_ms = (time.monotonic() - began) * 1000
    lab.wait("an answer", lambda: lab.get(V4))
    answer_ms = (time.monotonic() - began) * 1000
    cluster.answered(lab, V4, "node1", "node2", "node3")

    message = cluster.reported(lab, "web", "Announced", "True", "Announced")
    web = cluster.get(lab, "web")
    assert web["status"]["loadBalancer"] == {"ingress": [{"ip": V4, "ipMode": "VIP"}]}
    assert verdicts(web).keys() == {"Allocated", "Announced"}
    assert verdicts(web)["Allocated"][:2] == ("True", "Allocated")
    notes = cluster.notes(web)
    assert notes.keys() == {"allocated-from", "announced-by", "status"}
    assert notes["allocated-from"] == f"public/{V4}"
    assert notes["announced-by"] == "bgp"
    assert notes["status"] == message
    say(f"first Service: route after {route_ms:.0f} ms, answer after {answer_ms:.0f} ms")


def test_pool_and_peer_say_how_they_are(lab: Bed) -> None:
    cluster.make(lab, "web")
    cluster.settled(lab, "web")

    def pool() -> object:
        found = lab.api.get(f"{CRS}/eips/public")
        assert verdicts(found)["Ready"][:2] == ("True", "Ready")
        status = found["status"]
        assert status["capacity"] == {"ipv4": "16", "ipv6": "0"}
        assert status["allocated"] == {"ipv4": "1", "ipv6": "0"}
        assert status["available"] == {"ipv4": "15", "ipv6": "0"}
        assert status["services"] == 1
        assert status["observedGeneration"] == found["metadata"]["generation"]
        return found

    def peer() -> object:
        found = lab.api.get(f"{CRS}/bgppeers/tor-1")
        assert verdicts(found)["Established"][:2] == ("True", "Established")
        assert verdicts(found)["AddPathNegotiated"][0] == "True"
        (speaker,) = found["status"]["speakers"]
        assert (speaker["name"], speaker["state"]) == ("manager", "Established")
        return found

    lab.wait("the Eip's status", pool)
    lab.wait("the BgpPeer's status", peer)


def test_dual_stack_is_routed_in_both_families(lab: Bed) -> None:
    lab.kubectl("apply", "-f", "-", stdin=NETWORK6)
    cluster.make(lab, "web", ipFamilyPolicy="RequireDualStack")
    assert cluster.held(lab, "web", 2) == [V4, V6]
    for address in (V4, V6):
        cluster.routed(lab, address, "123")  # next hops of the address's own family
        cluster.answered(lab, address, "node1", "node2", "node3")
    assert cluster.notes(cluster.get(lab, "web"))["allocated-from"] == f"public/{V4},public6/{V6}"
    cluster.reported(lab, "web", "Allocated", "True", "Allocated", V4, V6)
    cluster.reported(lab, "web", "Announced", "True", "Announced", V4, V6)


def test_local_goes_where_the_endpoints_are_and_keeps_the_client(lab: Bed) -> None:
    lab.kubectl("apply", "-f", "-", stdin=NETWORK6)
    cluster.make(lab, "web", ipFamilyPolicy="RequireDualStack", externalTrafficPolicy="Local")
    cluster.settled(lab, "web")
    lab.endpoints("default/web", "node1:1", "node3:2")
    for address, client in zip((V4, V6), CLIENT_ADDRESSES, strict=True):
        cluster.routed(lab, address, "13")
        found = cluster.answered(lab, address, "node1", "node3")
        assert {seen for _, _, seen in found} == {client}


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_the_last_endpoint_unready_withdraws(lab: Bed, policy: str) -> None:
    cluster.make(lab, "web", "node2:1", externalTrafficPolicy=policy)
    address = cluster.settled(lab, "web", "123" if policy == "Cluster" else "2")
    lab.endpoints("default/web", "node2:1:unready")
    cluster.routed(lab, address, "")
    message = cluster.reported(lab, "web", "Announced", "False", "NoServingEndpoint")
    assert cluster.notes(cluster.get(lab, "web"))["status"] == message
    assert cluster.addresses(lab, "web") == [address]
    lab.endpoints("default/web", "node2:1")
    assert cluster.settled(lab, "web", "123" if policy == "Cluster" else "2") == address


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_terminating_but_serving_keeps_the_route(lab: Bed, policy: str) -> None:
    cluster.make(lab, "web", "node2:1", externalTrafficPolicy=policy)
    nodes = "123" if policy == "Cluster" else "2"
    address = cluster.settled(lab, "web", nodes)
    with Witness(lab) as events:
        lab.endpoints("default/web", "node2:1:terminating")
        cluster.judged(lab)
    assert events.about(f"{address}/32") == []
    cluster.routed(lab, address, nodes)
    lab.wait("an answer", lambda: lab.get(address))


def test_empty_slices_beside_a_full_one_change_nothing(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    with Witness(lab) as events:
        for name in ("web-a", "web-z"):  # before and after the full one, however one reads them
            empty = {
                "kind": "EndpointSlice",
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "web"}},
                "addressType": "IPv4",
                "ports": [],
                "endpoints": [],
            }
            lab.api.create(SLICES.format(namespace="default"), empty)
        cluster.judged(lab)
    assert events.about(f"{address}/32") == []
    cluster.routed(lab, address, "123")


@pytest.mark.parametrize("end", ["ClusterIP", "deleted"])
def test_what_ends_is_withdrawn_and_its_address_is_free(lab: Bed, end: str) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    body = {"metadata": {"annotations": {"example.com/mine": "yes"}}}
    lab.api.merge(f"{SERVICES}/web", body)
    path = f"{SERVICES}/web/status"
    lab.api.request("PATCH", path, {"status": {"conditions": [FOREIGN]}}, content_type=STRATEGIC)
    if end == "ClusterIP":
        cluster.patch(lab, "web", {"type": "ClusterIP"})
        cluster.routed(lab, address, "")

        def bare() -> bool:
            web = cluster.get(lab, "web")
            assert web["status"] == {"loadBalancer": {}, "conditions": [FOREIGN]}
            assert web["metadata"]["annotations"] == {"example.com/mine": "yes"}
            return True

        lab.wait("nothing of ours", bare)
    else:
        cluster.delete(lab, "web")
        cluster.routed(lab, address, "")
    cluster.make(lab, "next", notes={"addresses": address})
    assert cluster.settled(lab, "next") == address
