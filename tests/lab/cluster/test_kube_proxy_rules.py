"""What the kube-proxy stand-in programs, and that its transactions never contradict nft."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cluster.kube_proxy_rules import Programming, programming, usable
from lab.cluster.kube_proxy_rules import _endpoint as endpoint
from lab.cluster.kube_proxy_table import Table

VIP, CLUSTER = "198.51.100.0", "10.96.0.7"


def service(name: str = "web", *, policy: str = "Cluster", vip: str | None = VIP, **spec: Any):
    ingress = [] if vip is None else [{"ip": vip, "ipMode": "VIP"}]
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "clusterIPs": [CLUSTER],
            "ports": [{"port": 80, "protocol": "TCP"}],
        }
        | spec,
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def piece(*nodes: str, port: int = 8080, name: str = "", **conditions: bool):
    return {
        "addressType": "IPv4",
        "ports": [{"name": name, "port": port}],
        "endpoints": [
            {"addresses": [f"10.244.{n[4:]}.10"], "nodeName": n, "conditions": conditions}
            for n in nodes
        ],
    }


def verdict(made: Programming, address: str = VIP, port: int = 80) -> str:
    for (table, key), goal in made.elements.items():
        if key == f"{address} . tcp . {port}":
            return f"{table}: {goal}"
    return "nothing"


def reached(made: Programming, chain: str) -> list[str]:
    """Return the rules of *chain* and of those it always goes to."""
    rules = []
    for rule in made.chains[chain]:
        rules.append(rule)
        if rule.startswith("goto "):
            rules += reached(made, rule.removeprefix("goto "))
    return rules


def outer(made: Programming) -> list[str]:
    return reached(made, verdict(made).removeprefix("services4: goto "))


def test_cluster_is_masqueraded_over_all_endpoints() -> None:
    rules = outer(programming(service(), [piece("node1", "node2")], "node3"))
    assert rules[0] == "meta mark set meta mark | 0x4000"
    assert "0 : 10.244.1.10 . 8080, 1 : 10.244.2.10 . 8080" in rules[-1]


def test_local_keeps_the_client_and_to_the_node() -> None:
    made = programming(service(policy="Local"), [piece("node1", "node2")], "node2")
    rules = outer(made)
    assert "numgen random mod 1 map { 0 : 10.244.2.10 . 8080 }" in rules[-1]
    assert not any(r.startswith("meta mark set") for r in rules)


def test_a_node_port_leads_where_the_external_address_does() -> None:
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30080}]
    for policy, node in (("Cluster", "node3"), ("Local", "node1")):
        made = programming(service(policy=policy, ports=ports), [piece("node1")], node)
        goal = made.elements["nodeports4", "tcp . 30080"]
        assert verdict(made) == f"services4: {goal}"
    nobody = programming(service(ports=ports), [], "node1")
    assert not [key for table, key in nobody.elements if table.startswith("nodeports")]


def test_local_without_an_endpoint_here_drops_what_comes_from_outside() -> None:
    rules = outer(programming(service(policy="Local"), [piece("node1")], "node2"))
    assert rules[-1] == "drop"
    assert rules[0].startswith("ip saddr 10.244.0.0/16 goto ")


def test_no_endpoint_at_all_is_refused() -> None:
    assert verdict(programming(service(), [piece()], "node1")) == "idle4: goto refuse"
    assert verdict(programming(service(), [], "node1"), CLUSTER) == "idle4: goto refuse"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(service(vip=None), id="no address in the status"),
        pytest.param(service(type="ClusterIP"), id="no longer a LoadBalancer"),
        pytest.param(
            service() | {"status": {"loadBalancer": {"ingress": [{"ip": VIP, "ipMode": "Proxy"}]}}},
            id="ipMode Proxy",
        ),
    ],
)
def test_an_address_counts_only_as_a_vip_in_the_status(changed: Any) -> None:
    made = programming(changed, [piece("node1")], "node1")
    assert verdict(made) == "nothing"
    assert verdict(made, CLUSTER).startswith("services4")


def test_all_slices_count_together() -> None:
    made = programming(service(), [piece(), piece("node1")], "node2")
    assert "10.244.1.10 . 8080" in outer(made)[-1]


def test_a_slice_of_another_port_does_not_count() -> None:
    assert verdict(programming(service(), [piece("node1", name="metrics")], "n")).startswith(
        "idle4"
    )


@pytest.mark.parametrize(
    ("conditions", "used"),
    [
        pytest.param([{}, {"ready": False}], [0], id="absent means ready"),
        pytest.param(
            [{"ready": True}, {"ready": False, "serving": True, "terminating": True}],
            [0],
            id="terminating gives way to ready",
        ),
        pytest.param(
            [{"ready": False}, {"ready": False, "serving": True, "terminating": True}],
            [1],
            id="terminating but serving, when nobody is ready",
        ),
        pytest.param(
            [{"ready": False, "serving": False, "terminating": True}, {"ready": False}],
            [],
            id="neither ready nor serving and terminating",
        ),
    ],
)
def test_conditions_as_kube_proxy_reads_them(
    conditions: list[dict[str, bool]], used: list[int]
) -> None:
    every = [
        endpoint({"addresses": [f"10.244.1.1{n}"], "conditions": c}, 8080)
        for n, c in enumerate(conditions)
    ]
    assert usable(every) == [every[n] for n in used]


def test_equal_services_share_their_chains() -> None:
    slices = [piece("node1", "node2")]
    one = programming(service("a"), slices, "node1")
    two = programming(service("b", vip="198.51.100.1", clusterIPs=["10.96.0.8"]), slices, "node1")
    assert one.chains == two.chains
    assert not one.elements.keys() & two.elements.keys()


# --- transactions ---


class Nft:
    """As strict as the kernel: no double add, no missing delete, no chain in use deleted."""

    def __init__(self) -> None:
        self.chains: dict[str, list[str]] = {"refuse": []}
        self.elements: dict[tuple[str, str], str] = {}

    def run(self, text: str) -> None:
        for line in text.splitlines():
            verb, noun, _, _, name, rest = (*line.split(" ", 5), "")[:6]
            {
                "add chain": self.add_chain,
                "add rule": self.add_rule,
                "add element": self.add_elements,
                "delete element": self.delete_elements,
                "flush chain": self.flush,
                "delete chain": self.delete_chain,
            }[f"{verb} {noun}"](name, rest)

    def add_chain(self, name: str, _: str) -> None:
        assert name not in self.chains
        self.chains[name] = []

    def add_rule(self, name: str, rule: str) -> None:
        assert all(target in self.chains for target in re.findall(r"goto (\w+)", rule))
        self.chains[name].append(rule)

    def add_elements(self, name: str, rest: str) -> None:
        for entry in rest.strip("{ }").split(", "):
            key, _, goal = entry.partition(" : ")
            assert (name, key) not in self.elements
            assert goal.removeprefix("goto ") in self.chains
            self.elements[name, key] = goal

    def delete_elements(self, name: str, rest: str) -> None:
        for key in rest.strip("{ }").split(", "):
            del self.elements[name, key]

    def flush(self, name: str, _: str) -> None:
        self.chains[name].clear()

    def delete_chain(self, name: str, _: str) -> None:
        used = [r for rules in self.chains.values() for r in rules] + list(self.elements.values())
        assert not any(re.search(rf"goto {name}\b", use) for use in used)
        del self.chains[name]


NODES = st.lists(st.sampled_from(["node1", "node2", "node3"]), unique=True, max_size=3)
STATES = st.dictionaries(
    st.integers(1, 4), st.tuples(st.sampled_from(["Cluster", "Local"]), NODES), max_size=4
)


def wanted(state: dict[int, tuple[str, list[str]]]) -> dict[str, Programming]:
    made = {f"default/{n}": Programming() for n in range(1, 5)}
    for n, (policy, nodes) in state.items():
        one = service(str(n), policy=policy, vip=f"198.51.100.{n}", clusterIPs=[f"10.96.0.{n}"])
        made[f"default/{n}"] = programming(one, [piece(*sorted(nodes))], "node1")
    return made


@settings(deadline=None)
@given(st.lists(STATES, min_size=1, max_size=5))
def test_any_history_ends_where_a_fresh_start_does(
    history: list[dict[int, tuple[str, list[str]]]],
) -> None:
    lived, fresh, table = Nft(), Nft(), Table()
    for state in history:
        lived.run(table.change(wanted(state)))
    fresh.run(Table().change(wanted(history[-1])))
    assert (lived.chains, lived.elements) == (fresh.chains, fresh.elements)
    assert table.change(wanted(history[-1])) == ""
