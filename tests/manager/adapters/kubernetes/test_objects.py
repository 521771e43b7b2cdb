"""A pile of raw objects as a whole cluster: what cannot be read hurts no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.kubernetes.objects import READERS, passed_over, snapshot_of
from tests.manager.adapters.kubernetes.test_codec import OURS, named


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        pytest.param(
            named("Service", "web", metadata={"annotations": {"pointsman.dev/drain": True}}),
            "Service web: metadata.annotations.pointsman.dev/drain is true, not text; "
            "put it in quotes.",
            id="an unquoted boolean",
        ),
        pytest.param(
            named("Service", "web", metadata={"labels": {7: "x"}}),
            "Service web: a key of metadata.labels is 7, not text; put it in quotes.",
            id="an unquoted number for a key",
        ),
        pytest.param(
            named("Service", "web", spec={"ports": {"port": 80}}),
            "Service web: spec.ports is an object; write a list.",
            id="an object where a list belongs",
        ),
        pytest.param(
            named("Service", "web", spec={"ports": [{"port": "http"}]}),
            "Service web: spec.ports[0].port is 'http'; write a number.",
            id="text where a number belongs",
        ),
        pytest.param(
            {"kind": "Service", "apiVersion": "v1", "metadata": {}},
            "A Service in namespace default has no metadata.name; give it one.",
            id="no name",
        ),
        pytest.param(
            named("EndpointSlice", "s", apiVersion="discovery.k8s.io/v1", addressType="IPX"),
            "EndpointSlice s: addressType is 'IPX'; write IPv4 or IPv6.",
            id="a family that does not exist",
        ),
        pytest.param(
            named("Eip", "e", apiVersion="pointsman.dev/v1"),
            "Eip e has apiVersion 'pointsman.dev/v1'; write 'pointsman.dev/v1alpha1'.",
            id="a version we do not know",
        ),
        pytest.param({"a": 1}, "object (without a name) has no kind", id="not an object"),
        pytest.param([1], "object: the object is a list; write an object", id="not even a map"),
        pytest.param(
            {"kind": "List", "apiVersion": "v1", "items": 3},
            "List (without a name) has `items` that are no list; write a list of objects.",
            id="a list of nothing",
        ),
        pytest.param(
            {"kind": "List", "items": [{"kind": "NodeList", "items": {"a": named("Node", "n2")}}]},
            "NodeList (without a name) has `items` that are no list",
            id="a typed list in a list",
        ),
    ],
)
def test_one_object_that_cannot_be_read_is_reported_and_hurts_no_other(raw: dict, sentence) -> None:
    good = named("Node", "node1")
    snapshot, problems = snapshot_of([raw, good])
    assert len(problems) == 1
    assert sentence in problems[0]
    assert list(snapshot.nodes) == ["node1"]


def test_lists_are_looked_into_and_other_kinds_passed_over() -> None:
    untyped = {"metadata": {"name": "n2"}}
    objects = [
        {"kind": "List", "apiVersion": "v1", "items": [named("Node", "n1")]},
        {"kind": "NodeList", "apiVersion": "v1", "items": [untyped]},
        {"kind": "NodeList", "apiVersion": "v1", "items": None},
        {"kind": "List", "apiVersion": "v1"},
        named("Deployment", apiVersion="apps/v1"),
        named("Eip", "public", apiVersion=OURS, spec={"addresses": ["198.51.100.1"]}),
        named("Namespace", "kube-system", metadata={"uid": "c"}),
        None,
    ]
    snapshot, problems = snapshot_of(objects)
    assert problems == ()
    assert sorted(snapshot.nodes) == ["n1", "n2"]
    assert list(snapshot.eips) == ["public"]
    assert snapshot.cluster_uid == "c"


def test_a_kind_of_others_that_has_the_name_of_one_of_ours_is_told_apart() -> None:
    theirs = [
        named("Service", apiVersion="serving.knative.dev/v1"),
        named("Eip", apiVersion="network.kubesphere.io/v1alpha2"),
        named("Eip", apiVersion="v1"),
    ]
    ours = [named("Eip", apiVersion=OURS), named("Eip", apiVersion="pointsman.dev/v9")]
    rest = [named("Deployment", apiVersion="apps/v1"), {"kind": "NodeList"}, {"kind": 7}, None, 7]
    assert [passed_over(raw) for raw in (*theirs, *ours, *rest)] == [
        "Service of serving.knative.dev/v1",
        "Eip of network.kubesphere.io/v1alpha2",
        "Eip of v1",
        *("", ""),
        *("Deployment", "", "", "", ""),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "name",
                    "labels",
                    "ports",
                    "port",
                    "conditions",
                    "endpoints",
                    "taints",
                    "interfaces",
                    "addresses",
                    "type",
                    "ingress",
                    "loadBalancer",
                    "ipFamilies",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(kind=st.sampled_from(sorted(READERS)), raw=JSON)
def test_any_json_is_a_value_or_our_error(kind, raw) -> None:
    if isinstance(raw, dict):
        raw = raw | {"apiVersion": kind[0], "kind": kind[1]}
    snapshot_of([raw])
