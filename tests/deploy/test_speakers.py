"""deploy/patches/speakers.yaml: further speakers that are like the first."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import parts
from manager.__main__ import options, parser
from tests.deploy.test_manifests import DEPLOY, one

Json = dict[str, Any]
FILE = DEPLOY / "patches" / "speakers.yaml"
PATCH: Json = yaml.safe_load(FILE.read_text())
PATCHED: list[Json] = PATCH["spec"]["template"]["spec"]["containers"]
FIRST = {
    container["name"]: container
    for container in one("Deployment", "pointsman-manager")["spec"]["template"]["spec"][
        "containers"
    ]
}
FURTHER = [container for container in PATCHED if container["name"] not in FIRST]


def test_kubectl_adds_two_sidecars_and_changes_nothing_else(tmp_path: Path) -> None:
    """A strategic merge patch: containers by name, `args` as one value."""
    before = one("Deployment", "pointsman-manager")
    (tmp_path / "deployment.json").write_text(json.dumps(before))
    patched = subprocess.run(
        [
            *(str(parts.find("kubectl").path), "patch", "--local", "-o", "json"),
            *("-f", str(tmp_path / "deployment.json"), "--patch-file", str(FILE)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    after = json.loads(patched.stdout)["spec"]["template"]["spec"]
    by_name = {container["name"]: container for container in after["containers"]}
    assert by_name.keys() == FIRST.keys() | {container["name"] for container in FURTHER}
    assert by_name["gobgp"] == FIRST["gobgp"]
    (manager,) = [one for one in PATCHED if one["name"] in FIRST]
    assert by_name["manager"] == FIRST["manager"] | {"args": manager["args"]}
    rest = before["spec"]["template"]["spec"]
    assert {**after, "containers": []} == {**rest, "containers": []}


def test_the_manager_keeps_its_other_flags() -> None:
    (manager,) = [one for one in PATCHED if one["name"] in FIRST]
    assert manager.keys() == {"name", "args"}
    before, after = FIRST[manager["name"]]["args"], manager["args"]
    assert after[: len(before)] == before
    assert all(flag.startswith("--gobgp-socket=") for flag in after[len(before) :])


def test_each_socket_is_that_of_one_sidecar_in_its_order() -> None:
    (manager,) = [one for one in PATCHED if one["name"] in FIRST]
    found = options(parser().parse_args(["--name=a", *manager["args"][2:]]))
    served = [one["args"] for one in (FIRST["gobgp"], *FURTHER)]
    assert [[f"--socket={socket}"] for socket in found.gobgp_sockets] == served
    assert found.settings.speakers == 3
    # The sidecar makes its directory, and refuses one that others may look into.
    assert len({socket.parent for socket in found.gobgp_sockets}) == 3


@pytest.mark.parametrize("container", FURTHER, ids=lambda container: container["name"])
def test_a_further_sidecar_is_as_the_first(container: Json) -> None:
    own = {"name", "args"}
    like = {key: value for key, value in FIRST["gobgp"].items() if key not in own}
    assert {key: value for key, value in container.items() if key not in own} == like
