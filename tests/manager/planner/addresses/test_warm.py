"""A warm memo answers what a cold one would, in the same order; what is equal stays."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from manager.planner.addresses.ownership import PartitionMemo, partition_services
from manager.planner.addresses.pools import PoolsMemo, read_pools
from manager.snapshot import (
    Announcer,
    Eip,
    EipName,
    Interface,
    Node,
    NodeName,
    Observed,
    Resource,
    ServiceKey,
    Snapshot,
)
from pointsman.api import BgpPeerSpec
from pointsman.model.route import Neighbor, PeerName
from tests.manager.planner.addresses.addressing import cluster, eip, labels, service, stranger

Change = Callable[[random.Random, Snapshot], Snapshot]
PEER = PeerName("tor")


SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"default": True},
    {"disabled": True},
    {"exclude": ("192.0.2.1",)},
    {"deleting": True},
    {"service_selector": labels(tier="gold")},
    {"namespaces": ("a",)},
)


def put(mapping: Mapping[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """*mapping* with *value* under *key*, which may come last; None: without."""
    return {**{k: v for k, v in mapping.items() if k != key}, **({key: value} if value else {})}


def some_service(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    key = f"{luck.choice('ab')}/{luck.choice('stuvwxyz')}"
    held = luck.choice([(), ("192.0.2.1",), ("192.0.2.2", "198.51.100.9"), ("203.0.113.5",)])
    cluster_ips = (ip_address(f"192.0.2.{luck.randrange(250)}"),) * luck.choice([0, 1])
    more: dict[str, Any] = {
        "created": str(luck.randrange(9)),
        "cluster_ips": cluster_ips,
        "type": luck.choice(["LoadBalancer"] * 3 + ["ClusterIP"]),
        "load_balancer_class": luck.choice([None, None, "pointsman.dev/lb", "other"]),
        "labels": luck.choice([{}, {"tier": "gold"}]),
    }
    made = luck.choice([service, stranger])(key, *held, **more)
    gone = luck.random() < 0.2
    return replace(snapshot, services=put(snapshot.services, made.key, None if gone else made))


def some_status(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    """Every object is another one, and says what it said."""
    version = str(luck.random())
    return replace(
        snapshot,
        eips={k: replace(v, resource_version=version) for k, v in snapshot.eips.items()},
        bgp_peers={k: replace(v, resource_version=version) for k, v in snapshot.bgp_peers.items()},
        announcers={
            k: replace(v, resource_version=version) for k, v in snapshot.announcers.items()
        },
        nodes={
            k: replace(v, ready=luck.choice(["True", "False"])) for k, v in snapshot.nodes.items()
        },
        services={k: replace(v, resource_version=version) for k, v in snapshot.services.items()},
    )


def some_eip(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    name = luck.choice("pqr")
    blocks = luck.sample(["192.0.2.0/29", "192.0.2.4/30", "2001:db8::/127", "198.51.100.0/24"], 2)
    spec = luck.choice(SPECS)
    made: Eip | None = eip(name, *blocks, created=str(luck.randrange(3)), **spec)
    if luck.random() < 0.2:
        made = luck.choice([None, Resource(name, None, "it is wrong")])
    return replace(snapshot, eips=put(snapshot.eips, EipName(name), made))


def some_node(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    name = NodeName(luck.choice(["n1", "n2"]))
    ips = tuple(ip_address(f"192.0.2.{n}") for n in luck.sample(range(8), 2))
    cidrs = (ip_network("192.0.2.0/30"),) * luck.choice([0, 1])
    made = luck.choice([None, Node(name, internal_ips=ips, pod_cidrs=cidrs)])
    return replace(snapshot, nodes=put(snapshot.nodes, name, made))


def some_announcer(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    name = NodeName(luck.choice(["n1", "n2"]))
    near = (ip_interface(f"192.0.2.{luck.randrange(8)}/24"),)
    gateways = tuple(ip_address(f"192.0.2.{n}") for n in luck.sample(range(8), 2))
    interface = Interface(luck.choice(["eth0", "kube-ipvs0"]), addresses=near)
    made = luck.choice([None, Announcer(name, interfaces=(interface,), gateways=gateways)])
    return replace(snapshot, announcers=put(snapshot.announcers, name, made))


def some_peer(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    spec = BgpPeerSpec(address=ip_address(f"192.0.2.{luck.randrange(8)}"), asn=64500)
    made = luck.choice([None, Resource(PEER, spec), Resource(PEER, None, "it is wrong")])
    neighbor = Neighbor(address=ip_address(f"192.0.2.{luck.randrange(8)}"), asn=64500)
    speaker = Observed(neighbors=luck.choice([{}, {PEER: neighbor}]))
    peers = put(snapshot.bgp_peers, PEER, made)
    return replace(snapshot, bgp_peers=peers, speakers=(speaker,))


def some_setting(luck: random.Random, snapshot: Snapshot) -> Snapshot:
    settings = replace(snapshot.settings, require_class=luck.random() < 0.3)
    return replace(snapshot, settings=settings, namespaces={"a": {"kind": luck.choice("xy")}})


CHANGES: tuple[Change, ...] = (
    some_service,
    some_service,
    some_status,
    some_eip,
    some_node,
    some_announcer,
    some_peer,
    some_setting,
)


def ordered(value: Any) -> Any:
    """*value* with every mapping as its items, in their order."""
    if isinstance(value, Mapping):
        return [(key, ordered(one)) for key, one in value.items()]
    return value


@pytest.mark.parametrize("seed", range(30))
def test_pools_and_partition_are_what_they_would_be_made_anew(seed: int) -> None:
    luck, snapshot = random.Random(seed), Snapshot()
    pools_memo, partition_memo = PoolsMemo(), PartitionMemo()
    for _ in range(60):
        snapshot = luck.choice(CHANGES)(luck, snapshot)
        pools = read_pools(snapshot)
        warm = read_pools(snapshot, pools_memo)
        assert warm == pools
        assert ordered(warm.by_name) == ordered(pools.by_name)
        partition = partition_services(snapshot, pools)
        again = partition_services(snapshot, warm, partition_memo)
        assert ordered(again.ours) == ordered(partition.ours)
        assert ordered(again.left_alone) == ordered(partition.left_alone)


def test_what_only_writes_a_status_leaves_pools_as_they_are() -> None:
    luck, snapshot, memo = random.Random(7), Snapshot(), PoolsMemo()
    for _ in range(60):
        snapshot = luck.choice(CHANGES)(luck, snapshot)
        pools = read_pools(snapshot, memo)
        assert read_pools(some_status(luck, snapshot), memo) is pools


def test_a_service_that_changes_is_the_only_one_asked_about() -> None:
    memo = PartitionMemo()
    snapshot = cluster(*map(service, ("a/1", "a/2", "b/1")))
    pools = read_pools(snapshot)
    before = partition_services(snapshot, pools, memo)
    changed = replace(snapshot.services[ServiceKey("a/2")], resource_version="2")
    snapshot = replace(snapshot, services={**snapshot.services, changed.key: changed})
    after = partition_services(snapshot, pools, memo)
    assert [after.ours[key] is before.ours[key] for key in after.ours] == [True, False, True]
