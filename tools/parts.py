"""Download and unpack the programs that Pointsman drives and is tested against.

They are Debian packages, fetched through a private apt configuration that is
derived from the machine's own sources (so a mirror, a proxy or a key that works
for the machine works here) and unpacked below `build/parts/`, never installed:
installing FRR or BIRD would start routing daemons on the user's host. It changes
nothing of the system's apt state and names no host. `build/parts.json` says
what was taken.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pointsman.runtime.errors import Failed
from tools.sources import Source, codename, machine_sources, main_archive

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PARTS = BUILD / "parts"
APT = BUILD / "apt"

GOBGP_MIN, GOBGP_BELOW = "4.8", "5"
GOBGP_SUITES = ("trixie-backports", "sid")  # the first that offers a wanted version
PROTO = "golang-github-osrg-gobgp-dev"


@dataclass(frozen=True, slots=True)
class Part:
    """One folder below build/parts: *packages* of *suite*, the first gives the version.

    *libraries* are unpacked beside it, from the same suite, because a bare
    machine has only what the essential packages bring.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    main: str  # the program, or the folder, that users of the part look for
    libraries: tuple[str, ...] = ()


KUBECTL = Part("kubectl", "trixie", ("kubectl",), "usr/bin/kubectl")
FRR = Part(
    "frr",
    "bookworm",
    ("frr",),
    "usr/lib/frr/zebra",
    (
        "libyang2",
        "libjson-c5",
        "libcap2",
        "libc-ares2",
        "libprotobuf-c1",
        "libelf1",
        "libreadline8",
        "libpcre2-8-0",
        "libcrypt1",
        "libpam0g",
    ),
)
BIRD = Part(
    "bird",
    "bookworm",
    ("bird2",),
    "usr/sbin/bird",
    (
        "libreadline8",
        "libssh-gcrypt-4",
        "libgcrypt20",
        "libgpg-error0",
        "libgssapi-krb5-2",
        "libkrb5-3",
        "libk5crypto3",
        "libkrb5support0",
        "libcom-err2",
        "libkeyutils1",
    ),
)
# promtool and a Prometheus to ask. It is Go and needs libc alone, so bookworm's runs on both; only
# its web page wants the fonts and scripts that it depends on.
PROMETHEUS = Part("prometheus", "bookworm", ("prometheus",), "usr/bin/promtool")


# --- a private apt ------------------------------------------------------------------------


class Shelf(Protocol):
    """What choosing a version asks of an archive."""

    def update(self, suite: str) -> None:
        """Read what *suite* offers; what was read before stays known."""
        ...

    def versions(self, package: str) -> list[str]:
        """Return every version of *package* in the suites read so far."""
        ...


class Apt:
    """apt-get with sources, lists and cache of its own, below *home*."""

    def __init__(self, home: Path, archive: Source) -> None:
        self.home, self.archive = home, archive
        for folder in ("sources", "lists/partial", "cache/archives/partial", "empty"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": home / "sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": home / "empty",
            "Dir::State::lists": home / "lists",
            "Dir::Cache": home / "cache",
            "APT::Sandbox::User": "root",  # `_apt` cannot enter a 0700 checkout
            "APT::List-Cleanup": "false",  # one `update` per suite
            "Acquire::Languages": "none",
            "APT::Update::Post-Invoke": "",
            "APT::Update::Post-Invoke-Success": "",
        }
        self.options = [f"-o{name}={value}" for name, value in options.items()]

    def __call__(self, program: str, *words: str, cwd: Path | None = None) -> str:
        """Return what *program* prints.

        Raises:
            Failed: it failed; its own words are in the sentence.
        """
        command = [program, "-q", *self.options, *words]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            complaint = (done.stderr or done.stdout).strip()
            raise Failed(f"`{program} {' '.join(words)}` failed:\n{complaint}")
        return done.stdout

    def update(self, suite: str) -> None:
        (self.home / "sources" / f"{suite}.sources").write_text(self.archive.stanza([suite]))
        self("apt-get", "update")

    def versions(self, package: str) -> list[str]:
        """Return every version of *package* the known suites offer."""
        lines = self("apt-cache", "madison", package).splitlines()
        return [line.split("|")[1].strip() for line in lines]

    def download(self, package: str, where: str) -> Path:
        """Return the .deb of *package* at *where* ("/suite" or "=version")."""
        debs = self.home / "debs" / re.sub(r"\W", "_", f"{package}{where}")
        debs.mkdir(parents=True, exist_ok=True)
        self("apt-get", "download", package + where, cwd=debs)
        return max(debs.glob("*.deb"), key=lambda deb: deb.stat().st_mtime)


def upstream(version: str) -> str:
    """Return *version* without epoch and Debian revision, for people."""
    return version.rpartition(":")[2].rpartition("-")[0] or version


def is_at_least(version: str, bound: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, "ge", bound]).returncode == 0


def newest(versions: Iterable[str]) -> str | None:
    best = None
    for version in versions:
        if best is None or is_at_least(version, best):
            best = version
    return best


# --- unpacking ----------------------------------------------------------------------------


def unpack(name: str, debs: Sequence[Path]) -> str:
    """Unpack *debs* into build/parts/*name*; return the version of the first.

    The folder is swapped in whole: whoever runs the old programs keeps them.
    """
    fresh, old, place = (PARTS / f".{name}.new", PARTS / f".{name}.old", PARTS / name)
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir(parents=True)
    for deb in debs:
        subprocess.run(["dpkg", "-x", str(deb), str(fresh)], check=True)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    fields = ["dpkg-deb", "-f", str(debs[0]), "Version"]
    return subprocess.run(fields, check=True, capture_output=True, text=True).stdout.strip()


def take(apt: Apt, part: Part) -> dict[str, str]:
    wanted = (*part.packages, *part.libraries)
    version = unpack(part.name, [apt.download(p, f"/{part.suite}") for p in wanted])
    return entry(part.name, version, part.main)


def choose_gobgp(shelf: Shelf) -> str:
    """Return the newest wanted version that daemon and .proto files are both offered in.

    Raises:
        Failed: there is none.
    """
    for suite in GOBGP_SUITES:
        shelf.update(suite)
        offered = shelf.versions("gobgpd")
        fit = [v for v in offered if is_at_least(v, GOBGP_MIN) and not is_at_least(v, GOBGP_BELOW)]
        if version := newest(fit):
            break
    else:
        raise Failed(
            f"No gobgpd from {GOBGP_MIN} up to, not including, {GOBGP_BELOW} in "
            f"{' or '.join(GOBGP_SUITES)}. Use an archive that carries one of these suites."
        )
    protos = shelf.versions(PROTO)
    if version not in protos:
        raise Failed(
            f"gobgpd is offered as {version}, {PROTO} only as {', '.join(protos) or 'nothing'}: "
            "daemon and stubs must be one version. "
            "Wait for the archive to catch up, then run this again."
        )
    return version


def take_gobgp(apt: Apt) -> tuple[dict[str, str], dict[str, str]]:
    """Return the entries of gobgpd and of its .proto files, of one version."""
    version = choose_gobgp(apt)
    unpack("gobgp", [apt.download("gobgpd", f"={version}")])
    unpack("gobgp-proto", [apt.download(PROTO, f"={version}")])
    (api,) = (PARTS / "gobgp-proto").rglob("api/gobgp.proto")
    proto = str(api.parent.parent.relative_to(PARTS / "gobgp-proto"))
    return entry("gobgp", version, "usr/bin/gobgpd"), entry("gobgp-proto", version, proto)


def entry(name: str, version: str, main: str) -> dict[str, str]:
    """Return one value of parts.json: paths are relative to the repository."""
    root = PARTS / name
    if not (root / main).exists():
        raise Failed(f"The package of {name} {version} has no {main}: tools/parts.py must learn.")
    places = {"root": root, "path": root / main}
    libraries = sorted({str(so.parent.relative_to(ROOT)) for so in root.rglob("lib*.so.*")})
    paths = {key: str(path.relative_to(ROOT)) for key, path in places.items()}
    return {"version": upstream(version), "package": version, **paths} | (
        {"libraries": ":".join(libraries)} if libraries else {}
    )


def take_all() -> Mapping[str, Mapping[str, str]]:
    apt = Apt(APT, main_archive(machine_sources(Path("/etc/apt")), codename()))
    print("parts: reading the archive", flush=True)
    for suite in sorted({part.suite for part in (KUBECTL, FRR, BIRD, PROMETHEUS)}):
        apt.update(suite)
    gobgpd, proto = take_gobgp(apt)
    return {
        "gobgpd": gobgpd,
        "gobgp-proto": proto,
        "kubectl": take(apt, KUBECTL),
        "frr": take(apt, FRR),
        "bird": take(apt, BIRD),
        "prometheus": take(apt, PROMETHEUS),
    }


def main() -> int:
    os.umask(0o022)
    try:
        parts = take_all()
    except Failed as why:
        print(f"parts: {why}", file=sys.stderr)
        return 1
    for name, part in parts.items():
        print(f"parts: {name} {part['package']}", flush=True)
    (BUILD / "parts.json").write_text(json.dumps(parts, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
