"""Routers of other versions, from a folder that the user names, and what they say they are.

The folder is a "/" that Debian packages were unpacked into, or one with such a "/" each in
frr/ and bird/. A newer Debian's programs need its libc: if the folder has one, its own
ld.so runs them, and nothing of the host is linked. What a version can do is not
remembered here: its `--help` tells.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lab.errors import Broken
from lab.network.topology import RouterKind
from lab.options import Options
from lab.parts import Part
from lab.routers.roles import roles
from pointsman.runtime.errors import Misuse

PROGRAM: Final = {RouterKind.FRR: "usr/lib/frr/zebra", RouterKind.BIRD: "usr/sbin/bird"}
NAME: Final = {RouterKind.FRR: "FRR", RouterKind.BIRD: "BIRD"}
# The lab was seen working with these; docs/routers/README.md has the same ones.
TRIED: Final = {RouterKind.FRR: ("8.4", "10.3", "10.7"), RouterKind.BIRD: ("2.0", "2.17", "3.4")}
ANSWER_S: Final = 20.0


def given_parts(folder: str | None) -> str:
    """Return the path of what `--parts` names; empty: the parts of the checkout.

    Raises:
        Misuse: it is no folder, or has no router.
    """
    if not folder:
        return ""
    path = Path(folder).resolve()
    if not path.is_dir():
        raise Misuse(f"--parts {folder}: there is no such folder.")
    if not any(find(path, kind) for kind in RouterKind):
        wanted = " nor ".join(PROGRAM.values())
        raise Misuse(
            f"--parts {folder} has neither {wanted}, in itself or below frr or bird. Unpack the "
            "Debian packages of a router and of what they depend on there with `dpkg -x`."
        )
    return str(path)


def find(folder: Path, kind: RouterKind) -> Part | None:
    """Return the router of *kind* below *folder*."""
    for root in (folder, folder / kind.value):
        if (root / PROGRAM[kind]).is_file():
            return unpacked(root, PROGRAM[kind])
    return None


def unpacked(root: Path, program: str) -> Part:
    """Return *program* of the packages that were unpacked into *root*."""
    return Part(root, root / program, _libraries(root), loader=_loader(root))


def report(options: Options) -> Iterator[str]:
    """Yield a sentence on each router that *options* take from elsewhere.

    Raises:
        Misuse: nothing of the folder would be run.
        Broken: a program of it doesn't run.
    """
    if not options.parts or "router" in options.without:
        return
    kinds = sorted({role.kind for role in roles(options.topology())})
    found = {kind: part for kind in kinds if (part := find(Path(options.parts), kind))}
    if not found:
        names = " or ".join(NAME[kind] for kind in kinds)
        raise Misuse(
            f"--parts {options.parts} has no {names}, which is all that this lab runs: name "
            "another folder or another --router."
        )
    for kind, part in found.items():
        release = version(part)
        yield f"{NAME[kind]} {release} of {part.root}"
        if ".".join(release.split(".")[:2]) not in TRIED[kind]:
            yield (
                f"{NAME[kind]} {release} was never tried: {', '.join(TRIED[kind])} were. "
                "If it behaves otherwise, that may be why"
            )


def version(part: Part) -> str:
    """Return the version that the program of *part* says it is.

    Raises:
        Broken: it says none.
    """
    output = says(part, part.path, "--version")
    if release := read_version(output):
        return release
    words = (output.strip().splitlines() or ["nothing"])[0][:200]
    raise Broken(
        f"{part.path} --version names no version, it says: {words}. If a library is missing, "
        "unpack its package into the same folder."
    )


def read_version(output: str) -> str:
    """Return the version in the answer of FRR or BIRD to `--version`; empty: none."""
    found = re.search(r"^(?:zebra|BIRD) version (\d+(?:\.\d+)+)", output, re.M)
    return found[1] if found else ""


def knows(help_text: str, flag: str) -> bool:
    """Return whether a program whose `--help` is *help_text* takes *flag*."""
    return re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", help_text) is not None


@functools.cache
def says(part: Part, program: Path, flag: str) -> str:
    """Return what *program* of *part* prints when it is asked *flag*.

    Raises:
        Broken: it can't be run.
    """
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    command = [*part.command(program), flag]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_S,
            env=environment | dict(part.environment()),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Broken(f"{program} {flag} can't be run: {error}.") from None
    return done.stdout.decode(errors="replace")


def _libraries(root: Path) -> str:
    places = ("lib", "usr/lib", "lib/*-linux-gnu", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/frr")
    folders = sorted({folder for place in places for folder in root.glob(place)})
    return ":".join(str(folder) for folder in folders if any(folder.glob("lib*.so.*")))


def _loader(root: Path) -> str:
    """Return the ld.so of the libc in *root*; not lib64's link to it, which may be absolute."""
    for place in ("usr/lib/*-linux-gnu", "lib/*-linux-gnu"):
        if found := sorted(root.glob(f"{place}/ld-linux*.so.*")):
            return str(found[0])
    return ""
