"""Every watched kind with any part replaced: read, or found unreadable; never a crash.

What is read goes all the way: into the caches, through a plan, into the bodies of writes.
The seed is fixed: the same objects every time.
"""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.record_codec import service_patch, service_release, status_patch
from manager.adapters.kubernetes.secret_codec import Secret, secret
from manager.adapters.kubernetes.session_entries import listed
from manager.planner.plan import plan
from manager.snapshot import Observed, Settings
from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from tests.oddities import VALUES, nested, paths, with_value

NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
STAMP: Final = "2026-11-28T11:00:00Z"


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": STAMP,
        "labels": {"team": "a"},
        "annotations": {"pointsman.dev/eip": "vlan20", "pointsman.dev/share-key": "k"},
        **more,
    }


def condition(kind: str, status: str = "True") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "Because",
        "message": "It is so.",
        "lastTransitionTime": STAMP,
        "observedGeneration": 2,
    }


OBJECTS: Final[Mapping[client.Kind, dict[str, Any]]] = {
    client.SERVICES: {
        "metadata": meta("web", namespace="default"),
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "clusterIP": "10.96.0.10",
            "clusterIPs": ["10.96.0.10"],
            "loadBalancerIP": "198.51.100.7",
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "nodePort": 30080}],
            "selector": {"app": "web"},
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": "198.51.100.7", "ipMode": "VIP"}]},
            "conditions": [condition("pointsman.dev/Allocated"), condition("other.example/Fine")],
        },
    },
    client.ENDPOINT_SLICES: {
        "metadata": meta(
            "web-1", namespace="default", labels={"kubernetes.io/service-name": "web"}
        ),
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["203.0.113.5"],
                "nodeName": "node1",
                "conditions": {"ready": True, "serving": True, "terminating": False},
            }
        ],
        "ports": [{"name": "http", "port": 8080}],
    },
    client.NODES: {
        "metadata": meta("node1"),
        "spec": {"podCIDRs": ["203.0.113.0/28"], "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": "192.0.2.11"},
                {"type": "Hostname", "address": "node1"},
            ],
            "conditions": [condition("Ready"), condition("NetworkUnavailable", "False")],
        },
    },
    client.NAMESPACES: {"metadata": meta("default"), "status": {"phase": "Active"}},
    client.EIPS: {
        "metadata": meta("vlan20", finalizers=["pointsman.dev/in-use"]),
        "spec": {
            "addresses": ["198.51.100.0/28"],
            "exclude": ["198.51.100.1"],
            "default": True,
            "serviceSelector": {"matchLabels": {"team": "a"}},
        },
        "status": {
            "observedGeneration": 2,
            "allocated": 1,
            "available": 13,
            "conditions": [condition("Ready")],
        },
    },
    client.BGP_CONFS: {
        "metadata": meta("default"),
        "spec": {"as": 64501, "routerId": "198.18.0.1"},
        "status": {"observedGeneration": 2, "conditions": [condition("Ready")]},
    },
    client.BGP_PEERS: {
        "metadata": meta("tor-1"),
        "spec": {"address": "192.0.2.1", "as": 64500},
        "status": {
            "observedGeneration": 2,
            "conditions": [condition("Established")],
            "speakers": [{"name": "a", "state": "Established", "advertised": 3}],
        },
    },
    client.ANNOUNCERS: {
        "metadata": meta("node1", ownerReferences=[{"kind": "Node", "name": "node1", "uid": "u"}]),
        "spec": {},
        "status": {
            "agentVersion": "1",
            "interfaces": [
                {"name": "eth0", "mac": "02:00:00:00:00:11", "up": True,
                 "addresses": ["192.0.2.11/24"]}
            ],
            "defaultRoute": {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}},
            "proxy": {"healthy": True},
            "conditions": [condition("Ready")],
        },
    },
}  # fmt: skip


def view() -> ClusterView:
    """Return a view in which every object is as it should be."""
    made = ClusterView(None, wake=lambda: None, rng=random.Random(1))  # type: ignore[arg-type]
    for kind, raw in OBJECTS.items():
        made.caches[kind].replace_all([{"kind": kind.name, **raw}], "7", begun_at=0)
    assert made.in_sync
    assert not made.malformed
    return made


def judged(whole: ClusterView) -> None:
    """Plan what is known, and make the bodies of every write that follows."""
    snapshot = whole.snapshot(speakers=(Observed(),), settings=Settings(), taken_at=NOW)
    decided = plan(snapshot)
    for key, service in snapshot.services.items():
        json.dumps(service_release(service))
        if key in decided.services:
            json.dumps(service_patch(service, decided.services[key], now=STAMP))
    kinds: dict[str, Mapping[Any, Any]] = {
        "Eip": snapshot.eips,
        "BgpConf": snapshot.bgp_confs,
        "BgpPeer": snapshot.bgp_peers,
    }
    for about, status in decided.statuses.items():
        resource = kinds[about.kind].get(about.name)
        if resource is not None:
            json.dumps(status_patch(resource, status, now=STAMP))
    for peer in snapshot.bgp_peers.values():
        json.dumps(listed(peer))


def receive(cache: Cache[Any, Any], raw: object) -> None:
    """Take *raw* as the answer to a request, as it would come over the wire."""
    try:
        thing = answer.as_thing(answer.decoded(json.dumps(raw).encode()))
    except Garbled:
        return
    cache.put(thing)
    cache.replace_all([thing], "8", begun_at=0)


def changed(kind: client.Kind) -> dict[str, Any]:
    """Return the good object of *kind* in a newer version: the cache looks at it again."""
    meta = {**OBJECTS[kind]["metadata"], "resourceVersion": "8"}
    return {"kind": kind.name, **OBJECTS[kind], "metadata": meta}


def odd(kind: client.Kind) -> st.SearchStrategy[Any]:
    """Return objects of *kind* with up to two of their parts replaced by something odd."""
    values = st.sampled_from([*VALUES, nested(40), nested(300)])

    def once(raw: Any) -> st.SearchStrategy[Any]:
        found = paths(raw)
        return st.builds(with_value, st.just(raw), st.sampled_from(found), values)

    one = once(changed(kind))
    return one | one.flatmap(lambda raw: once(raw) if paths(raw) else st.just(raw))


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
def test_an_odd_object_harms_nobody(kind: client.Kind) -> None:
    @settings(derandomize=True, max_examples=80, deadline=None, database=None)
    @given(odd(kind))
    def tried(raw: Any) -> None:
        whole = view()
        receive(whole.caches[kind], raw)
        judged(whole)

    tried()


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
def test_each_part_of_an_object_may_be_missing_or_null(kind: client.Kind) -> None:
    """Exhaustive, one part at a time: what a fuzz of two hundred may not reach."""
    raw = changed(kind)
    values: tuple[Any, ...] = (None, [], {}, "x", 7, -1)
    for path in paths(raw):
        for value in values:
            whole = view()
            receive(whole.caches[kind], with_value(raw, path, value))
            judged(whole)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param(client.SERVICES, ("spec", "ports"), id="Service"),
        pytest.param(client.NODES, ("status", "conditions"), id="Node"),
        pytest.param(client.EIPS, ("metadata", "labels"), id="Eip"),
        pytest.param(client.ANNOUNCERS, ("metadata", "ownerReferences"), id="Announcer"),
    ],
)
def test_a_malformed_object_is_reported_and_what_was_known_stays(
    kind: client.Kind, path: tuple[str, ...]
) -> None:
    whole = view()
    before = dict(whole.caches[kind].items)
    receive(whole.caches[kind], with_value(changed(kind), path, 7))
    assert dict(whole.caches[kind].items) == before
    (sentence,) = whole.malformed
    assert path[-1] in sentence


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(st.data())
def test_an_odd_secret_is_left_out(data: Any) -> None:
    raw = {
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n", "resourceVersion": "7"},
        "data": {"password": "c2VjcmV0"},
    }
    path = data.draw(st.sampled_from(paths(raw)))
    odd_raw = with_value(raw, path, data.draw(st.sampled_from(VALUES)))
    cache = Cache[str, Secret](key=lambda one: one.name, parse=secret, wake=lambda: None)
    receive(cache, odd_raw)
    assert all("c2Vj" not in sentence for sentence in cache.malformed.values())
