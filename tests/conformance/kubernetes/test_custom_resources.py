"""Custom kinds: schema, defaults, pruning, rules."""

import pytest

from tests.conformance.kubernetes.client import Client, until
from tests.conformance.kubernetes.objects import DEFINITIONS, SPEC, crd, pool, rule

UNCHECKED = "some validation rules were not checked because the object was invalid"


async def test_defaults_are_filled_in(api: Client, pools: str) -> None:
    body = pool(pools, "a", peers=[{"name": "x"}], limits=None)
    spec = (await api.make(pools, body))["spec"]
    assert spec["mode"] == "bgp"
    assert spec["limits"] == {"most": 7}
    assert spec["peers"] == [{"name": "x", "as": 1}]
    emptied = await api.merge(f"{pools}/a", {"spec": {"limits": None, "mode": None}})
    assert emptied.body["spec"]["limits"] == {"most": 7}
    assert emptied.body["spec"]["mode"] == "bgp"


async def test_a_null_is_an_absence_unless_nulls_are_allowed(api: Client, pools: str) -> None:
    body = pool(pools, "a")
    body["spec"] |= {"mode": None, "name": None, "maybe": None}
    spec = (await api.make(pools, body))["spec"]
    assert spec["mode"] == "bgp"
    assert "name" not in spec
    assert spec["maybe"] is None


async def test_unknown_fields_are_dropped_with_a_warning(api: Client, pools: str) -> None:
    body = pool(pools, "a", colour="red", free={"anything": {"goes": 1}})
    answer = await api.post(pools, body)
    assert answer.code == 201
    assert "colour" not in answer.body["spec"]
    assert answer.body["spec"]["free"] == {"anything": {"goes": 1}}
    assert 'unknown field \\"spec.colour\\"' in answer.headers["Warning"]


async def test_unknown_fields_are_refused_when_strictness_is_asked_for(
    api: Client, pools: str
) -> None:
    body = pool(pools, "a", colour="red")
    refused = await api.post(pools, body, fieldValidation="Strict")
    assert (refused.code, refused.body["reason"]) == (400, "BadRequest")
    assert refused.body["message"] == (
        'Pool in version "v1" cannot be handled as a Pool: '
        'strict decoding error: unknown field "spec.colour"'
    )
    silent = await api.post(pools, body, fieldValidation="Ignore")
    assert silent.code == 201
    assert "Warning" not in silent.headers


async def test_a_builtin_kind_is_as_strict(api: Client, services: str) -> None:
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], "colour": "red"}}
    refused = await api.post(services, body, fieldValidation="Strict")
    assert refused.code == 400
    assert 'strict decoding error: unknown field "spec.colour"' in refused.body["message"]
    made = await api.post(services, body)
    assert "colour" not in made.body["spec"]


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        pytest.param({"addresses": None}, ("spec.addresses", "Required value"), id="required"),
        pytest.param(
            {"addresses": []},
            (
                "spec.addresses",
                "Invalid value: 0: spec.addresses in body should have at least 1 items",
            ),
            id="too few items",
        ),
        pytest.param(
            {"addresses": ["192.0.2.1"] * 5},
            ("spec.addresses", "Too many: 5: must have at most 4 items"),
            id="too many items",
        ),
        pytest.param(
            {"mode": "ospf"},
            ("spec.mode", 'Unsupported value: "ospf": supported values: "bgp", "none"'),
            id="not in the enum",
        ),
        pytest.param(
            {"as": 0},
            ("spec.as", "Invalid value: 0: spec.as in body should be greater than or equal to 1"),
            id="below the minimum",
        ),
        pytest.param(
            {"as": 4294967296},
            (
                "spec.as",
                "Invalid value: 4294967296: spec.as in body should be less than or equal to "
                "4294967295",
            ),
            id="above the maximum",
        ),
        pytest.param(
            {"as": "64500"},
            (
                "spec.as",
                'Invalid value: "string": spec.as in body must be of type integer: "string"',
            ),
            id="a string for a number",
        ),
        pytest.param(
            {"name": "UP"},
            ("spec.name", "Invalid value: \"UP\": spec.name in body should match '^[a-z]+$'"),
            id="not of the pattern",
        ),
        pytest.param(
            {"name": "a"},
            ("spec.name", 'Invalid value: "a": spec.name in body should be at least 2 chars long'),
            id="too short",
        ),
        pytest.param(
            {"name": "abcdefghi"},
            ("spec.name", "Too long: may not be more than 8 bytes"),
            id="too long",
        ),
        pytest.param(
            {"labels": {"a": "1", "b": "2", "c": "3", "d": "4"}},
            ("spec.labels", "Too many: 4: must have at most 3 items"),
            id="too many keys",
        ),
        pytest.param(
            {"labels": {"a": 1}},
            (
                "spec.labels.a",
                'Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
            ),
            id="the wrong type under a free key",
        ),
        pytest.param(
            {"labels": {"a": "odd"}},
            ("spec.labels[a]", 'Invalid value: "odd": write something even'),
            id="a rule broken under a free key",
        ),
        pytest.param(
            {"peers": [{"name": "a"}, {"name": "a"}]},
            ("spec.peers[1]", 'Duplicate value: {"name":"a"}'),
            id="one key twice in a map",
        ),
        pytest.param(
            {"tags": ["a", "a"]}, ("spec.tags[1]", 'Duplicate value: "a"'), id="repeat in a set"
        ),
        pytest.param(
            {"addresses": ["192.0.2.300"]},
            (
                "spec.addresses[0]",
                'Invalid value: "192.0.2.300": write an address, or a CIDR such as 192.0.2.0/24',
            ),
            id="a rule over a string repeats it",
        ),
        pytest.param(
            {"name": "root"},
            ("spec.name", "Invalid value: choose another name"),
            id="a rule over an object does not, and can point below",
        ),
    ],
)
async def test_an_invalid_object_is_told_what_is_wrong(
    api: Client, pools: str, spec: dict, cause: tuple[str, str]
) -> None:
    refused = await api.post(pools, pool(pools, "a", **spec))
    assert (refused.code, refused.body["reason"]) == (422, "Invalid"), refused.body
    causes = refused.body["details"]["causes"]
    found_causes = [(c["field"], c["message"]) for c in causes if UNCHECKED not in c["message"]]
    assert found_causes == [cause]
    group = pools.split("/")[2]
    assert refused.body["message"].startswith(f'Pool.{group} "a" is invalid: ')
    assert f"{cause[0]}: {cause[1]}" in refused.body["message"]


async def test_rules_wait_until_the_object_has_its_shape(api: Client, pools: str) -> None:
    body = pool(pools, "a", addresses=["no address"], mode="ospf")
    refused = await api.post(pools, body)
    messages = [c["message"] for c in refused.body["details"]["causes"]]
    assert len(messages) == 2
    assert UNCHECKED in messages[1]


async def test_int_or_string_takes_both_and_no_more(api: Client, pools: str) -> None:
    for name, size in (("a", 5), ("b", "5%")):
        assert (await api.make(pools, pool(pools, name, size=size)))["spec"]["size"] == size
    assert (await api.post(pools, pool(pools, "c", size=True))).code == 422


async def test_a_transition_rule_is_asked_only_about_changes(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a", mode="none"))
    refused = await api.merge(f"{pools}/a", {"spec": {"mode": "bgp"}})
    assert (refused.code, refused.causes) == (422, ["spec"])
    assert "mode can't be changed: make a new pool" in refused.body["message"]
    assert (await api.merge(f"{pools}/a", {"spec": {"as": 64500}})).code == 200


async def test_the_status_is_validated_too(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a"))
    refused = await api.merge(f"{pools}/a/status", {"status": {"used": -1}})
    assert (refused.code, refused.causes) == (422, ["status.used"])


async def test_what_was_valid_once_does_not_block_other_changes(api: Client, pools: str) -> None:
    """A tightened schema judges only what a write changes (ratcheting)."""
    await api.make(pools, pool(pools, "a", name="abcdef"))
    group = pools.split("/")[2]
    path = f"{DEFINITIONS}/pools.{group}"
    shorter = SPEC["properties"]["name"] | {"maxLength": 3}
    tight = crd(group, SPEC | {"properties": SPEC["properties"] | {"name": shorter}})
    put = await api.merge(path, {"spec": {"versions": tight["spec"]["versions"]}})
    assert put.code == 200, put.body

    async def tightened() -> bool:
        return (await api.post(pools, pool(pools, "b", name="abcdef"), dryRun="All")).code == 422

    await until(tightened, "the new schema is served")
    assert (await api.merge(f"{pools}/a", {"spec": {"as": 64500}})).code == 200
    assert (await api.merge(f"{pools}/a", {"spec": {"name": "abcde"}})).code == 422


async def test_a_new_rule_judges_only_what_a_write_changes(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a", name="abcdef"))
    group = pools.split("/")[2]
    ruled_name = SPEC["properties"]["name"] | {
        "x-kubernetes-validations": [rule("self.size() < 4", "choose a shorter name")]
    }
    tight = crd(group, SPEC | {"properties": SPEC["properties"] | {"name": ruled_name}})
    path = f"{DEFINITIONS}/pools.{group}"
    assert (await api.merge(path, {"spec": {"versions": tight["spec"]["versions"]}})).code == 200

    async def tightened() -> bool:
        return (await api.post(pools, pool(pools, "b", name="abcdef"), dryRun="All")).code == 422

    await until(tightened, "the new rule is served")
    assert (await api.merge(f"{pools}/a", {"spec": {"as": 64500}})).code == 200
    assert (await api.merge(f"{pools}/a", {"spec": {"name": "abcde"}})).code == 422
