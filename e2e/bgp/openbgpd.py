"""One more router: an OpenBGPD beside the BIRD, on an address and a port of its own.

It has no Linux kernel table: what it believes is asked of its own control socket. Its programs
start themselves anew, and want accounts and places of their own, so it runs in a root that is
laid over the unpacked one and goes with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import labs
from e2e.bed import Bed, Broken
from e2e.bgp import spoken
from e2e.cluster import MANAGER
from lab.commands import printed
from lab.network.topology import MANAGER_AS, SECOND_ROUTER
from lab.patience import PATIENCE_S
from lab.routers import other_versions

ADDRESS, PORT, AS = "192.0.2.3", 1179, 64506
PROGRAM = "usr/sbin/bgpd"
ROOT = """
set -eu
home=$1 below=$2
mount -t tmpfs own "$home/mounts"
mkdir "$home/mounts/upper" "$home/mounts/work" "$home/mounts/root"
layers="lowerdir=$below,upperdir=$home/mounts/upper,workdir=$home/mounts/work"
mount -t overlay own -o "$layers" "$home/mounts/root"
cd "$home/mounts/root"
for name in lib lib64; do [ -e $name ] || ln -s usr/$name $name; done
mkdir -p dev proc etc var run/openbgpd
[ -e var/run ] || ln -s ../run var/run
mknod -m 666 dev/null c 1 3
mount -t proc own proc
mount --bind "$home/run" run/openbgpd
for name in passwd group; do
  cp "$home/$name" etc/$name
done
install -m 600 "$home/bgpd.conf" etc/bgpd.conf
exec chroot . /usr/sbin/bgpd -d
"""


@dataclass(frozen=True, slots=True)
class OpenBgpd:
    """One that runs: *bgpctl* and its control socket."""

    bgpctl: Sequence[str]

    def says(self, *words: str) -> Any:
        """Return what it answers to *words*, read.

        Raises:
            Broken: it doesn't answer.
        """
        command = [*self.bgpctl, "-j", *words]
        answer = printed(command, os.environ, check=True, timeout_s=PATIENCE_S)
        return json.loads(answer or "{}")

    def hops(self, prefix: str) -> list[str]:
        """Return the next hops of its paths of *prefix*, each as often as it has it, sorted."""
        return sorted(path["exit_nexthop"] for path in self.paths(prefix))

    def paths(self, prefix: str) -> list[dict[str, Any]]:
        paths: list[dict[str, Any]] = self.says("show", "rib", "detail", prefix).get("rib", [])
        return [path for path in paths if path["prefix"] == prefix]


def folder() -> Path | None:
    """Return the root of the OpenBGPD that the environment names; None: it has none."""
    named = os.environ.get(labs.ROUTERS)
    roots = (Path(named).resolve() / "openbgpd", Path(named).resolve()) if named else ()
    return next((root for root in roots if (root / PROGRAM).is_file()), None)


def release() -> str:
    """Return its version, as it says it itself.

    Raises:
        Broken: it says none.
    """
    root = folder()
    part = other_versions.unpacked(root, PROGRAM) if root else None
    words = other_versions.says(part, part.path, "-V").split() if part else []
    if len(words) < 2 or words[0] != "OpenBGPD":
        raise Broken(f"OpenBGPD says of its version: {' '.join(words)}")
    return words[1].removesuffix("-portable")


def configuration(*more: str, capabilities: str = "announce add-path recv yes") -> str:
    """Return a plain bgpd.conf, with the lines *more* about the manager."""
    lines = ("passive", "announce IPv4 unicast", "announce IPv6 unicast", "export none")
    about = "\n".join(
        f"  {line}" for line in (f"remote-as {MANAGER_AS}", *lines, capabilities, *more)
    )
    return (
        f"AS {AS}\nrouter-id {ADDRESS}\nlisten on {ADDRESS} port {PORT}\nfib-update no\n"
        f"neighbor {MANAGER} {{\n{about}\n}}\nallow from any\n"
    )


@contextlib.contextmanager
def running(lab: Bed, text: str) -> Iterator[OpenBgpd]:
    """Run one with *text* on the second router's machine."""
    spoken.note(spoken.OPENBGPD)
    below = folder()
    assert below
    part = other_versions.unpacked(below, "usr/sbin/bgpctl")
    home = lab.folder("openbgpd")
    for name in ("mounts", "run"):
        (home / name).mkdir(exist_ok=True)
    (home / "bgpd.conf").write_text(text)
    users = [(name, 980 + n) for n, name in enumerate(("_bgpd", "_openbgpd"))]
    account = "root:x:0:0::/:/bin/sh\n"
    (home / "passwd").write_text(
        account + "".join(f"{n}:x:{i}:{i}::/run/openbgpd:/bin/false\n" for n, i in users)
    )
    (home / "group").write_text("root:x:0:\n" + "".join(f"{n}:x:{i}:\n" for n, i in users))
    own = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ROOT, "openbgpd")
    address = ("dev", "eth0")
    lab.exec(SECOND_ROUTER, "ip", "address", "add", f"{ADDRESS}/24", *address)
    control = home / "run" / "bgpd.sock.0"
    control.unlink(missing_ok=True)
    try:
        with (home / "openbgpd.log").open("wb") as words:
            process = subprocess.Popen(
                lab.command(SECOND_ROUTER, [*own, str(home), str(below)]),
                stdout=words,
                stderr=words,
                env=lab.environment(),
            )
        try:
            lab.wait("OpenBGPD", lambda: control.exists() and process.poll() is None)
            yield OpenBgpd((*part.command(part.path), "-s", str(control)))
        finally:
            process.kill()
            process.wait()
    finally:
        lab.exec(SECOND_ROUTER, "ip", "address", "del", f"{ADDRESS}/24", *address)
