"""Custom kinds: schema, defaults, pruning, rules, and CRDs that are refused."""

import secrets
from typing import Any

import pytest

from tests.conformance.kubernetes.client import Client, until
from tests.conformance.kubernetes.objects import SPEC, crd, pool, rule

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
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


# --- Kubernetes' own CEL functions --------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        pytest.param("isIP(self)", "192.0.2.1 2001:db8::1", "192.0.2.01 192.0.2.1/32 x", id="isIP"),
        pytest.param("isIP(self)", "::", "fe80::1%eth0 ::ffff:192.0.2.1", id="no zone, no mapped"),
        pytest.param(
            "isCIDR(self)",
            "192.0.2.0/24 198.51.100.7/24 2001:db8::/64",
            "192.0.2.0 192.0.2.0/33 192.0.2.0/255.255.255.0 192.0.2.0/024",
            id="isCIDR, host bits may be set",
        ),
        pytest.param("ip(self).family() == 6", "2001:db8::1", "192.0.2.1 x", id="family"),
        pytest.param("ip(self).isLoopback()", "127.0.0.1 ::1", "192.0.2.1", id="isLoopback"),
        pytest.param("ip(self).isUnspecified()", "0.0.0.0 ::", "192.0.2.1", id="isUnspecified"),
        pytest.param(
            "ip(self).isLinkLocalUnicast()", "169.254.1.1 fe80::1", "192.0.2.1", id="link-local"
        ),
        pytest.param(
            "ip(self).isGlobalUnicast()", "192.0.2.1 10.0.0.1", "224.0.0.1 127.0.0.1", id="global"
        ),
        pytest.param("cidr(self).prefixLength() == 24", "192.0.2.0/24", "192.0.0.0/16", id="size"),
        pytest.param("cidr(self).ip().family() == 4", "192.0.2.0/24", "2001:db8::/64", id="ip"),
        pytest.param(
            "cidr(self) == cidr(self).masked()", "192.0.2.0/24", "192.0.2.7/24", id="masked"
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsIP(ip(self))",
            "192.0.2.9",
            "198.51.100.1 2001:db8::1",
            id="containsIP of an address",
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsIP(self)", "192.0.2.9", "192.0.3.9", id="of a string"
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsCIDR(self)",
            "192.0.2.0/25 192.0.2.0/24",
            "192.0.0.0/16 2001:db8::/64",
            id="containsCIDR",
        ),
        pytest.param("self.split('-').size() == 2", "a-b", "a a-b-c", id="split"),
        pytest.param("self.split('-').all(p, isIP(p))", "192.0.2.1-192.0.2.9", "a-b", id="all"),
        pytest.param("self.split('-').exists_one(p, p == 'a')", "a-b", "a-a b-b", id="exists_one"),
        pytest.param("self.matches('^a+$')", "a aa", "ab", id="matches"),
        pytest.param("self.startsWith('a') && !self.contains('x')", "ab", "ax b", id="strings"),
        pytest.param("int(self) > 5", "6", "5 x", id="a conversion that fails fails the rule"),
        pytest.param("self == 'a' ? true : size(self) > 2", "a abc", "bb", id="conditional"),
        pytest.param(
            "self.lowerAscii() == self && self.substring(0, 1) == 'a'", "ab", "aB ba", id="case"
        ),
    ],
)
async def test_functions_in_rules(api: Client, expression: str, good: str, bad: str) -> None:
    group = f"g{secrets.token_hex(4)}.example.org"
    item = {
        "type": "string",
        "maxLength": 60,
        "x-kubernetes-validations": [rule(expression, "no")],
    }
    addresses = {"type": "array", "maxItems": 3, "items": item}
    spec = {"type": "object", "properties": {"addresses": addresses}}
    await api.make(DEFINITIONS, crd(group, spec))
    path = f"/apis/{group}/v1/pools"
    try:

        async def served() -> bool:
            return (await api.get(path)).code == 200

        await until(served, "the custom kind is served")
        for text in good.split():
            answer = await api.post(path, pool(path, "a", addresses=[text]), dryRun="All")
            assert answer.code == 201, (text, answer.body)
        for text in bad.split():
            answer = await api.post(path, pool(path, "a", addresses=[text]), dryRun="All")
            assert (answer.code, answer.causes) == (422, ["spec.addresses[0]"]), text
    finally:
        await api.delete(f"{DEFINITIONS}/pools.{group}")


async def test_a_reserved_word_is_a_fine_property_name_in_a_rule(api: Client) -> None:
    spec = {
        "type": "object",
        "properties": {"as": {"type": "integer"}, "my-field": {"type": "integer"}},
        "x-kubernetes-validations": [
            rule("!has(self.as) || self.as != 23456", "AS_TRANS is nobody's"),
            rule("!has(self.my__dash__field) || self.my__dash__field > 1", "too few"),
        ],
    }
    group = f"g{secrets.token_hex(4)}.example.org"
    assert (await api.post(DEFINITIONS, crd(group, spec), dryRun="All")).code == 201


# --- CRDs ---------------------------------------------------------------------------------


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
