"""Routers of other suites: asked for once, unpacked whole or not at all, nothing without need."""

import subprocess
from pathlib import Path

import pytest

from tools.routers import fetch
from tools.routers.releases import BEDS, NAMES, Bed, Release
from tools.sources import Source

ARCHIVE = Source("http://archive.example/debian", ("bookworm",), ("main",), ())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fetch, "HOME", tmp_path)
    return tmp_path


def test_what_make_setup_unpacked_and_what_is_there_is_not_fetched(home: Path) -> None:
    bed = Bed("there", (Release("frr", "bookworm"), Release("bird", "sid", "bird3")))
    (home / "there" / "bird").mkdir(parents=True)
    fetch.fetch(ARCHIVE, bed)  # it would ask an archive that doesn't exist
    assert [one.name for one in (home / "there").iterdir()] == ["bird"]


def test_packages_become_one_root(home: Path) -> None:
    debs = [package(home, "one"), package(home, "two")]
    fetch.unpack(debs, home / "bed" / "frr")
    assert (home / "bed" / "frr" / "usr" / "one").read_text() == "one"
    assert (home / "bed" / "frr" / "usr" / "two").read_text() == "two"


def test_a_package_that_is_none_leaves_no_root(home: Path) -> None:
    broken = home / "broken.deb"
    broken.write_text("no package")
    whole = package(home, "one")
    with pytest.raises(subprocess.CalledProcessError):
        fetch.unpack([whole, broken], home / "bed" / "frr")
    assert not (home / "bed" / "frr").exists()


def package(home: Path, name: str) -> Path:
    """Build the smallest package, with one file."""
    tree = home / f"tree-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "usr" / name).write_text(name)
    lines = [
        f"Package: {name}",
        "Version: 1",
        "Architecture: all",
        "Maintainer: nobody <n@example>",
    ]
    (tree / "DEBIAN" / "control").write_text("\n".join([*lines, "Description: one file", ""]))
    subprocess.run(
        ["dpkg-deb", "--build", tree, home / f"{name}.deb"], check=True, stdout=subprocess.DEVNULL
    )
    return home / f"{name}.deb"


def test_every_router_has_a_name_and_a_bed_has_one_of_each_kind_at_most() -> None:
    assert len({bed.name for bed in BEDS}) == len(BEDS)
    for bed in BEDS:
        kinds = [release.kind for release in bed.releases]
        assert len(set(kinds)) == len(kinds)
        assert set(kinds) <= set(NAMES)
