"""A data centre of two racks, as objects: something of everything that a map shows."""

from tests.cli.running import conf, eip, endpoints, node, obj, peer, service

ZONE = "topology.kubernetes.io/zone"


def racks() -> list[dict]:
    """Three routers, five nodes of which one drains, four Eips, and a Service for each case."""
    drained = {"pointsman.dev/drain": "true"}
    return [
        conf(),
        peer("tor-a", "192.0.2.1"),
        peer("tor-b", "192.0.2.2", nextHops={"nodeSelector": {"matchLabels": {ZONE: "rack-b"}}}),
        peer("spare", "192.0.2.3", disabled=True),
        eip("public", "198.51.100.0/28"),
        eip("weighted", "203.0.113.0/29", default=False, bgp={"weighting": "Endpoints"}),
        eip("lan", "192.0.2.64/28", default=False, protocol="layer2"),
        eip("routed", "203.0.113.64/30", default=False, protocol="kernel"),
        *(_node(n, "rack-a" if n <= 3 else "rack-b", {}) for n in range(1, 5)),
        _node(5, "rack-b", drained),
        *(_report(n) for n in range(1, 6)),
        service("web"), endpoints("web", "node1", "node2"),
        service("shop"), endpoints("shop", "node3"),
        service("mail"),
        service("local", externalTrafficPolicy="Local"), endpoints("local", "node2", "node4"),
        service("api", notes={"eip": "weighted"}), endpoints("api", *["node1"] * 3, "node4"),
        service("printer", notes={"eip": "lan"}), endpoints("printer", "node1"),
        service("cni", notes={"eip": "routed"}), endpoints("cni", "node2"),
        service("lost", notes={"eip": "nope"}),
    ]  # fmt: skip


def change() -> list[dict]:
    """A new Service, and one that wants another Eip."""
    return [
        service("new"), endpoints("new", "node1"), service("web", notes={"eip": "weighted"}),
    ]  # fmt: skip


def _node(number: int, rack: str, annotations: dict[str, str]) -> dict:
    found = node(f"node{number}", f"192.0.2.{10 + number}")
    found["metadata"] |= {"labels": {ZONE: rack}, "annotations": annotations}
    return found


def _report(number: int) -> dict:
    eth0 = {"name": "eth0", "up": True, "mac": f"02:00:00:00:00:{number:02x}",
            "addresses": [f"192.0.2.{10 + number}/24"]}  # fmt: skip
    status = {"interfaces": [eth0], "proxy": {"healthy": True}, "netAdmin": True}
    return obj("Announcer", f"node{number}", status=status)
