from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.record_codec import (
    finalizers,
    service_patch,
    service_record,
    service_release,
    status_patch,
    status_record,
)
from pointsman.model.names import ALLOCATED, OUR_ANNOTATIONS, OUR_CONDITIONS
from pointsman.model.record import ConditionValue, ServiceRecord, StatusRecord
from tests.merging import merged

THEN, NOW = "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"
ANNOUNCED = "pointsman.dev/Announced"
FOREIGN = {
    "type": "example.com/Seen",
    "status": "True",
    "lastTransitionTime": THEN,
    "reason": "Seen",
    "message": "theirs",
    "observedGeneration": 3,
}


def condition(name: str, status: str = "True", since: str = THEN, **more) -> dict[str, Any]:
    base = {"type": name, "status": status, "lastTransitionTime": since}
    return base | {"reason": "R", "message": "m"} | more


def service(*conditions: dict, ingress: Any = (), annotations: Any = None) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "resourceVersion": "17",
            "annotations": {"pointsman.dev/eip": "public", **(annotations or {})},
        },
        "spec": {"type": "LoadBalancer"},
        "status": {"conditions": list(conditions), "loadBalancer": {"ingress": list(ingress)}},
    }


def patched(raw: dict, record: ServiceRecord) -> dict[str, Any]:
    return service_patch(codec.service(raw), record, now=NOW)


RECORD = ServiceRecord(
    ingress=("198.51.100.0",),
    annotations={"pointsman.dev/allocated-from": "public/198.51.100.0"},
    conditions={
        ALLOCATED: ConditionValue("True", "R", "m"),
        ANNOUNCED: ConditionValue("False", "NoPeer", "m"),
    },
)


def test_one_patch_carries_everything() -> None:
    assert patched(service(FOREIGN), RECORD) == {
        "metadata": {
            "resourceVersion": "17",
            "annotations": {"pointsman.dev/allocated-from": "public/198.51.100.0"},
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": "198.51.100.0", "ipMode": "VIP"}]},
            "conditions": [
                FOREIGN,
                condition(ALLOCATED, since=NOW),
                condition(ANNOUNCED, "False", since=NOW, reason="NoPeer"),
            ],
        },
    }


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param(condition(ALLOCATED, "False"), NOW, id="its status turns"),
        pytest.param(condition(ALLOCATED, message="other"), THEN, id="its words change"),
    ],
)
def test_the_time_of_a_condition_moves_with_its_status_only(before, since) -> None:
    conditions = patched(service(before), RECORD)["status"]["conditions"]
    assert conditions[0]["lastTransitionTime"] == since


def test_what_does_not_change_is_not_sent() -> None:
    raw = service(
        condition(ALLOCATED),
        condition(ANNOUNCED, "False", reason="NoPeer"),
        ingress=[{"ip": "198.51.100.0", "ipMode": "VIP"}],
        annotations={"pointsman.dev/status": "old words"},
    )
    assert patched(raw, RECORD) == {
        "metadata": {
            "resourceVersion": "17",
            "annotations": {
                "pointsman.dev/allocated-from": "public/198.51.100.0",
                "pointsman.dev/status": None,
            },
        }
    }


@pytest.mark.parametrize(
    ("raw", "ours"),
    [
        pytest.param(service(), False, id="a user's annotations are no mark"),
        pytest.param(service(FOREIGN), False, id="nor are other conditions"),
        pytest.param(service(ingress=[{"ip": "192.0.2.1"}]), False, id="nor is an address"),
        pytest.param(service(condition(ALLOCATED)), True, id="a condition is"),
        pytest.param(
            service(annotations=dict.fromkeys(sorted(OUR_ANNOTATIONS), "x")),
            False,
            id="nor is any annotation, whatever its name: who edits a Service writes them",
        ),
    ],
)
def test_marks(raw: dict, ours: bool) -> None:
    assert (service_record(codec.service(raw)) is not None) is ours


@pytest.mark.parametrize(
    "entry",
    [{"hostname": "lb.example.com"}, {"ip": "198.51.100.0", "ipMode": "Proxy"}],
    ids=["a hostname", "an address in another mode"],
)
def test_an_entry_we_would_not_write_is_no_address_of_ours(entry: dict) -> None:
    record = service_record(codec.service(service(condition(ALLOCATED), ingress=[entry])))
    assert record is not None
    assert record.ingress != RECORD.ingress


VIP_0 = {"ip": "198.51.100.0", "ipMode": "VIP"}
OTHER = {"ip": "203.0.113.9", "ipMode": "VIP"}
FROM = {"pointsman.dev/allocated-from": "public/198.51.100.0"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(
            service(FOREIGN, condition(ALLOCATED), ingress=[VIP_0], annotations=FROM),
            {"loadBalancer": {"ingress": None}, "conditions": [FOREIGN]},
            id="ours go, others' stay",
        ),
        pytest.param(
            service(condition(ALLOCATED), ingress=[OTHER, VIP_0], annotations=FROM),
            {"loadBalancer": {"ingress": [OTHER]}, "conditions": None},
            id="an address that another controller added stays",
        ),
        pytest.param(
            service(condition(ALLOCATED), ingress=[VIP_0]),
            {"loadBalancer": {"ingress": None}, "conditions": None},
            id="the annotation was removed: the condition still says the address is ours",
        ),
        pytest.param(
            service(condition(ALLOCATED, "False"), ingress=[OTHER]),
            {"conditions": None},
            id="we never gave an address",
        ),
        pytest.param(
            service(ingress=[VIP_0], annotations=FROM),
            None,
            id="a forged annotation alone takes no address away",
        ),
        pytest.param(
            service(
                condition(ALLOCATED),
                ingress=[{"ip": "2001:DB8:0::1", "ipMode": "VIP"}],
                annotations={"pointsman.dev/allocated-from": "public/2001:db8::1"},
            ),
            {"loadBalancer": {"ingress": None}, "conditions": None},
            id="ours goes, however somebody has spelled it",
        ),
    ],
)
def test_release(raw: dict, status: dict | None) -> None:
    patch = service_release(codec.service(raw))
    assert patch.get("status") == status
    assert service_record(codec.service(merged(raw, patch))) is None
    assert merged(raw, patch)["metadata"]["annotations"] == {"pointsman.dev/eip": "public"}


def test_what_is_not_ours_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"example\.com/x"):
        patched(service(), ServiceRecord(annotations={"example.com/x": "y"}))


WORDS = st.text("ab ", max_size=3)
VALUES = st.builds(ConditionValue, st.sampled_from(["True", "False"]), WORDS, WORDS)
RECORDS = st.builds(
    ServiceRecord,
    st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), unique=True).map(tuple),
    st.dictionaries(st.sampled_from(sorted(OUR_ANNOTATIONS)), WORDS),
    st.dictionaries(st.sampled_from(sorted(OUR_CONDITIONS)), VALUES),
)


@given(first=RECORDS, second=RECORDS)
def test_an_applied_patch_reads_back_as_the_record(first, second) -> None:
    raw = service(FOREIGN, ingress=[{"hostname": "x"}])
    for record in (first, second):
        raw = merged(raw, patched(raw, record))
        read = service_record(codec.service(raw))
        # Without a condition of ours nothing in it is ours, whatever stands there.
        assert read == (record if record.conditions else None)
        assert FOREIGN in raw["status"]["conditions"]


def eip(status: dict | None = None, **meta: Any) -> dict[str, Any]:
    return {
        "kind": "Eip",
        "metadata": {"name": "public", "resourceVersion": "5", **meta},
        "spec": {"addresses": ["192.0.2.1"]},
        "status": status or {},
    }


JSON = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 1), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner),
)
FIELDS = st.dictionaries(st.sampled_from(["capacity", "services"]), JSON)


STATUSES = st.builds(
    StatusRecord,
    st.dictionaries(st.sampled_from(["Ready", "Other"]), VALUES),
    FIELDS,
    st.integers(0, 3),
)


@given(first=STATUSES, second=STATUSES)
def test_an_applied_status_reads_back(first, second) -> None:
    raw = eip()
    for record in (first, second):
        patch = status_patch(codec.eip(raw), record, now=NOW)
        raw = merged(raw, {"status": patch or {}})
        assert (status_record(codec.eip(raw)) or StatusRecord()) == record


def test_an_unchanged_verdict_is_dated_anew_with_the_object() -> None:
    """Or `kubectl wait --for=condition=Ready` waits for it in vain."""
    judged = condition("Ready", observedGeneration=1)
    status = {"conditions": [judged], "observedGeneration": 1}
    raw = {"metadata": {"name": "public"}, "status": status}
    same = {"Ready": ConditionValue("True", "R", "m")}
    assert status_patch(codec.eip(raw), StatusRecord(same, {}, 1), now=NOW) is None
    assert status_patch(codec.eip(raw), StatusRecord(same, {}, 2), now=NOW) == {
        "observedGeneration": 2,
        "conditions": [judged | {"observedGeneration": 2}],
    }


@pytest.mark.parametrize(
    ("meta", "has_finalizer", "result"),
    [
        pytest.param({}, True, ["pointsman.dev/in-use"], id="set"),
        pytest.param({"finalizers": ["a/b"]}, True, ["a/b", "pointsman.dev/in-use"], id="added"),
        pytest.param({"finalizers": ["pointsman.dev/in-use", "a/b"]}, False, ["a/b"], id="removed"),
        pytest.param({"finalizers": ["pointsman.dev/in-use"]}, True, None, id="there already"),
        pytest.param({"deletionTimestamp": THEN}, True, None, id="too late to hold"),
    ],
)
def test_finalizers(meta: dict, has_finalizer: bool, result: list[str] | None) -> None:
    assert finalizers(codec.eip(eip(**meta)), has_finalizer=has_finalizer) == result
