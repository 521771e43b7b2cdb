"""What every bed must show: the lab, containers of Docker, and a cluster of kind's alike.

No node is named here but by the bed's own topology, and nothing is asked for that only a lab has.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.cluster import MANAGER
from e2e.route_events import session
from lab.demo import NETWORK
from lab.network.topology import CLIENT
from lab.options import Options

pytestmark = pytest.mark.lab

LAN = ["192.0.2.200-192.0.2.220"]


@pytest.fixture(scope="module")
def whole(options: Options) -> Iterator[Bed]:
    with labs.standing(replace(options, name=labs.fresh())) as up:
        up.kubectl("apply", "-f", "-", stdin=NETWORK)
        yield up


def names(lab: Bed) -> list[str]:
    return [node.name for node in lab.topology.nodes]


def served(lab: Bed, *nodes: str, **spec: Any) -> str:
    """Create Service `web` with one Pod on each of *nodes*; return its address."""
    lab.wait("a session", lambda: session(lab, MANAGER))
    cluster.make(lab, "web", *(f"{node}:1" for node in nodes), **spec)
    return cluster.held(lab, "web")[0]


def numbers(lab: Bed, *nodes: str) -> str:
    return "".join(str(node.number) for node in lab.topology.nodes if node.name in nodes)


def test_a_service_is_routed_to_all_nodes_and_all_of_them_answer(lab: Bed) -> None:
    nodes = names(lab)
    address = served(lab, *nodes)
    cluster.routed(lab, address, numbers(lab, *nodes))
    cluster.answered(lab, address, *nodes)
    cluster.reported(lab, "web", "Announced", "True", "Announced")


def test_local_goes_where_a_pod_is_and_shows_it_the_client(lab: Bed) -> None:
    node = names(lab)[1]
    address = served(lab, node, externalTrafficPolicy="Local")
    cluster.routed(lab, address, numbers(lab, node))
    found = cluster.answered(lab, address, node, count=3)
    assert {seen for *_, seen in found} == {str(CLIENT[0].ip)}


def test_the_last_pod_that_goes_takes_the_route_with_it(lab: Bed) -> None:
    node = names(lab)[0]
    address = served(lab, node)
    cluster.routed(lab, address, numbers(lab, *names(lab)))
    lab.endpoints("default/web", f"{node}:1:unready")
    cluster.routed(lab, address, "")
    cluster.reported(lab, "web", "Announced", "False", "NoServingEndpoint")


def test_a_drained_node_is_no_next_hop(lab: Bed) -> None:
    first, *others = names(lab)
    address = served(lab, first, *others)
    cluster.routed(lab, address, numbers(lab, first, *others))
    lab.kubectl("annotate", "node", first, "pointsman.dev/drain=true")
    cluster.routed(lab, address, numbers(lab, *others))
    lab.kubectl("annotate", "node", first, "pointsman.dev/drain-")
    cluster.routed(lab, address, numbers(lab, first, *others))


@pytest.mark.parametrize("fault", ["", "link:"], ids=["its power", "its cable"])
def test_a_node_that_lost_is_no_next_hop_until_it_is_back(lab: Bed, fault: str) -> None:
    lost, *others = names(lab)
    address = served(lab, lost, *others)
    cluster.routed(lab, address, numbers(lab, lost, *others))
    lab.fail(f"{fault}{lost}")
    cluster.routed(lab, address, numbers(lab, *others))
    cluster.answered(lab, address, *others, count=4)
    lab.heal(f"{fault}{lost}")
    cluster.routed(lab, address, numbers(lab, lost, *others))


def test_a_killed_manager_comes_back_and_the_address_is_the_same(lab: Bed) -> None:
    nodes = names(lab)
    address = served(lab, *nodes)
    cluster.routed(lab, address, numbers(lab, *nodes))
    lab.kill("manager")
    cluster.make(lab, "next", f"{nodes[0]}:1")
    assert cluster.held(lab, "next")[0] != address
    assert cluster.addresses(lab, "web") == [address]
    cluster.routed(lab, address, numbers(lab, *nodes))


def test_a_layer2_address_is_answered_by_the_node_that_is_named(lab: Bed) -> None:
    lab.api.create(
        f"{cluster.CRS}/eips",
        cluster.custom("Eip", "lan", {"addresses": LAN, "protocol": "layer2"}),
    )
    cluster.make(lab, "web", *(f"{node}:1" for node in names(lab)), notes={"eip": "lan"})
    address = cluster.held(lab, "web")[0]
    cluster.reported(lab, "web", "Announced", "True", "Announced")
    lab.wait("an answer", lambda: lab.get(address))
    node = cluster.notes(cluster.get(lab, "web"))["announced-by"].partition("/")[0]

    def neighbor() -> bool:
        known = lab.exec("router", "ip", "neigh", "show", "to", address).split()
        own = lab.exec(node, "ip", "link", "show", known[known.index("dev") + 1] if known else "lo")
        if "lladdr" not in known or known[known.index("lladdr") + 1] not in own:
            raise Broken(f"the router knows {known}; of {node}: {own}")
        return True

    lab.wait(f"the router to know {address} at {node}", neighbor)
