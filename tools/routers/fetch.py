"""Unpack routers of other suites, with a libc of their own, below `build/routers`.

They come from the archive that the machine's own apt sources name, by an apt that knows of
nothing installed: so all that a router depends on comes with it, and nothing of the host is
linked. Nothing is installed, and apt's own state doesn't change. What is there is kept: remove
`build/routers` to have it fetched anew.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools.parts import BUILD, Apt
from tools.routers.releases import Bed, Release
from tools.sources import Source

HOME: Final = BUILD / "routers"


def folder(bed: Bed) -> Path:
    """Return what `lab up --parts` is given for *bed*."""
    return HOME / bed.name


def fetch(archive: Source, bed: Bed) -> None:
    """Have every router of *bed* below its folder, each with a "/" of its own.

    Raises:
        Failed: the archive hasn't one, or apt failed.
    """
    for release in bed.releases:
        root = folder(bed) / release.kind
        if release.package and not root.is_dir():
            print(f"routers: {release.package} of {release.suite}", flush=True)
            unpack(_download(archive, release), root)


def _download(archive: Source, release: Release) -> list[Path]:
    home = HOME / "apt" / release.suite
    apt = Apt(home, archive)
    debs = home / f"debs-{release.package}"
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    (home / "nothing-installed").touch()
    apt.options += [
        f"-oDir::State::status={home / 'nothing-installed'}",
        f"-oDir::Cache::archives={debs}",
        "-oAPT::Install-Recommends=false",
    ]
    apt.update(release.suite)
    apt("apt-get", "--yes", "--download-only", "install", release.package)
    return sorted(debs.glob("*.deb"))


def unpack(debs: list[Path], root: Path) -> None:
    """Unpack *debs* into *root*, which is there whole or not at all."""
    fresh = root.with_name(f".{root.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for deb in debs:
        subprocess.run(["dpkg", "-x", deb, fresh], check=True)
    fresh.rename(root)
