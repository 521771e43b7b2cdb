"""The manager's socket and what it publishes of itself, on this host's own interfaces."""

import logging
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.heartbeat import OwnAddress, listen, sources, witness
from manager.snapshot import Node, NodeName
from pointsman.model.heartbeats import WitnessPorts
from pointsman.net.datagrams import Received, udp_socket
from pointsman.runtime.listen_address import ListenAddress


class Driver:
    """What the socket and the witness tell."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.found: list[tuple[Any, ...]] = []

    def received(self, got: Received) -> None:
        self.got.append(got)

    def drained(self, at_s: float, lost: bool) -> None:
        pass

    def probed(self, *found: Any) -> None:
        self.found.append(found)


def test_what_arrives_is_told_to_the_driver() -> None:
    driver: Any = Driver()
    with udp_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    sock = listen(ListenAddress("127.0.0.1", port), driver)
    assert sock is not None
    with udp_socket("127.0.0.1", 0) as agent:
        agent.sendto(b"beat", ("127.0.0.1", port))
        assert sock.drain()
    sock.close()
    assert [one.data for one in driver.got] == [b"beat"]


def test_a_port_that_is_taken_is_said_and_the_manager_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver: Any = Driver()
    with udp_socket("127.0.0.1", 0) as taken:
        where = ListenAddress("127.0.0.1", taken.getsockname()[1])
        with caplog.at_level(logging.ERROR):
            assert listen(where, driver) is None
    assert f"UDP {where} cannot be listened on (Address already in use)" in caplog.text
    assert "--heartbeat" in caplog.text


def test_the_addresses_published_are_those_that_nodes_are_answered_from() -> None:
    assert sources([ip_address("127.0.0.1"), ip_address("127.0.0.9")]) == (ip_address("127.0.0.1"),)
    both = sources([ip_address("::1"), ip_address("127.0.0.1")])
    assert [str(one) for one in both] == ["127.0.0.1", "::1"]


def own(where: ListenAddress, nodes: dict[NodeName, Node]) -> OwnAddress:
    return OwnAddress(name="a", where=where, public_key="key", nodes=lambda: nodes)


def test_a_replica_publishes_where_it_listens() -> None:
    nodes = {NodeName("n"): Node(NodeName("n"), internal_ips=(ip_address("127.0.0.1"),))}
    found = own(ListenAddress("", 7470), nodes)()
    assert found is not None
    assert (found.name, found.port, found.public_key) == ("a", 7470, "key")
    assert found.addresses == (ip_address("127.0.0.1"),)
    bound = own(ListenAddress("192.0.2.10", 1), nodes)()
    assert bound is not None
    assert bound.addresses == (ip_address("192.0.2.10"),)


def test_while_no_node_is_known_nothing_is_published() -> None:
    assert own(ListenAddress("", 7470), {})() is None


async def test_the_witness_tells_the_driver() -> None:
    driver: Any = Driver()
    asking = witness(driver, WitnessPorts())
    asking.start(NodeName("n"), "127.0.0.1", 1, hello=False)
    asking.collect()
    asking.close()
    ((node, port, _, _),) = driver.found
    assert (node, port) == ("n", 1)
