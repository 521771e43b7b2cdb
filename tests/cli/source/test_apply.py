import json
from datetime import UTC, datetime

import pytest

from cli.source.apply import LAST_APPLIED, applied
from tests.cli.running import eip, obj, service

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def one(live: list[object], *documents: dict) -> dict:
    """The only object there is after applying."""
    [(_, raw)] = applied(live, [("f", document) for document in documents], now=NOW)
    assert isinstance(raw, dict)
    return raw


def standing(**spec) -> dict:
    meta = {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "7"}
    return obj("Service", "web", "v1", metadata=meta, spec={"type": "LoadBalancer", **spec},
               status={"loadBalancer": {"ingress": [{"ip": "198.51.100.0"}]}})  # fmt: skip


def test_an_apply_keeps_what_the_server_and_we_wrote() -> None:
    file = service(ports=[{"port": 81}])
    file["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    file["metadata"] |= {"uid": "stale", "resourceVersion": "1"}
    after = one([standing(clusterIP="10.96.0.9", ports=[{"port": 80}])], file)
    assert after["status"]["loadBalancer"]["ingress"] == [{"ip": "198.51.100.0"}]
    assert (after["metadata"]["uid"], after["metadata"]["resourceVersion"]) == ("u", "7")
    assert after["spec"] == {
        "type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [{"port": 81}]
    }  # fmt: skip


def test_a_namespace_left_out_is_default() -> None:
    file = obj("Service", "web", "v1", spec={"type": "ClusterIP"})
    assert one([standing()], file)["spec"]["type"] == "ClusterIP"


def test_a_field_goes_if_the_last_apply_named_it_or_the_file_says_null() -> None:
    live = standing(a=1, b={"c": 1, "d": 2}, e=3, f=4)
    last = {"spec": {"a": 1, "b": {"c": 1}}}
    live["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(last)}
    file = obj("Service", "web", "v1", spec={"b": {}, "e": None})
    assert one([live], file)["spec"] == {"type": "LoadBalancer", "b": {"d": 2}, "f": 4}


def test_what_is_the_servers_stays_though_the_last_apply_named_it() -> None:
    """`kubectl create --dry-run=client -o yaml` writes both, empty."""
    file = service(ports=[{"port": 81}])
    file["metadata"]["creationTimestamp"], file["status"] = None, {"loadBalancer": {}}
    live = standing(ports=[{"port": 80}])
    live["metadata"] |= {"creationTimestamp": "2026-01-01T00:00:00Z",
                         "annotations": {LAST_APPLIED: json.dumps(file)}}  # fmt: skip
    after = one([live], file)
    assert after["status"] == live["status"]
    assert after["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("notes", [None, {}, {"other": "x"}])
def test_annotations_of_others_stay_though_the_last_apply_had_some(notes: dict | None) -> None:
    """kubectl always writes `annotations: {}` into what it says it applied last."""
    live, last = standing(), service()
    last["metadata"]["annotations"] = {"ours": "x"}
    live["metadata"]["annotations"] = {
        LAST_APPLIED: json.dumps(last), "ours": "x", "pointsman.dev/share-key": "dns",
    }  # fmt: skip
    file = service()
    file["metadata"]["annotations"] = notes
    after = one([live], file)["metadata"]["annotations"]
    assert after == {
        LAST_APPLIED: json.dumps(last), "pointsman.dev/share-key": "dns", **(notes or {}),
    }  # fmt: skip


@pytest.mark.parametrize("last", ["{", "[]", "", "7", "9" * 5000, "[" * 100_000])
def test_an_unreadable_last_apply_takes_nothing_away(last: str) -> None:
    live = standing(a=1)
    live["metadata"]["annotations"] = {LAST_APPLIED: last}
    assert one([live], obj("Service", "web", "v1", spec={}))["spec"]["a"] == 1


def test_a_new_object_is_the_youngest() -> None:
    file = eip("new", "198.51.100.0")
    file["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z"
    meta = one([], file)["metadata"]
    assert meta == {"name": "new", "creationTimestamp": "2026-03-01T00:00:00Z", "generation": 1}


def test_lists_are_looked_into_on_both_sides_and_what_is_unreadable_stays() -> None:
    live = {"apiVersion": "v1", "kind": "ServiceList", "items": [
        {"metadata": {"name": name, "namespace": "default"}, "spec": {}} for name in "ab"
    ]}  # fmt: skip
    file = {"apiVersion": "v1", "kind": "List", "items": [obj("Service", "b", "v1", spec={"x": 1}),
                                                          7, {"kind": "Node"}]}  # fmt: skip
    found = applied([live], [("f", file)], now=NOW)
    assert [where for where, _ in found] == ["cluster", "f", "f", "f"]
    assert [raw.get("spec") if isinstance(raw, dict) else raw for _, raw in found] == [
        {}, {"x": 1}, 7, None
    ]  # fmt: skip
