"""What a real API server demands of a CRD, and what a person demands of `kubectl explain`."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pointsman.api import crd

ROOTS = {kind.name: crd.definition(kind)["spec"]["versions"][0] for kind in crd.KINDS}
SCHEMAS = {name: version["schema"]["openAPIV3Schema"] for name, version in ROOTS.items()}
every_kind = pytest.mark.parametrize("kind", crd.KINDS, ids=lambda kind: kind.name)


def nodes(
    schema: dict[str, Any], path: str = "", lists: tuple[dict[str, Any], ...] = ()
) -> Iterator[tuple[str, dict[str, Any], tuple[dict[str, Any], ...]]]:
    """Every node with its path and the lists it stands in."""
    yield path, schema, lists
    for name, sub in schema.get("properties", {}).items():
        yield from nodes(sub, f"{path}.{name}", lists)
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]", (*lists, schema))
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}", lists)


@every_kind
def test_every_node_has_one_type(kind: crd.Kind) -> None:
    types = {"object", "array", "string", "integer", "boolean"}
    for path, node, _ in nodes(SCHEMAS[kind.name]):
        assert node["type"] in types, path
        assert not node.keys() & {"$ref", "anyOf", "oneOf", "allOf", "not", "uniqueItems"}, path


@every_kind
def test_every_field_is_described(kind: crd.Kind) -> None:
    for path, node, _ in nodes(SCHEMAS[kind.name]):
        if path == ".metadata":  # with a description the API server refuses the CRD
            assert node == {"type": "object"}
        elif not path.endswith("}") and (not path.endswith("]") or node["type"] == "object"):
            assert node.get("description", "").endswith((".", "v1alpha1", kind.name)), path


@every_kind
def test_no_default_is_null_and_none_is_in_a_status(kind: crd.Kind) -> None:
    for path, node, _ in nodes(SCHEMAS[kind.name]):
        assert node.get("default", "absent") not in (None, [], {}), path
        assert "default" not in node or path.startswith(".spec"), path


@every_kind
def test_rules_can_be_paid_for(kind: crd.Kind) -> None:
    """A 1.36 server multiplies the cost of a rule by every bound it cannot see."""
    for path, node, lists in nodes(SCHEMAS[kind.name]):
        if "x-kubernetes-validations" in node:
            assert node["type"] != "string" or "maxLength" in node, path
            assert all("maxItems" in outer for outer in lists), path


@every_kind
def test_every_rule_has_a_sentence_on_one_line(kind: crd.Kind) -> None:
    for path, node, _ in nodes(SCHEMAS[kind.name]):
        for rule in node.get("x-kubernetes-validations", []):
            assert rule["message"], path
            assert "\n" not in rule["message"], path
            assert "{self" not in rule["message"], path


@every_kind
def test_every_list_says_how_it_merges(kind: crd.Kind) -> None:
    for path, node, _ in nodes(SCHEMAS[kind.name]):
        if node["type"] == "array":
            merge = node["x-kubernetes-list-type"]
            if merge == "map":
                keys = node["x-kubernetes-list-map-keys"]
                assert set(keys) <= set(node["items"]["required"]), path
            elif merge == "set":
                assert node["items"]["type"] == "string", path
            else:
                assert merge == "atomic", path


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("Eip", "PROTOCOL DEFAULT ADDRESSES ALLOCATED AVAILABLE READY AGE"),
        ("BgpConf", "AS ROUTERID READY AGE"),
        ("BgpPeer", "ADDRESS AS ESTABLISHED ADDPATH AGE"),
        ("Announcer", "NODE READY INTERFACES ANNOUNCING AGE"),
    ],
)
def test_kubectl_get_shows_these_columns(name: str, columns: str) -> None:
    printed = ROOTS[name]["additionalPrinterColumns"]
    assert " ".join(column["name"].upper() for column in printed) == columns


@every_kind
def test_columns_show_fields_that_exist(kind: crd.Kind) -> None:
    known = {path for path, _, _ in nodes(SCHEMAS[kind.name])}
    for column in kind.columns:
        path = column.path.partition("[")[0]
        assert path in known or path.startswith(".metadata."), column


@every_kind
def test_the_names_of_a_kind_go_together(kind: crd.Kind) -> None:
    document = crd.definition(kind)
    names = document["spec"]["names"]
    assert document["metadata"]["name"] == f"{names['plural']}.pointsman.dev"
    assert document["spec"]["scope"] == "Cluster"
    assert names["shortNames"] == [kind.name.lower()]
    assert names["categories"] == ["pointsman"]
    assert ROOTS[kind.name]["subresources"] == {"status": {}}


def test_a_spec_may_be_absent_only_where_nothing_in_it_is_required() -> None:
    required = {name: schema.get("required") for name, schema in SCHEMAS.items()}
    assert required == {
        "Eip": ["spec"],
        "BgpConf": ["spec"],
        "BgpPeer": ["spec"],
        "Announcer": None,
    }


def test_the_yaml_says_what_the_definition_says() -> None:
    files = crd.files()
    assert list(files) == ["eip.yaml", "bgpconf.yaml", "bgppeer.yaml", "announcer.yaml"]
    for kind, text in zip(crd.KINDS, files.values(), strict=True):
        assert yaml.safe_load(text) == crd.definition(kind)
        assert text.startswith("# Generated")
        assert "&id" not in text  # no YAML anchors: people read this
