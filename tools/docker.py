"""`make docker`: the end-to-end tests on containers instead of network namespaces.

It takes the Docker that the environment names. Where none answers, and this is Debian and we are
root, it unpacks Debian's and runs that for the time of the tests (`tools.dockerd`). It builds one
image from this tree and Debian's packages; it pulls nothing but the image's base, and that
only for a Docker that was there before.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Final

from pointsman.runtime.errors import Failed
from tools import dockerd, parts, setup, trixie
from tools.children import run, spoken
from tools.sources import Source, codename
from tools.turn import turn

IMAGE: Final = "pointsman-bed"
BASE: Final = "pointsman-bed-base"
PULLED: Final = "debian:trixie-slim"
HOME, CONTEXT = dockerd.HOME, dockerd.HOME / "context"
ROOT: Final = trixie.Root("docker", ("ca-certificates",))
DOCKERFILE: Final = setup.ROOT / "e2e/containers/image/Dockerfile"
TREE: Final = ("pointsman", "manager", "agent", "cli", "lab", "standin", "sidecars", "e2e", "crds")
STANDIN: Final = "common-expression-language"  # what the stand-in API needs beside the product
NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
PYTHON: Final = "3.13"  # the base's
GLIBC: Final = (5, 12, 17, 24, 26, 27, 28, 31, 34)  # manylinux_2_N that the base can run
# What no image needs of a root: what apt fetched, and devices, which Docker makes.
LEFT_OUT: Final = re.compile(r"(dev|proc|sys|run|tmp|pointsman|var/cache/apt|var/lib/apt/lists)/.+")
# Nothing that is installed shall start there.
INSTALL: Final = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install --no-install-recommends "$@"
"""
# What runs where nothing else is asked for: all but what would only repeat it with other faults.
DEFAULT: Final = (
    *("e2e/containers", "e2e/services/test_any_bed.py", "e2e/services/test_services.py"),
    *("e2e/services/test_nodes.py", "e2e/services/test_restarts.py"),
    *("e2e/addresses", "e2e/bgp/test_paths.py"),
)


def say(sentence: str) -> None:
    ROOT.say(sentence)


def packages() -> list[str]:
    """Return the Debian packages of the image, as its Dockerfile names them."""
    found = re.search(r'^ARG PACKAGES="(.+)"$', DOCKERFILE.read_text(), re.M)
    assert found is not None
    return found[1].split()


def make_root(archive: Source) -> None:
    """Make the root that the image is built on, once: debootstrap, then apt in it."""
    trixie.make_root(ROOT, archive)
    trixie.furnish(ROOT, archive)
    key = setup.digest(salt=f"{trixie.made_of(ROOT, archive)} {packages()}")
    setup.once("docker-base", key, install, proof=ROOT.place / "usr/lib/frr/bgpd")


def install() -> None:
    command = trixie.inside(ROOT, ["sh", "-ec", INSTALL, "sh", *packages()])
    if status := trixie.ended(command, environment=trixie.environment()):
        raise Failed(f"apt-get failed with exit status {status}; its output is above.")


def lay_context() -> None:
    """Lay out all that the image is built from: no build of it asks anybody for anything."""
    CONTEXT.mkdir(parents=True, exist_ok=True)
    standin = pins((setup.ROOT / "requirements/dev.txt").read_text(), needed(STANDIN))
    (CONTEXT / "standin.txt").write_text(standin)
    files = [setup.ROOT / f"requirements/{name}.txt" for name in ("manager", "agent")]
    files.append(CONTEXT / "standin.txt")
    key = setup.digest(*files, salt=f"{PYTHON} {platform.machine()}")
    setup.once("docker-wheels", key, lambda: get_wheels(files), proof=CONTEXT / "wheels")
    shutil.copy(setup.ROOT / "build/parts/gobgp/usr/bin/gobgpd", CONTEXT / "gobgpd")
    shutil.copy(DOCKERFILE, CONTEXT / "Dockerfile")
    shutil.rmtree(CONTEXT / "tree", ignore_errors=True)
    for name in TREE:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(setup.ROOT / name, CONTEXT / "tree" / name, ignore=ignored)


def needed(package: str) -> set[str]:
    """Return *package* and all that it requires, as they are installed here."""
    names, waiting = set[str](), [package]
    while waiting:
        name = normalized(waiting.pop())
        if name not in names:
            names.add(name)
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # of another system
                asked = importlib.metadata.requires(name) or []
                waiting += [NAME.match(one)[0] for one in asked if "extra ==" not in one]  # type: ignore[index]
    return names


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str, names: Container[str]) -> str:
    """Return the entries of the requirements *text* that are of *names*."""
    entries = re.findall(r"^[A-Za-z0-9](?:.*\\\n)*.*\n", text, re.M)
    return "".join(one for one in entries if normalized(NAME.match(one)[0]) in names)  # type: ignore[index]


def get_wheels(files: Sequence[Path]) -> None:
    """Download the wheels that *files* pin, for the Python of the image."""
    say("getting the wheels that are pinned")
    wheels = CONTEXT / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    machine = platform.machine()
    kinds = [f"--platform=manylinux_2_{number}_{machine}" for number in GLIBC]
    kinds += [f"--platform=manylinux2014_{machine}", f"--platform=linux_{machine}"]
    abis = [f"--abi={abi}" for abi in ("cp" + PYTHON.replace(".", ""), "abi3", "none")]
    pip = (setup.PYTHON, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps")
    strict = ("--require-hashes", "--only-binary", ":all:", f"--python-version={PYTHON}")
    named = [word for file in files for word in ("-r", file)]
    run((*pip, *strict, *abis, *kinds, "-d", wheels, *named))


def build(base: str) -> None:
    """Build the image on *base*; a base of ours is imported first."""
    import docker
    from testcontainers.core.image import DockerImage

    client = docker.from_env(timeout=1800)
    if base == BASE:
        base = f"{BASE}:{setup.digest(setup.BUILD / 'stamps/docker-base')[:12]}"
        if not client.images.list(base):
            say(f"importing {base}")
            import_root(client, base)
    say(f"building {IMAGE} on {base}")
    try:
        DockerImage(CONTEXT, tag=IMAGE, clean_up=False, buildargs={"BASE": base}).build()
    except docker.errors.BuildError as error:
        print("".join(line.get("stream", "") for line in error.build_log), file=sys.stderr)
        raise Failed(f"{IMAGE} can't be built: {error}. Its output is above.") from error


def import_root(client: object, tag: str) -> None:
    packed = HOME / "base.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(ROOT.place, arcname=".", filter=wanted)
    name, _, version = tag.partition(":")
    client.api.import_image(src=str(packed), repository=name, tag=version)  # type: ignore[attr-defined]
    packed.unlink()


def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if LEFT_OUT.match(member.name.removeprefix("./")) else member


def test(words: Sequence[str]) -> int:
    """Run pytest on the bed with *words*; return its exit status."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--bed",
        "docker",
        "-m",
        "docker",
        *(words or DEFAULT),
    ]
    say(" ".join(command[1:]))
    # Ryuk, which testcontainers would pull, removes what a killed run left: so does the next run.
    return subprocess.call(command, env={**os.environ, "TESTCONTAINERS_RYUK_DISABLED": "true"})


def image_alone(*, base: str) -> int:
    if not dockerd.reachable(""):
        raise Failed("No Docker answers: start one, or name it in DOCKER_HOST.")
    lay_context()
    build(base or PULLED)
    return 0


def outside(words: Sequence[str], *, base: str) -> int:
    """Make all that needs the world, then test: here, or beside a Docker of our own."""
    if dockerd.reachable(""):
        lay_context()
        build(base or PULLED)
        return test(words)
    if os.geteuid() != 0:
        raise Failed(
            "No Docker answers. Start one, or name it in DOCKER_HOST; or run this as root on "
            "Debian, and it runs one of its own from Debian's packages."
        )
    archive = trixie.get_debootstrap()
    HOME.mkdir(parents=True, exist_ok=True)
    dockerd.unpack(parts.Apt(parts.APT, archive), codename())
    make_root(archive)
    lay_context()
    inside = [sys.executable, "-m", "tools.docker", "--inside", *words]
    return trixie.ended(
        dockerd.isolated(inside), environment={**os.environ, **dockerd.environment()}
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.docker", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--base", default="", help=f"the image to build on (default {PULLED})")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--image", action="store_true", help=f"only build {IMAGE}")
    options, words = parser.parse_known_args(arguments)

    def work() -> int:
        os.chdir(setup.ROOT)
        if options.inside:
            with dockerd.running():
                build(BASE)
                return test(words)
        with turn(HOME, "docker"):
            if options.image:
                return image_alone(base=options.base)
            return outside(words, base=options.base)

    return spoken("docker", work, interrupted="interrupted; no container is left")


if __name__ == "__main__":
    sys.exit(main())
