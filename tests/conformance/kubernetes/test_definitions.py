"""CRDs: which are refused, when they are served, what goes with them."""

import secrets
from typing import Any

import pytest

from tests.conformance.kubernetes.client import Client, until
from tests.conformance.kubernetes.objects import DEFINITIONS, crd, pool, rule


def with_schema(**change: Any) -> dict[str, Any]:
    """Return a CRD whose spec has one property `x` of the schema *change*."""
    group = f"g{secrets.token_hex(4)}.example.org"
    return crd(group, {"type": "object", "properties": {"x": change}})


STRING = {"type": "string", "maxLength": 9}


REPEATS = {"type": "array", "uniqueItems": True, "items": STRING}


STRAY = {"type": "object", "properties": {"a": STRING}, "default": {"b": "x"}}


def ruled(text: str) -> dict[str, Any]:
    return STRING | {"x-kubernetes-validations": [rule(text, "m")]}


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        pytest.param({}, ".type", id="a property without a type"),
        pytest.param(REPEATS, ".uniqueItems", id="uniqueItems"),
        pytest.param(STRAY, ".default", id="a default with unknown fields"),
        pytest.param(
            {"type": "integer", "default": "x"}, ".default", id="a default of a wrong type"
        ),
        pytest.param(ruled("self != 'x'") | {"default": "x"}, ".default", id="a forbidden default"),
        pytest.param({"type": "array"}, ".items", id="an array of nothing"),
        pytest.param(ruled("self =="), "rule", id="syntax"),
        pytest.param(
            ruled("isFoo(self)"),
            "rule",
            id="a function nobody has",
        ),
        pytest.param(
            ruled("other == self"),
            "rule",
            id="a variable nobody set",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {"a": STRING},
                "x-kubernetes-validations": [rule("self.b == 'x'", "m")],
            },
            "rule",
            id="a field the schema lacks",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {"a": STRING},
                "x-kubernetes-validations": [rule("self.a == 'x'", "m", fieldPath=".b")],
            },
            "fieldPath",
            id="a path the schema lacks",
        ),
    ],
)
async def test_a_crd_that_cannot_work_is_refused(api: Client, schema: dict, field: str) -> None:
    refused = await api.post(DEFINITIONS, with_schema(**schema), dryRun="All")
    assert (refused.code, refused.body["reason"]) == (422, "Invalid"), refused.body
    assert any(cause.endswith(field) for cause in refused.causes), refused.body


async def test_a_crd_must_bear_its_own_name(api: Client) -> None:
    body = crd("g.example.org")
    body["metadata"]["name"] = "wrong.g.example.org"
    refused = await api.post(DEFINITIONS, body)
    assert (refused.code, refused.causes) == (422, ["metadata.name"])


async def test_a_crd_says_when_it_is_served(api: Client, pools: str) -> None:
    group = pools.split("/")[2]
    found = (await api.get(f"{DEFINITIONS}/pools.{group}")).body
    conditions = {c["type"]: c["status"] for c in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert found["status"]["storedVersions"] == ["v1"]
    assert found["spec"]["names"]["listKind"] == "PoolList"


async def test_objects_go_with_their_crd(api: Client) -> None:
    group = f"g{secrets.token_hex(4)}.example.org"
    await api.make(DEFINITIONS, crd(group))
    path = f"/apis/{group}/v1/pools"

    async def code_is(code: int) -> bool:
        return (await api.get(path)).code == code

    await until(lambda: code_is(200), "the custom kind is served")
    await api.make(path, pool(path, "a"))
    await api.delete(f"{DEFINITIONS}/pools.{group}")
    await until(lambda: code_is(404), "the custom kind is gone")
