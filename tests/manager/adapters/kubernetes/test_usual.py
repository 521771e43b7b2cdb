"""What is read quickly says what the codec says, of every object, sound or not."""

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings

from manager.adapters.kubernetes import client, codec, usual
from manager.adapters.kubernetes.fields import Malformed
from tests.manager.adapters.kubernetes.odd_objects import STAMP, changed, condition, odd
from tests.oddities import paths, with_value

Read = Callable[[Any], Any]
READERS: Final[dict[client.Kind, tuple[Read, Read, Read]]] = {
    client.SERVICES: (usual.service, codec.service, codec.any_service),
    client.ENDPOINT_SLICES: (
        usual.endpoint_slice,
        codec.endpoint_slice,
        codec.any_endpoint_slice,
    ),
    client.NODES: (usual.node, codec.node, codec.any_node),
}
KINDS: Final = pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.name)
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, 7, -1, 2**70, 1.5, "", "x", "None", "IPv4", "198.51.100.1", "2001:db8::1",
    [], [7], ["x", 7], [None], [{}], [[]], {}, {"x": 7}, {"x": None}, {7: "x"}, {"x": "y"},
    ["IPv6"], ["IPv6", "IPv4"], ["IPv4", "IPv4"], ["2001:DB8::1", "10.0.0.1"], "x" * 300,
)  # fmt: skip


def text(read: Read, raw: Any) -> str:
    """What *read* makes of *raw*, as text: True and 1 are equal, and not the same."""
    try:
        return repr(read(copy.deepcopy(raw)))
    except Malformed as error:
        return f"malformed: {error}"


def rich(kind: client.Kind) -> dict[str, Any]:
    """A good object with all that is read of its kind, and some that is not."""
    raw = copy.deepcopy(changed(kind))
    raw["metadata"] |= {
        "annotations": {"pointsman.dev/drain": "true", "pointsman.dev/status": "It is.", "k": "v"},
        "deletionTimestamp": STAMP,
        "managedFields": [{"manager": "x", "fieldsV1": {"f:metadata": {"f:annotations": {}}}}],
    }
    spec, status = raw.setdefault("spec", {}), raw.setdefault("status", {})
    if kind is client.SERVICES:
        spec |= {
            "loadBalancerClass": "pointsman.dev/lb",
            "externalIPs": ["203.0.113.9", "2001:db8::9"],
            "ipFamilies": ["IPv6", "IPv4"],
            "ipFamilyPolicy": "RequireDualStack",
        }
        status["loadBalancer"]["ingress"].append({"hostname": "web.example"})
        status["conditions"].append(condition("Fine") | {"message": "It is."})
    if kind is client.ENDPOINT_SLICES:
        raw["endpoints"] += [
            {"addresses": ["203.0.113.6", "203.0.113.7"], "conditions": {"ready": False}},
            {"addresses": ["2001:db8::6"], "nodeName": "", "conditions": {"serving": None}},
            {"addresses": [], "nodeName": None, "conditions": {"terminating": True}},
        ]
    return raw


@KINDS
def test_what_is_usual_is_read_quickly(kind: client.Kind) -> None:
    quick, whole, general = READERS[kind]
    for raw in (changed(kind), rich(kind)):
        if kind is client.NODES:
            for one in raw["status"]["conditions"]:
                del one["observedGeneration"]  # a Node's have none
        assert quick(raw) is not None
        assert text(quick, raw) == text(whole, raw) == text(general, raw)


@KINDS
def test_each_part_of_it_may_be_odd_or_missing(kind: client.Kind) -> None:
    _, whole, general = READERS[kind]
    for path in paths(rich(kind)):
        for value in ODD:
            raw = with_value(rich(kind), path, value)
            assert text(whole, raw) == text(general, raw), (path, value)
        holder = raw = rich(kind)
        for key in path[:-1]:
            holder = holder[key]
        if path:
            del holder[path[-1]]
        assert text(whole, raw) == text(general, raw), (path, "missing")


@KINDS
def test_several_parts_of_it_may_be_odd(kind: client.Kind) -> None:
    _, whole, general = READERS[kind]

    @settings(derandomize=True, max_examples=300, deadline=None, database=None)
    @given(odd(kind))
    def tried(raw: Any) -> None:
        assert text(whole, raw) == text(general, raw)

    tried()
