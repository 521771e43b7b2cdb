"""The workflows call what exists, may do no more than they must, and name no registry."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.test_manifests import ROOT
from tests.docs.test_commands import TARGETS

Json = dict[str, Any]
FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
FLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}


def steps() -> Iterator[Any]:
    for name, flow in FLOWS.items():
        for job, body in flow["jobs"].items():
            for number, step in enumerate(body.get("steps", [])):
                yield pytest.param(step, id=f"{name}:{job}:{number}")


SCRIPTS = [param for param in steps() if "run" in param.values[0]]
USES = [param for param in steps() if "uses" in param.values[0]]


def test_both_are_there() -> None:
    assert FLOWS.keys() == {"ci.yml", "release.yml"}
    # YAML 1.1 takes the key `on` for a boolean.
    assert "workflow_call" in FLOWS["ci.yml"][True]
    assert FLOWS["release.yml"][True] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("step", SCRIPTS)
def test_a_step_calls_what_exists(step: Json) -> None:
    text = step["run"]
    for words in re.findall(r"^ *make ([^\n\\]*)", text, re.M):
        verbs = [word for word in re.sub(r'"[^"]*"?', "", words).split() if word.isalpha()]
        assert set(verbs) <= TARGETS, words
    for module in re.findall(r"python3 -m ([\w.]+)", text):
        assert importlib.util.find_spec(module) is not None, module
    for path in re.findall(r"(?<![\w/$])((?:crds|deploy)/[\w./*-]+)", text):
        assert list(ROOT.glob(path)), path


@pytest.mark.parametrize("step", SCRIPTS)
def test_a_step_is_a_script(step: Json) -> None:
    done = subprocess.run(["bash", "-n"], input=step["run"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("step", SCRIPTS)
def test_nothing_that_others_write_becomes_a_script(step: Json) -> None:
    """An expression in a script is text in it: what a tag or a title says would be executed."""
    assert "${{" not in step["run"]


@pytest.mark.parametrize("step", USES)
def test_an_action_is_pinned_and_given_no_credentials(step: Json) -> None:
    assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])
    if step["uses"].startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] is False


def test_an_action_has_one_version() -> None:
    pins = set(re.findall(r"uses: (actions/\S+) # (v\S+)", "".join(TEXTS.values())))
    assert len(pins) == len({action.partition("@")[0] for action, _ in pins})


def test_ci_checks_and_tests_and_a_release_waits_for_it() -> None:
    called = re.findall(r"run: make (\w+)$", TEXTS["ci.yml"], re.M)
    assert called == ["check", "test", "chart"]
    jobs = FLOWS["release.yml"]["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["publish"]["needs"] == "ci"


def test_rights_are_few() -> None:
    for flow in FLOWS.values():
        assert flow["permissions"] == {"contents": "read"}
    widened = {
        (name, job): body["permissions"]
        for name, flow in FLOWS.items()
        for job, body in flow["jobs"].items()
        if "permissions" in body
    }
    # To make the release, and to sign as this workflow.
    assert widened == {("release.yml", "publish"): {"contents": "write", "id-token": "write"}}


def test_a_release_is_for_both_architectures_attested_and_signed() -> None:
    text = TEXTS["release.yml"]
    for word in ("linux/amd64,linux/arm64", "--sbom=true", "--provenance=mode=max"):
        assert word in text
    assert len(re.findall(r"cosign\" sign --yes", text)) == 2  # the image, and the chart
    assert "tools.release" in text
    assert 'sign --yes --recursive "$IMAGE@$DIGEST"' in text  # by digest, never by a tag


def test_registry_and_owner_are_variables() -> None:
    environment = FLOWS["release.yml"]["jobs"]["publish"]["env"]
    assert environment["REGISTRY"] == "${{ vars.REGISTRY }}"
    assert environment["OWNER"] == "${{ vars.OWNER || github.repository_owner }}"


def test_what_the_chart_step_edits_is_there_once() -> None:
    values = (ROOT / "deploy" / "chart" / "values.yaml").read_text()
    assert len(re.findall(r"^  repository: pointsman$", values, re.M)) == 1
