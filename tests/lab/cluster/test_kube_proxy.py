"""Whose rules the stand-in for kube-proxy writes, and from where it enters their namespaces."""

from pathlib import Path

from lab.cluster.kube_proxy import proxies_of
from lab.network.topology import Topology

FLAGS = Path("/flags")


def test_one_process_serves_all_nodes_of_a_lab_each_in_its_namespace() -> None:
    topology = Topology("one", node_count=2)
    proxies = proxies_of(topology, FLAGS, here="")
    assert [proxy.namespace for proxy in proxies] == ["pm-one-node1", "pm-one-node2"]
    assert [proxy.flag for proxy in proxies] == [FLAGS / "node1", FLAGS / "node2"]


def test_on_a_node_of_its_own_it_serves_that_one_where_it_is() -> None:
    (proxy,) = proxies_of(Topology("one", node_count=2), FLAGS, here="node2")
    assert (proxy.node.name, proxy.namespace, proxy.flag) == ("node2", "", FLAGS / "node2")
