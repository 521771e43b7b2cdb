"""Whatever text anybody writes into any field: our messages are lines, and fit where they go."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from manager.adapters.kubernetes.objects import snapshot_of
from manager.planner.addresses.explain import explain_address, explain_eips
from manager.planner.whatif import settle
from manager.snapshot import ServiceKey
from pointsman.model.address import Address
from pointsman.model.names import STATUS
from pointsman.model.ranges import read_address
from pointsman.model.record import ServiceRecord

OURS = "pointsman.dev/v1alpha1"
EVIL = "\x1b[31m\r\n\u2028\u202e\u200b\x85\ud800\ue000"
MARK = "Q"  # in no message of ours
TEXTS = [
    pytest.param(f"{EVIL}x", id="unprintable"),
    pytest.param(MARK * 200_000, id="200 KB"),
    pytest.param(f"{EVIL}{MARK * 100}," * 1000, id="a long list"),
]


def _object(kind: str, name: str, version: str = OURS, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def _service(name: str, notes: dict[str, str], **spec: Any) -> dict[str, Any]:
    return _object(
        "Service", name, "v1",
        metadata={
            "namespace": "default", "labels": {"app": "web"},
            "annotations": {f"pointsman.dev/{key}": text for key, text in notes.items()},
        },
        spec={"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [
            {"name": "http", "protocol": "TCP", "port": 80}], **spec},
        status={
            "loadBalancer": {"ingress": [{"ip": "198.51.100.1", "hostname": "", "ipMode": "VIP"}]},
            "conditions": [{
                "type": "pointsman.dev/Allocated", "status": "True", "reason": "Allocated",
                "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        },
    )  # fmt: skip


def cluster() -> list[dict[str, Any]]:
    """Return objects in which every field that ends up in a message is filled."""
    return [
        _object("BgpConf", "default", spec={
            "as": 64501, "routerId": "192.0.2.9", "communityAliases": {"cheap": "65000:1"}}),
        _object("BgpPeer", "tor-1", spec={
            "address": "192.0.2.1", "as": 64500, "sourceAddress": "192.0.2.10",
            "passwordSecretRef": {"name": "tor", "key": "password"},
            "nextHops": {"nodeSelector": {"matchLabels": {"rack": "1"}}}}),
        _object("BgpPeer", "tor-2", spec={"address": "192.0.2.2", "as": 64500}),
        _object("Eip", "public", spec={
            "addresses": ["198.51.100.0/28", "2001:db8:100::/64"], "exclude": ["198.51.100.9"],
            "default": True, "protocol": "bgp",
            "namespaceSelector": {"matchExpressions": [{"key": "t", "operator": "DoesNotExist"}]},
            "bgp": {"communities": ["65000:100", "cheap"], "peers": ["tor-1", "tor-2"]}}),
        _object("Eip", "closed", spec={"addresses": ["203.0.113.0/28"], "namespaces": ["other"]}),
        _service("web", {"eip": "public", "share-key": "k", "share-namespaces": "a,b",
                         "allocated-from": "public/198.51.100.1", "shared-as": "{}",
                         "announced-by": "bgp", "status": "s"}),
        _service("asks", {"addresses": "198.51.100.3"}, loadBalancerIP="198.51.100.4"),
        _service("shares", {"share-key": "k"}, externalTrafficPolicy="Local",
                 loadBalancerClass="pointsman.dev/lb", ipFamilyPolicy="SingleStack",
                 ipFamilies=["IPv4"]),
        _object("Namespace", "default", "v1", metadata={"labels": {"team": "a"}}),
        _object("Node", "node1", "v1", metadata={
            "labels": {"rack": "1"}, "annotations": {"pointsman.dev/drain": "true"}},
            spec={"taints": [{"key": "a", "effect": "NoSchedule"}], "podCIDRs": ["10.244.1.0/24"]},
            status={"addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
                    "conditions": [{"type": "Ready", "status": "True", "reason": "r",
                                    "message": "m"}]}),
        _object("EndpointSlice", "web-1", "discovery.k8s.io/v1",
            metadata={"namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            addressType="IPv4",
            endpoints=[{"nodeName": "node1", "addresses": ["10.244.1.10"]}]),
        _object("Announcer", "node1", status={
            "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01", "up": True,
                            "addresses": ["192.0.2.11/24", "198.51.100.5/32"]}],
            "defaultRoute": {"ipv4": {"gateway": "198.51.100.6", "interface": "eth0"}},
            "proxy": {"healthy": True, "message": "m"}}),
    ]  # fmt: skip


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every text in *value*, and to every key that a user chooses."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        if isinstance(item, dict | list):
            yield from _places(item, (*at, key))
        elif isinstance(item, str):
            yield (*at, key)


def _changed(place: tuple[Any, ...], text: str) -> list[dict[str, Any]]:
    objects = copy.deepcopy(cluster())
    inner: Any = objects
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = text
    return objects


def messages(objects: list[dict[str, Any]]) -> Iterator[str]:
    """Yield everything that is said of *objects*, wherever it is said."""
    snapshot, problems = snapshot_of(objects)
    yield from problems
    found, plan = settle(snapshot)
    assert not plan.failures, plan.failures
    for key, allocation in plan.allocations.services.items():
        yield str(allocation.verdict)
        yield from (one.why for one in allocation.refusals)
        yield from (f"{one.excluded_by}{one.despite}" for one in plan.announcements[key].candidates)
        yield from (one.why for one in explain_eips(found, found.services[key]))
    yield from (c.message for one in plan.services.values() for c in one.conditions.values())
    yield from (c.message for one in plan.statuses.values() for c in one.conditions.values())
    address: Address = read_address("198.51.100.3")
    yield explain_address(found, plan.allocations, address).summary
    for service in snapshot.services.values():
        if (record := plan.services.get(service.key)) is not None:
            yield record.annotations.get(STATUS, "")
            _fits(service.annotations, record)


def _fits(theirs: Any, record: ServiceRecord) -> None:
    """The API server takes the write: 256 KiB of annotations, conditions of 32768 characters."""
    together = {**theirs, **record.annotations}
    size = sum(len(k) + len(v.encode(errors="surrogatepass")) for k, v in together.items())
    if sum(len(k) + len(v.encode(errors="surrogatepass")) for k, v in theirs.items()) <= 2**18:
        assert size <= 2**18
    assert all(len(one.message.encode()) <= 32_768 for one in record.conditions.values())
    assert record.conditions


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_in_any_field_makes_messages_that_are_lines(text: str) -> None:
    for place in _places(cluster()):
        for sentence in messages(_changed(place, text)):
            where = f"{place}: {sentence[:300]!r}"
            assert sentence.isprintable(), where
            assert len(sentence) <= 32_768, where
            assert MARK * 65 not in sentence, where


def test_a_share_key_of_200_kb_leaves_room_for_the_address() -> None:
    objects = [*cluster(), _service("long", {"share-key": MARK * 200_000})]
    objects[-1]["status"] = {}
    _, plan = settle(snapshot_of(objects)[0])
    record = plan.services[ServiceKey("default/long")]
    assert record.conditions["pointsman.dev/Allocated"].status == "True"
    assert len(record.annotations["pointsman.dev/shared-as"]) < 200
    assert record.annotations[STATUS]


def test_annotations_that_leave_no_room_cost_ours_and_not_the_verdict() -> None:
    objects = [*cluster(), _service("full", {"eip": "gone", "x": "y" * (2**18 - 60)})]
    objects[-1]["status"] = {}
    _, plan = settle(snapshot_of(objects)[0])
    record = plan.services[ServiceKey("default/full")]
    assert record.conditions["pointsman.dev/Allocated"].reason == "EipNotFound"
    assert record.annotations == {}


def test_terms_that_were_recorded_whole_are_still_the_same_terms() -> None:
    from manager.planner.addresses.claims import read_claim
    from manager.planner.addresses.sharing import _whole, terms, terms_rank

    (service,) = snapshot_of([_service("web", {"share-key": "k" * 3000})])[0].services.values()
    claim = read_claim(service)
    assert claim.share is not None
    for recorded in (_whole(claim.share), terms(claim.share)):
        noted = _service("web", {"share-key": "k" * 3000, "shared-as": recorded})
        (service,) = snapshot_of([noted])[0].services.values()
        assert terms_rank(read_claim(service))[0] == 0
