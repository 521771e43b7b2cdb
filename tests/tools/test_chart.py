"""tools.chart: what the plain manifests were made of is compared without helm."""

import shutil
from pathlib import Path

import pytest

from pointsman.runtime.errors import Failed
from tools import chart


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(chart.DEPLOY, tmp_path / "deploy"))


def test_the_manifests_are_the_charts(capsys: pytest.CaptureFixture[str]) -> None:
    assert chart.main(["--check"]) == 0
    assert capsys.readouterr().out == "chart: the plain manifests are its rendering\n"


def test_what_was_edited_by_hand_is_named(deploy: Path) -> None:
    path = deploy / "20-manager.yaml"
    path.write_text(path.read_text().replace("replicas: 2", "replicas: 3"))
    assert chart.stale(deploy) == ["deploy/20-manager.yaml was edited by hand"]


def test_what_lacks_its_note_or_is_not_there_is_named(deploy: Path) -> None:
    (deploy / "30-agent.yaml").unlink()
    path = deploy / "options" / "passwords.yaml"
    path.write_text(path.read_text().partition("\n")[2])
    assert chart.stale(deploy) == [
        "deploy/30-agent.yaml is missing, or not made from the chart",
        "deploy/options/passwords.yaml is missing, or not made from the chart",
    ]


@pytest.mark.parametrize(
    "name",
    ["Chart.yaml", "values.yaml", "ci/plain.yaml", "templates/20-manager.yaml",
     "templates/_helpers.tpl", "templates/new.yaml"],
)  # fmt: skip
def test_a_chart_that_was_changed_makes_all_of_them_stale(deploy: Path, name: str) -> None:
    path = deploy / "chart" / name
    path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
    assert len(chart.stale(deploy)) == len(chart.manifests(deploy))
    assert all(line.endswith("is older than the chart") for line in chart.stale(deploy))


@pytest.mark.parametrize("name", ["files/crds/eip.yaml", "templates/NOTES.txt", "ci/guest.yaml"])
def test_what_no_manifest_depends_on_may_change_without_go(deploy: Path, name: str) -> None:
    path = deploy / "chart" / name
    path.write_text(path.read_text() + "# changed\n")
    assert chart.stale(deploy) == []


def test_a_rendering_is_parted_by_template() -> None:
    text = (
        "---\n# Source: pointsman/templates/10-rbac.yaml\nkind: A\n"
        "---\n# Source: pointsman/templates/20-manager.yaml\nkind: B\n\n"
        "---\n# Source: pointsman/templates/10-rbac.yaml\n# why\nkind: C\n"
    )
    assert chart.by_template(text) == {
        "10-rbac": "---\nkind: A\n---\n# why\nkind: C\n",
        "20-manager": "---\nkind: B\n",
    }


def test_without_go_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chart, "GO_BIN", tmp_path / "bin")
    with pytest.raises(Failed, match=r"built with Go: install Go"):
        chart.get_helm()
