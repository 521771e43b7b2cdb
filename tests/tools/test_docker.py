"""`make docker`: what the image is made of, and how a Docker of our own is shut in."""

from __future__ import annotations

import tarfile

import pytest

from tools import docker, dockerd, setup

PINS = """# made by a tool
aiohttp==3.14.5 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via pointsman
Rich_Text.thing==1.0 \\
    --hash=sha256:cc
typer==0.29.2 \\
    --hash=sha256:dd
"""


def test_the_packages_are_those_of_the_dockerfile() -> None:
    assert {"frr", "bird2", "python3-venv", "nftables"} <= set(docker.packages())


def test_every_folder_of_the_tree_is_there() -> None:
    assert all((setup.ROOT / name).is_dir() for name in docker.TREE)


def test_pins_are_taken_with_their_hashes_by_normalized_name() -> None:
    taken = docker.pins(PINS, {"rich-text-thing", "aiohttp"})
    assert "typer" not in taken
    assert taken.count("--hash=sha256:") == 3
    assert taken.startswith("aiohttp==3.14.5")


def test_the_stand_in_needs_more_than_its_first_package() -> None:
    names = docker.needed(docker.STANDIN)
    assert docker.STANDIN in names
    assert "pydantic" in names  # of a package that it requires
    text = (setup.ROOT / "requirements/dev.txt").read_text()
    assert f"{docker.STANDIN}==" in docker.pins(text, names)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("./usr/bin/python3", True),
        ("./dev", True),
        ("./dev/null", False),
        ("./proc/1", False),
        ("./var/cache/apt/archives/frr.deb", False),
        ("./var/lib/dpkg/status", True),
    ],
)
def test_devices_and_what_apt_fetched_stay_out_of_the_image(name: str, wanted: bool) -> None:
    assert (docker.wanted(tarfile.TarInfo(name)) is not None) is wanted


def test_no_docker_where_nobody_listens(tmp_path) -> None:
    assert not dockerd.reachable(f"unix://{tmp_path}/docker.sock")


def test_a_docker_of_our_own_has_a_network_of_its_own_and_ends_with_us() -> None:
    words = dockerd.isolated(["true"])
    assert words[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert {"--net", "--mount", "--pid", "--kill-child"} <= set(words)
    assert words[-1] == "true"
    assert {"--iptables=false", "--ip-forward=false"} <= set(dockerd.ALONE)
