"""`make setup`: the virtual environment, the unpacked parts and the stubs.

Each step leaves a stamp holding the hash of what it was made from, so a second
run does nothing. It refuses to guess: what it cannot find or do, it says in one
sentence. It installs with apt only what a user would want on the system anyway,
and only what is missing; everything else is unpacked below `build/`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pointsman.runtime.errors import Failed
from tools.children import run, running, spoken
from tools.turn import turn

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PARTS = BUILD / "parts.json"
TMP = BUILD / "tmp"  # an interrupted venv or pip leaves there what it was at
VENV = BUILD / "venv"
PYTHON = VENV / "bin" / "python"
PINS = ROOT / "requirements" / "dev.txt"

# Commands the lab and the tests call by name, and the Debian package of each.
COMMANDS = {
    "ip": "iproute2",
    "nft": "nftables",
    "openssl": "openssl",
    # Independent judges of who answers ARP and NDP.
    "arping": "iputils-arping",
    "ndisc6": "ndisc6",
    "tcpdump": "tcpdump",
}
SBIN = "/usr/sbin:/sbin"


def missing_packages(commands: Mapping[str, str]) -> list[str]:
    """Return the Debian packages of those *commands* that this machine lacks, sorted."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    return sorted({pkg for cmd, pkg in commands.items() if shutil.which(cmd, path=path) is None})


def install_packages() -> None:
    """Install what setting up needs and this machine lacks."""
    lacking = missing_packages(COMMANDS)
    if importlib.util.find_spec("ensurepip") is None:  # Debian splits it off
        lacking = sorted([*lacking, "python3-venv"])
    apt_install(lacking)


def apt_install(lacking: Sequence[str]) -> None:
    """Install the packages *lacking* with apt, and say so.

    Raises:
        Failed: we may not, or apt failed.
    """
    if not lacking:
        return
    if os.geteuid() != 0:
        raise Failed(f"Missing here: {', '.join(lacking)}. Install them, or run this as root.")
    print(f"setup: installing {', '.join(lacking)} with apt", flush=True)
    install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(install, shown=True, **quiet)
    except Failed:  # a fresh image has no package lists, or old ones
        run(("apt-get", "update", "-q"), shown=True, **quiet)
        run(install, shown=True, **quiet)


def digest(*paths: Path, salt: str = "") -> str:
    """Return one hash over the contents of *paths* and *salt*."""
    total = hashlib.sha256(salt.encode())
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()


def once(name: str, key: str, make: Callable[[], None], *, proof: Path) -> bool:
    """Run *make* unless it succeeded before for the same *key*; True if it ran.

    *proof* is something it makes: a stamp without it counts for nothing.
    """
    stamp = BUILD / "stamps" / name
    if proof.exists() and stamp.exists() and stamp.read_text() == key:
        return False
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(key)
    return True


def make_venv() -> None:
    print(f"setup: making {VENV.relative_to(ROOT)}", flush=True)
    run((sys.executable, "-m", "venv", "--clear", VENV), TMPDIR=str(TMP))


PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install")


def install_pins() -> None:
    """Install what is pinned, and say how far it is: a slow line takes minutes.

    Raises:
        Failed: pip failed; what it said is printed.
    """
    total = sum(line[:1].isalnum() for line in PINS.read_text().splitlines())
    print(f"setup: installing {PINS.relative_to(ROOT)}: {total} packages", flush=True)
    # Wheels only: a bare machine has no compiler, and an sdist runs foreign code.
    command = (*PIP, "--progress-bar=off", "--require-hashes", "--only-binary", ":all:", "-r", PINS)
    done, output = 0, list[str]()
    both, own = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}, {"TMPDIR": str(TMP)}
    with running(command, **both, env=own) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            output.append(line)
            if line.startswith(("Collecting ", "Requirement already satisfied:")):
                done += 1
                if done % 20 == 0:
                    print(f"setup: {done} of {total} packages", flush=True)
            elif line.startswith("Installing collected packages"):
                print("setup: unpacking them", flush=True)
        status = pip.wait()
    if status != 0:
        print("".join(output), file=sys.stderr)
        raise Failed(f"pip could not install {PINS.relative_to(ROOT)}; its output is above.")


def install_project() -> None:
    """Make the flat packages importable, and `pointsman` a command, in the venv."""
    # Twice quiet: a machine's extra indexes warn about every package they lack.
    own = (*PIP, "-qq", "--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT)
    run(own, TMPDIR=str(TMP))


def set_up() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  this is where the user is told
        raise Failed(
            f"Python {platform.python_version()} is too old: Pointsman needs 3.11 or newer. "
            "Name one with `make setup PYTHON=/path/to/python3`."
        )
    install_packages()
    tools = ROOT / "tools"
    python = f"{sys.version} {sys.base_prefix} {ROOT}"
    key = digest(salt=python)
    once("venv", key, make_venv, proof=PYTHON)
    # In place: what others run from this tree keeps running. `make clean` starts afresh.
    key = digest(PINS, salt=key)
    once("pins", key, install_pins, proof=VENV / "bin" / "mypy")
    key = digest(tools / "parts.py", tools / "sources.py")
    # A separate process: it is also run alone, and its failure is its own sentence.
    once("parts", key, lambda: run((PYTHON, "-m", "tools.parts")), proof=PARTS)
    key = digest(PINS, PARTS, tools / "stubs.py", salt=python)
    stubs = ROOT / "pointsman" / "gobgp_api" / "__init__.py"
    once("stubs", key, lambda: run((PYTHON, "-m", "tools.stubs")), proof=stubs)
    key = digest(PINS, ROOT / "pyproject.toml", ROOT / "hatch_build.py", salt=python)
    once("project", key, install_project, proof=VENV / "bin" / "pointsman")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Have *build* for this process: two `make` in one tree take turns."""
    with turn(BUILD, "setup"):
        TMP.mkdir(exist_ok=True)
        try:
            yield
        finally:
            shutil.rmtree(TMP, ignore_errors=True)


def work() -> int:
    with alone():
        set_up()
        offer_kubectl()
    return 0


def offer_kubectl() -> None:
    """Put the kubectl of the parts beside our commands, where the machine has none of its own."""
    link, own = VENV / "bin" / "kubectl", json.loads(PARTS.read_text())["kubectl"]["path"]
    places = os.environ.get("PATH", "").split(os.pathsep)
    others = os.pathsep.join(place for place in places if Path(place) != link.parent)
    if link.is_symlink():
        link.unlink()
    if shutil.which("kubectl", path=others) is None:
        link.symlink_to(ROOT / own)


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.chdir(ROOT)
    return spoken("setup", work, interrupted="interrupted; the next run goes on from here")


if __name__ == "__main__":
    sys.exit(main())
