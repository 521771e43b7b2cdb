"""A Docker daemon of our own, for machines where none runs: Debian's, unpacked, never installed.

It lives in network, mount and process namespaces of its own, and whatever talks to it lives there
with it: bridges, addresses and the firewall of this machine stay as they are, and when the
namespaces end, so do the daemon and all containers. Nothing can be pulled in there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pointsman.runtime.errors import Failed
from tools import parts

HOME: Final = parts.BUILD / "docker"
ROOT: Final = parts.PARTS / "docker"
SOCKET: Final = HOME / "docker.sock"
LOG: Final = HOME / "dockerd.log"
# dockerd, what it starts, and the libraries that a bare machine lacks.
PACKAGES: Final = (
    *("docker.io", "containerd", "runc", "tini"),
    *("libdevmapper1.02.1", "libsystemd0", "libseccomp2"),
)
# The firewall's rules would be for ways out of here, and there are none.
ALONE: Final = ("--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false")
READY_S: Final = 90.0
END_S: Final = 60.0  # containers are stopped meanwhile


def reachable(host: str) -> bool:
    """Return whether a Docker daemon answers at *host*; empty: where the environment says."""
    import docker

    try:
        client = docker.DockerClient(base_url=host) if host else docker.from_env()
        with contextlib.closing(client):
            return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False


def unpack(apt: parts.Apt, suite: str) -> None:
    """Unpack Debian's Docker below build/parts, unless it is there."""
    if (ROOT / "usr/sbin/dockerd").exists():
        return
    print("docker: unpacking Debian's docker.io, nothing of it is installed", flush=True)
    apt.update(suite)
    parts.unpack("docker", [apt.download(package, f"/{suite}") for package in PACKAGES])


def environment() -> Mapping[str, str]:
    """Return what finds the daemon, its programs and its libraries."""
    libraries = sorted({str(so.parent) for so in ROOT.rglob("lib*.so.*")})
    path = f"{ROOT}/usr/sbin:{ROOT}/usr/bin:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return {
        "PATH": path,
        "LD_LIBRARY_PATH": ":".join(libraries),
        "DOCKER_HOST": f"unix://{SOCKET}",
    }


def isolated(command: Sequence[str]) -> list[str]:
    """Return *command* with a network, mounts and processes of its own, which end with it."""
    own = ("unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork")
    # /run is its own: whatever Docker this machine may have keeps its sockets.
    # A shell stays the first process: it reaps, as containers' shims leave their dead to it.
    script = 'mount -t tmpfs run /run; ip link set lo up; "$@"; exit $?'
    inside = ("--mount-proc", "--kill-child", "sh", "-ec", script, "sh")
    return ["setpriv", "--pdeathsig", "KILL", *own, *inside, *command]


@contextlib.contextmanager
def running() -> Iterator[None]:
    """The daemon runs meanwhile. Call it in the namespaces of `isolated`.

    Raises:
        Failed: it ended, or does not answer; its log is named.
    """
    SOCKET.unlink(missing_ok=True)
    own = ("--data-root", str(HOME / "data"), "--exec-root", "/run/docker")
    files = ("--pidfile", "/run/docker.pid", "--host", f"unix://{SOCKET}")
    command = ("dockerd", *own, *files, *ALONE, "--userland-proxy=false")
    with LOG.open("wb") as log:
        daemon = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment()}
        )
    try:
        until = time.monotonic() + READY_S
        while not reachable(f"unix://{SOCKET}"):
            if daemon.poll() is not None or time.monotonic() > until:
                raise Failed(f"Docker does not start; {LOG} says why.")
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(END_S)
        daemon.kill()
        daemon.wait()
