"""values.yaml, its schema, its notes: judged without helm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.test_manifests import DEPLOY, ROOT

Json = dict[str, Any]
CHART = DEPLOY / "chart"
VALUES: Json = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Json = json.loads((CHART / "values.schema.json").read_text())
META: Json = yaml.safe_load((CHART / "Chart.yaml").read_text())
FREE = {"resources", "nodeSelector", "operatorLabels"}  # Kubernetes' own, or the user's


def merged(base: Json, over: Json) -> Json:
    """Return *base* with *over* put over it, as helm does it."""
    made = deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = merged(made[key], value) if both else value
    return made


def leaves(values: Json, path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and key not in FREE:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def described(schema: Json, path: str = "") -> Iterator[tuple[str, str]]:
    for key, sub in schema["properties"].items():
        if "properties" in sub:
            yield from described(sub, f"{path}{key}.")
        else:
            target = SCHEMA["definitions"]["resources"] if "$ref" in sub else sub
            yield path + key, target["description"]


def test_every_value_is_described_and_has_a_default() -> None:
    found = dict(described(SCHEMA))
    assert found.keys() - {"global"} == set(leaves(VALUES))
    assert all(text.endswith(".") for text in found.values())


@pytest.mark.parametrize("path", sorted(CHART.glob("ci/*.yaml")), ids=lambda path: path.stem)
def test_values_of_ours_are_taken(path: Any) -> None:
    jsonschema.validate(merged(VALUES, yaml.safe_load(path.read_text())), SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"requireclass": True}, id="a misspelt value"),
        pytest.param({"agent": {"kernal": True}}, id="a misspelt value below"),
        pytest.param({"crds": {"keep": "yes"}}, id="a word for a boolean"),
        pytest.param({"manager": {"replicas": 0}}, id="no manager"),
        pytest.param({"manager": {"speakers": 0}}, id="no speaker"),
        pytest.param({"manager": {"extraArgs": ["require-class"]}}, id="a flag without dashes"),
        pytest.param({"manager": {"resources": {"limits": {"cpu": 1}}}}, id="a limit of CPU"),
        pytest.param({"agent": {"proxyHealth": "10.0.0.1"}}, id="no URL"),
        pytest.param({"agent": {"maxUnavailable": "a few"}}, id="no number"),
        pytest.param({"image": {"digest": "sha256:1"}}, id="no digest"),
        pytest.param({"metrics": {"operator": True}}, id="nothing to scrape"),
    ],
)
def test_others_are_refused(wrong: Json) -> None:
    jsonschema.validate(VALUES, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(merged(VALUES, wrong), SCHEMA)


def test_its_versions_are_ours() -> None:
    assert f'version = "{META["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert META["appVersion"] == META["version"]
    assert META["kubeVersion"] == ">=1.31.0-0"  # without -0, versions with a suffix are refused


def test_artifact_hub_is_told_every_kind() -> None:
    named = yaml.safe_load(META["annotations"]["artifacthub.io/crds"])
    ours = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert sorted((one["kind"], one["version"], one["name"]) for one in named) == sorted(
        (one["spec"]["names"]["kind"], one["spec"]["versions"][0]["name"], one["metadata"]["name"])
        for one in ours
    )


def test_the_notes_name_commands_that_exist() -> None:
    from tests.docs.test_commands import check

    text = re.sub(r"\{\{.*?\}\}", "X", (CHART / "templates" / "NOTES.txt").read_text())
    commands = re.findall(r"^ +((?:kubectl|pointsman|helm) .*)$", text, re.M)
    assert len(commands) >= 6
    for command in commands:
        check(command.split(), f"NOTES.txt: {command}")


def test_the_notes_name_the_ports_that_are_used() -> None:
    from pointsman.model.heartbeats import PORT, WitnessPorts

    text = (CHART / "templates" / "NOTES.txt").read_text()
    ports = WitnessPorts()
    for port in (PORT, ports.kubelet, ports.proxy, 179, 9472, 9473):
        assert re.search(rf"\b{port}\b", text), port
