"""Where the programs are that the lab drives: build/parts.json, else the PATH.

It finds and never fetches: `make setup` does that.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import Broken

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Part:
    """An unpacked program: *root* is its package's "/", *path* the program itself."""

    root: Path
    path: Path
    libraries: str = ""  # for LD_LIBRARY_PATH
    version: str = ""
    loader: str = ""  # the ld.so of a libc of its own

    def command(self, program: Path) -> list[str]:
        """Return what runs *program* of this part."""
        if not self.loader:
            return [str(program)]
        return [self.loader, "--library-path", self.libraries, str(program)]

    def environment(self) -> Mapping[str, str]:
        """Return what its programs need; with a loader nothing, which the host's would hear too."""
        if self.loader or not self.libraries:
            return {}
        return {"LD_LIBRARY_PATH": self.libraries}


def find(name: str, *, program: str = "") -> Part:
    """Return the part called *name*; without one, *program* from the PATH.

    Raises:
        Broken: it is nowhere.
    """
    program = program or name
    if entry := _unpacked().get(name):
        libraries = ":".join(str(CHECKOUT / p) for p in entry.get("libraries", "").split(":") if p)
        path = CHECKOUT / entry["path"]
        root = CHECKOUT / entry.get("root", "")
        return Part(root, path, libraries, entry.get("version", ""))
    search = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/lib/frr"
    if found := shutil.which(program, path=search):
        return Part(Path("/"), Path(found))
    raise Broken(
        f"The lab needs {program}, which is neither below build/parts nor on the PATH. "
        "Run `make setup` in the checkout."
    )


def tool(program: str, package: str) -> str:
    """Return the path of a system tool, or say which Debian *package* brings it.

    Raises:
        Broken: it isn't installed.
    """
    found = shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if not found:
        raise Broken(f"The lab needs {program}: install the package {package}.")
    return found


def _unpacked() -> Mapping[str, Any]:
    return unpacked(CHECKOUT / "build" / "parts.json")


def unpacked(file: Path) -> Mapping[str, Any]:
    """Return the entries of *file* whose programs are there; of a file that broke off, none."""
    try:
        entries = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):  # interrupted: `make setup` writes it anew
        return {}
    if not isinstance(entries, dict):
        return {}
    return {n: e for n, e in entries.items() if (CHECKOUT / e["path"]).exists()}
