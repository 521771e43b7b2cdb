"""The Helm chart, as the real helm renders it; `make chart` builds that, where Go is.

Without it, the values and what is written about them are judged all the same: test_values.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from pointsman.model.names import NAMESPACE
from pointsman.runtime.errors import Failed
from tests.deploy.judging import FOREIGN, VERSIONS, faults, objects
from tests.deploy.test_manifests import DEPLOY, ROOT
from tests.deploy.test_speakers import beside_a_copy, built
from tools import chart

pytestmark = pytest.mark.skipif(not chart.has_helm(), reason="no helm: `make chart` builds it")

Json = dict[str, Any]
RENDERINGS = [(), *((path.stem,) for path in sorted(chart.CHART.glob("ci/*.yaml")))]
# What users of kustomize add to the plain manifests, and the values that say the same.
SAME: dict[str, Json] = {
    "kernel": {"patches": [{"path": "deploy/patches/kernel.yaml"}]},
    "central": {"patches": [{"path": "deploy/patches/central.yaml"}]},
    "speakers": {"components": ["deploy/components/speakers"]},
}


@pytest.mark.parametrize("values", RENDERINGS, ids=lambda values: values[0] if values else "none")
def test_what_it_renders_is_valid(values: tuple[str, ...]) -> None:
    for version in VERSIONS:
        found = objects(chart.rendered(*values, version=version))
        assert [fault for made in found.values() for fault in faults(made)] == []
        assert ("Deployment", "pointsman-manager") in found


def test_the_plain_manifests_are_its_rendering() -> None:
    plain = chart.by_template(chart.rendered("plain"))
    options = chart.by_template(chart.rendered("plain", "plain-options"))
    assert plain.keys() == set(chart.PLAIN)
    assert options.keys() == {*chart.PLAIN, *chart.OPTIONS}
    for path, template in chart.manifests().items():
        source = options if path.parent.name == "options" else plain
        assert path.read_text() == chart.noted(source[template], chart.inputs())


@pytest.mark.parametrize("name", SAME)
def test_helm_and_kustomize_make_the_same(name: str, tmp_path: Path) -> None:
    made = built(beside_a_copy(tmp_path, SAME[name]))
    by_kustomize = {(one["kind"], one["metadata"]["name"]): one for one in made}
    assert objects(chart.rendered("plain", name)) == by_kustomize


def test_its_crds_are_ours_and_outlive_it() -> None:
    found = objects(chart.rendered())
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        ours = yaml.safe_load(path.read_text())
        theirs = found[ours["kind"], ours["metadata"]["name"]]
        assert theirs["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert theirs == ours
    gone = objects(chart.rendered("everything"))  # crds.keep: false
    assert not [one for one in gone.values() if "annotations" in one["metadata"]]
    assert not [kind for kind, _ in objects(chart.rendered("plain")) if kind.startswith("Custom")]


def test_options_reach_the_programs() -> None:
    found = objects(chart.rendered("everything"))
    pod = found["Deployment", "pointsman-manager"]["spec"]["template"]["spec"]
    args = pod["containers"][0]["args"]
    for flag in ("--http=:9472", "--metrics-per-service", "--require-class", "--mark-dead-nodes",
                 "--log-level=warning", "--lease-duration-s=8"):  # fmt: skip
        assert flag in args
    assert [one["name"] for one in pod["initContainers"]] == ["gobgp", "gobgp-1"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    agent = found["DaemonSet", "pointsman-agent"]["spec"]["template"]["spec"]["containers"][0]
    assert agent["securityContext"]["capabilities"]["add"] == ["NET_RAW", "NET_ADMIN"]
    assert "--proxy-health=http://127.0.0.1:10256/healthz" in agent["args"]
    images = {one["image"] for one in (*pod["initContainers"], *pod["containers"], agent)}
    assert {image.partition("@")[0] for image in images} == {"registry.example/net/pointsman"}
    assert len(images) == 1


def test_monitors_and_alerts_are_those_of_deploy_monitoring() -> None:
    found = objects(chart.rendered("everything"))
    brought = {key: one for key, one in found.items() if one["apiVersion"].startswith(FOREIGN)}
    ours: dict[tuple[str, str], Json] = {}
    for name in ("podmonitors.yaml", "prometheusrule.yaml"):
        ours |= objects((DEPLOY / "monitoring" / name).read_text())
    assert brought.keys() == ours.keys()
    for key, one in brought.items():
        assert one["metadata"]["labels"].pop("release") == "prometheus"
        assert one == ours[key]
    assert not [one for one in objects(chart.rendered()).values() if "monitoring" in str(one)]


@pytest.mark.parametrize(
    ("version", "taken"),
    [("1.30.9", False), ("1.31.0", True), ("1.31.4-gke.1182000", True), ("v1.36.1+k3s1", True)],
)
def test_it_refuses_a_cluster_that_is_too_old(version: str, taken: bool) -> None:
    if taken:
        assert chart.rendered(version=version)
    else:
        with pytest.raises(Failed, match=re.escape("requires kubeVersion: >=1.31.0-0")):
            chart.rendered(version=version)


def test_another_namespace_is_named_everywhere() -> None:
    where = ("--namespace", "elsewhere", "--kube-version", chart.OLDEST)
    text = chart.helm("template", "other", chart.CHART, *where, *chart.files("everything"))
    assert NAMESPACE not in re.sub(r"#.*", "", text)
    assert json.dumps(objects(text)["ClusterRoleBinding", "pointsman-agent"]).count("elsewhere")


def notes(folder: Path, *values: str) -> str:
    """Return the notes as `helm install` prints them; without a cluster helm prints none."""
    copy = Path(shutil.copytree(chart.CHART, folder / "-".join(("chart", *values))))
    text = (copy / "templates" / "NOTES.txt").read_text()
    wrapped = '{{ define "notes" }}' + text + "{{ end }}"
    (copy / "templates" / "_notes.tpl").write_text(wrapped)
    made = "apiVersion: v1\nkind: Notes\nmetadata: {name: notes}\n"
    (copy / "templates" / "notes.yaml").write_text(made + 'text: {{ include "notes" . | quote }}\n')
    where = ("--namespace", "somewhere", "--kube-version", chart.OLDEST)
    found = objects(chart.helm("template", "edge", copy, *where, *chart.files(*values)))
    return str(found["Notes", "notes"]["text"])


def test_the_notes_say_what_this_installation_needs(tmp_path: Path) -> None:
    plain, everything = notes(tmp_path), notes(tmp_path, "everything")
    for text in (plain, everything):
        assert "kubectl label node NODE1 NODE2 pointsman.dev/manager=" in text
        assert "kubectl -n somewhere rollout status deployment/pointsman-manager" in text
        assert "UDP 7470" in text
        assert not re.search(r"\{\{|\n\n\n|[ \t]\n", text)
    for words in ("names no registry", "helm upgrade edge", "keeps the CRDs", "label namespace"):
        assert words in plain
        assert words not in everything
    assert "TCP 9472" in everything
    assert "TCP 9472" not in plain


def test_what_is_packed_has_the_crds_and_no_values_of_ours(tmp_path: Path) -> None:
    chart.helm("package", chart.CHART, "--destination", tmp_path)
    (packed,) = tmp_path.iterdir()
    with tarfile.open(packed) as archive:
        names = {name.removeprefix("pointsman/") for name in archive.getnames()}
    crds = {f"files/crds/{path.name}" for path in (ROOT / "crds").glob("*.yaml")}
    assert crds | {"Chart.yaml", "values.yaml", "values.schema.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]
