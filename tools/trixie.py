"""Roots of Debian 13 below `build/`: made by debootstrap, entered with this tree mounted in them.

They are made from the archive that this machine's own apt sources name. Whoever is in one has this
tree at `/pointsman`, with a build folder of its own; mounts and processes have namespaces of their
own: however it ends, nothing stays mounted or running. A root is kept, and made anew when what it
is made of changes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.runtime.errors import Failed
from tools import setup
from tools.sources import Source, codename, machine_sources, main_archive

SUITE: Final = "trixie"
TREE: Final = "/pointsman"  # where this tree lies in there
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
ARCHIVE_FILE: Final = "etc/apt/sources.list.d/debian.sources"
# How this machine reaches the world, and what a person sees of it; nothing else goes in.
PASSED: Final = re.compile(r"(PIP_\w+|(https?|no|all|ftp)_proxy|CI|TERM|COLUMNS|NO_COLOR)", re.I)
# /dev by hand, node by node: what a test does to it, it does to its own.
ENTER: Final = r"""
set -eu
root=$1 tree=$2 build=$3 bundle=$4; shift 4
mount --bind "$root" "$root"  # `ip netns exec` wants / to be a mount point
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o nosuid,mode=0755 dev "$root/dev"
for node in null zero full random urandom tty net/tun; do
  [ -e "/dev/$node" ] || continue
  mkdir -p "$(dirname "$root/dev/$node")"; : > "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o nosuid,nodev,mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for pair in stdin:0 stdout:1 stderr:2; do
  ln -s "/proc/self/fd/${pair#*:}" "$root/dev/${pair%:*}"
done
mount -t tmpfs -o nosuid,nodev,mode=0755 run "$root/run"
mkdir -m 1777 "$root/run/lock"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp "$root/tmp"
[ ! -e "$bundle" ] || mount --bind -o ro "$bundle" "$root$bundle"
mount --bind "$tree" "$root/pointsman"
mkdir -p "$tree/build"
mount --bind "$build" "$root/pointsman/build"
chroot "$root" sh -c 'cd /pointsman; "$@"; exit $?' sh "$@"  # a shell first: it reaps
"""


@dataclass(frozen=True, slots=True)
class Root:
    """One root: its name, which is also what speaks of it, and what is in it when it is new.

    Debian's essential packages are, and apt.
    """

    name: str
    packages: tuple[str, ...]

    @property
    def home(self) -> Path:
        return setup.BUILD / self.name

    @property
    def place(self) -> Path:
        return self.home / "root"

    @property
    def build(self) -> Path:
        """What is below `build/` of the tree for those in there."""
        return self.home / "build"

    @property
    def stamp(self) -> Path:
        return self.home / "stamp"

    def say(self, sentence: str) -> None:
        print(f"{self.name}: {sentence}", flush=True)


def get_debootstrap() -> Source:
    """Return the archive to take Debian 13 from; debootstrap is there afterwards.

    Raises:
        Failed: it can't be had here; the sentence says why.
    """
    if os.geteuid() != 0:
        raise Failed("debootstrap makes a root, which needs root: run this as root.")
    archive = main_archive(machine_sources(Path("/etc/apt")), codename())
    commands = {"debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux"}
    setup.apt_install(setup.missing_packages(commands))
    return archive


def made_of(root: Root, archive: Source) -> str:
    """Return the hash of all that decides what debootstrap makes."""
    return setup.digest(salt=f"{archive.uri} {archive.stanza([SUITE])} {root.packages}")


def key_file(archive: Source) -> Path | None:
    """Return the file of the key that *archive* is signed with; None: it is somewhere else."""
    named = dict(archive.options).get("Signed-By", str(KEYRING)).split()
    file = Path(named[0]) if named and named[0].startswith("/") else KEYRING
    return file if file.is_file() else None


def make_root(root: Root, archive: Source) -> None:
    """Make the root unless it stands already."""
    key = made_of(root, archive)
    if root.stamp.exists() and root.stamp.read_text() == key:
        return
    clear(root)
    root.say(f"making a root of Debian {SUITE} with debootstrap; a few minutes, once")
    root.say(f"in it: the essential packages, apt, {', '.join(root.packages)}")
    keyring = key_file(archive)
    trust = [f"--keyring={keyring}"] if keyring else []
    if dict(archive.options).get("Trusted", "").strip() == "yes":
        trust = ["--no-check-gpg"]
    words = (
        "debootstrap",
        "--variant=minbase",
        *trust,
        f"--include={','.join(root.packages)}",
        SUITE,
    )
    # In namespaces, too: it mounts /proc in there, and may be interrupted.
    status = ended(
        isolated([*words, root.place, archive.uri]), environment={**os.environ, **proxies()}
    )
    if status:
        raise Failed(f"debootstrap failed with exit status {status}; its output is above.")
    root.stamp.write_text(key)


def clear(root: Root) -> None:
    root.stamp.unlink(missing_ok=True)
    if any(
        f" {root.place}/" in line for line in Path("/proc/self/mountinfo").read_text().splitlines()
    ):
        raise Failed(f"Something is mounted below {root.place}. Unmount it, then run this again.")
    for folder in (root.place, root.build):
        shutil.rmtree(folder, ignore_errors=True)


def furnish(root: Root, archive: Source) -> None:
    """Give *root* this machine's way to archives, names and packages, as it is today."""
    files = {Path("/etc") / name for name in ("resolv.conf", "hosts", "pip.conf")}
    for file in sorted(files | {key_file(archive) or KEYRING}):
        place = root.place / file.relative_to("/")
        if file.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copyfile(file, place)
    (root.place / "etc/apt/sources.list").unlink(missing_ok=True)
    (root.place / ARCHIVE_FILE).write_text(archive.stanza([SUITE]))
    (root.place / "etc/apt/apt.conf.d/50machine").write_text("\n".join((*apt_settings(), "")))
    (root.place / TREE.lstrip("/")).mkdir(exist_ok=True)
    root.build.mkdir(exist_ok=True)


def apt_settings() -> list[str]:
    """Return how this machine's apt reaches archives: proxies, limits, what it checks."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    wanted = re.compile(r'Acquire::(https?|Check-\w[\w-]*|ForceIPv[46]|Retries)\b.* ".+";$')
    return [line for line in dump.stdout.splitlines() if wanted.match(line)]


def proxies() -> Mapping[str, str]:
    """Return apt's proxy in the variable that debootstrap's downloads go by."""
    found = re.findall(r'^Acquire::(https?)::Proxy "(.+)";$', "\n".join(apt_settings()), re.M)
    return {f"{scheme}_proxy": url for scheme, url in found if f"{scheme}_proxy" not in os.environ}


def isolated(command: Sequence[str | Path]) -> list[str]:
    """Return *command* with mounts and processes of its own, which end when we end."""
    own = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
    return ["setpriv", "--pdeathsig", "KILL", *own, *map(str, command)]


def ended(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run *command*; return its exit status. Whatever interrupts us ends it."""
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()
    finally:
        process.kill()
        process.wait()


def inside(root: Root, command: Sequence[str]) -> list[str]:
    """Return *command* as one that runs in *root*, in the tree, and ends when we end."""
    return isolated(["sh", "-c", ENTER, "sh", root.place, setup.ROOT, root.build, BUNDLE, *command])


def environment() -> dict[str, str]:
    """Return what is passed into a root: how to reach the world, and nothing else of ours."""
    passed = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    return {
        **passed,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        # The tree may be another user's, whom git would not trust.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
