"""Every manifest is judged by Kubernetes' own schemas, the oldest version's and the newest's."""

from copy import deepcopy
from pathlib import Path

import pytest

from tests.deploy.judging import VERSIONS, faults, objects
from tests.deploy.test_manifests import DEPLOY, ROOT, Json, one
from tests.deploy.test_speakers import beside_a_copy, built

FILES = sorted([*DEPLOY.glob("*.yaml"), *DEPLOY.glob("options/*.yaml"), *ROOT.glob("crds/*.yaml")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_manifest_is_valid(path: Path) -> None:
    found = objects(path.read_text())
    assert found
    assert [fault for made in found.values() for fault in faults(made)] == []


@pytest.mark.parametrize(
    "addition",
    [
        pytest.param({"components": ["deploy/components/speakers"]}, id="components/speakers"),
        *(
            pytest.param({"patches": [{"path": f"deploy/patches/{path.name}"}]}, id=path.name)
            for path in sorted(DEPLOY.glob("patches/*.yaml"))
        ),
    ],
)
def test_what_kustomize_makes_is_valid(addition: Json, tmp_path: Path) -> None:
    found = built(beside_a_copy(tmp_path, addition))
    assert len(found) == len(built(DEPLOY))
    assert [fault for made in found for fault in faults(made)] == []


def test_a_misspelt_field_and_a_wrong_type_are_faults_in_both_versions() -> None:
    """The judge itself: one that finds nothing would let everything pass."""
    misspelt, wrong, unknown = (deepcopy(one("Deployment", "pointsman-manager")) for _ in range(3))
    misspelt["spec"]["template"]["spec"]["hostnetwork"] = True
    wrong["spec"]["replicas"] = "two"
    unknown["apiVersion"] = "apps/v7"
    assert all("hostnetwork" in fault for fault in faults(misspelt))
    assert all("replicas" in fault for fault in faults(wrong))
    for made in (misspelt, wrong, unknown):
        assert len(list(faults(made))) == len(VERSIONS)
