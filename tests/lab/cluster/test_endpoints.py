import pytest

from lab.cluster.endpoints import Pods, parse, service_name, slices
from lab.network.topology import Topology
from pointsman.runtime.errors import Misuse

LAB = Topology()
SERVICE = {
    "metadata": {"namespace": "default", "name": "web"},
    "spec": {
        "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    },
}


def shown(pods: list[Pods]) -> list[str]:
    return [f"{p.node.name}:{p.count}:{p.health.name.lower()}" for p in pods]


def test_words_become_pods() -> None:
    words = ["node1:2", "node3:1:terminating", "node2:1:unready"]
    assert shown(parse(words, LAB)) == ["node1:2:ready", "node3:1:terminating", "node2:1:unready"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["node1"], "isn't NODE:COUNT"),
        (["node1:x"], "isn't NODE:COUNT"),
        (["node1:1:sleepy"], "isn't NODE:COUNT"),
        (["node4:1"], "has no node 'node4': it has node1, node2, node3"),
        (["node1:4"], "node1 has 3 pods, not 4"),
        (["node1:2", "node1:2:unready"], "node1 has 3 pods, not 4"),
    ],
)
def test_bad_words_are_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        parse(words, LAB)


def test_a_lab_with_more_pods_has_them() -> None:
    (found,) = parse(["node1:4"], Topology(pods_per_node=4))
    assert found.count == 4
    assert str(found.node.pods[3][0].ip) == "10.244.1.13"


@pytest.mark.parametrize("text", ["web", "/web", "default/", "a/b/c", ""])
def test_a_service_is_namespace_and_name(text: str) -> None:
    with pytest.raises(Misuse, match="write NAMESPACE/NAME"):
        service_name(text)
    assert service_name("default/web") == ("default", "web")


def test_one_slice_per_family_with_all_ports() -> None:
    v4, v6 = slices(SERVICE, parse(["node1:1", "node1:1:terminating"], LAB))
    assert (v4["addressType"], v6["addressType"]) == ("IPv4", "IPv6")
    assert [e["addresses"] for e in v4["endpoints"]] == [["10.244.1.10"], ["10.244.1.11"]]
    assert [e["addresses"] for e in v6["endpoints"]] == [
        ["2001:db8:244:1::10"],
        ["2001:db8:244:1::11"],
    ]
    assert v4["endpoints"][1]["conditions"] == {
        "ready": False,
        "serving": True,
        "terminating": True,
    }
    assert v4["endpoints"][0]["nodeName"] == "node1"
    assert [(p["name"], p["port"], p["protocol"]) for p in v4["ports"]] == [
        ("http", 8080, "TCP"),
        ("dns", 8080, "UDP"),
    ]
    assert v4["metadata"]["labels"]["kubernetes.io/service-name"] == "web"


def test_no_words_mean_that_nobody_serves() -> None:
    assert [piece["endpoints"] for piece in slices(SERVICE, [])] == [[], []]
