"""deploy/components/speakers: further speakers that are like the first, whatever the flags."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import parts
from manager.__main__ import options, parser
from tests.deploy.test_manifests import DEPLOY, one

Json = dict[str, Any]
BEFORE: Json = one("Deployment", "pointsman-manager")
POD: Json = BEFORE["spec"]["template"]["spec"]
BOTH = ("initContainers", "containers")
FIRST = {one["name"]: one for kind in BOTH for one in POD[kind]}


def built(folder: Path) -> list[Json]:
    """Return what `kubectl kustomize` makes of *folder*."""
    done = subprocess.run(
        [str(parts.find("kubectl").path), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(done.stdout))


def of_a_user(folder: Path, base: Path) -> Path:
    """Write a kustomization as docs/operations.md has it, over *base*."""
    own = {
        "resources": [base.name],
        "components": [f"{base.name}/components/speakers"],
        "images": [{"name": "pointsman", "newName": "registry.example/pointsman"}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    return folder


def beside_a_copy(folder: Path, addition: Json) -> Path:
    """Return *folder*, with a kustomization that adds this to a copy of deploy/ in it."""
    shutil.copytree(DEPLOY, folder / "deploy")  # kustomize follows no link out of its folder
    own = {"resources": ["deploy"], **addition}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of deploy/, as a later version might change it."""
    return Path(shutil.copytree(DEPLOY, tmp_path / "deploy"))


def manager_of(found: list[Json]) -> Json:
    (deployment,) = [
        one
        for one in found
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "pointsman-manager")
    ]
    pod: Json = deployment["spec"]["template"]["spec"]
    return pod


def test_the_base_is_every_manifest() -> None:
    there = [
        one
        for path in sorted(DEPLOY.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text())
    ]
    key = "kind", "metadata"
    wanted = sorted((one[key[0]], one[key[1]]["name"]) for one in there if one)
    assert sorted((one["kind"], one["metadata"]["name"]) for one in built(DEPLOY)) == wanted


def test_two_sidecars_are_added_and_nothing_else_is_changed(base: Path) -> None:
    after = manager_of(built(of_a_user(base.parent, base)))
    by_name = {container["name"]: container for kind in BOTH for container in after[kind]}
    assert by_name.keys() == FIRST.keys() | {"gobgp-1", "gobgp-2"}
    image = {"image": "registry.example/pointsman:0.1.0"}
    assert by_name["gobgp"] == FIRST["gobgp"] | image
    args = by_name["manager"]["args"]
    assert by_name["manager"] == FIRST["manager"] | image | {"args": args}
    known = FIRST["manager"]["args"]
    assert args[: len(known)] == known
    assert all(flag.startswith("--gobgp-socket=") for flag in args[len(known) :])
    emptied: Json = {kind: [] for kind in BOTH}
    assert {**after, **emptied} == {**POD, **emptied}
    assert [one["name"] for one in after["containers"]] == ["manager"]
    for name in ("gobgp-1", "gobgp-2"):
        own = {"name", "args"}
        like = {key: value for key, value in by_name["gobgp"].items() if key not in own}
        assert {key: value for key, value in by_name[name].items() if key not in own} == like


def test_each_socket_is_that_of_one_sidecar_in_its_order(base: Path) -> None:
    after = manager_of(built(of_a_user(base.parent, base)))
    by_name = {container["name"]: container for kind in BOTH for container in after[kind]}
    flags = [flag for flag in by_name["manager"]["args"][1:] if "$(" not in flag]
    found = options(parser().parse_args(["--name=a", *flags]))
    served = [by_name[name]["args"] for name in ("gobgp", "gobgp-1", "gobgp-2")]
    assert [[f"--socket={socket}"] for socket in found.gobgp_sockets] == served
    assert found.settings.speakers == 3
    # The sidecar makes its directory, and refuses one that others may look into.
    assert len({socket.parent for socket in found.gobgp_sockets}) == 3


def test_it_outlives_an_upgrade_that_changes_the_managers_flags(base: Path) -> None:
    path = base / "20-manager.yaml"
    text = path.read_text()
    changed = text.replace(
        "            - manager\n", "            - manager\n            - --new\n"
    )
    assert changed != text
    path.write_text(changed)
    args = manager_of(built(of_a_user(base.parent, base)))["containers"][0]["args"]
    assert "--new" in args
    assert sum(flag.startswith("--gobgp-socket=") for flag in args) == 3
