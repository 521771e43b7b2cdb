"""Named network namespaces: make, enter, configure, empty, remove.

Every change it makes is made inside a namespace: `ip -n` for links, addresses
and routes, setns(2) for sysctls and listening sockets. It refuses to go on when
it can't return from a namespace it entered.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab.errors import Broken
from lab.parts import tool

RUN_NETNS = Path("/run/netns")  # ip-netns(8)
CLONE_NEWNET = 0x4000_0000  # linux/sched.h; os.setns() comes with Python 3.12


def names() -> list[str]:
    return sorted(os.listdir(RUN_NETNS)) if RUN_NETNS.exists() else []


@contextlib.contextmanager
def entered(namespace: str) -> Iterator[None]:
    """This thread's network namespace is *namespace* meanwhile.

    What is opened stays there: a socket for ever, /proc/sys/net while it is open.
    """
    with open("/proc/thread-self/ns/net") as home, open(RUN_NETNS / namespace) as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            try:
                _setns(home.fileno())
            except OSError:  # going on would configure the wrong machine
                os.abort()


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def sysctl(namespace: str, values: Mapping[str, int]) -> None:
    """Set *values* (keys such as net.ipv4.ip_forward) in *namespace* only."""
    if stray := [key for key in values if not key.startswith("net.")]:
        raise ValueError(f"not of a network namespace, so the host's: {stray}")
    with entered(namespace):
        for key, value in values.items():
            Path("/proc/sys", *key.split(".")).write_text(f"{value}\n")


def listener(namespace: str, host: str, port: int) -> socket.socket:
    """Return a TCP socket that listens in *namespace* and is served from here."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with entered(namespace):
        sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def ip(*commands: str, namespace: str | None = None, version: int = 4) -> None:
    """Run `ip` *commands* in one go, in *namespace* if one is given.

    *version* 6 is for what `ip` takes for IPv4 if it isn't told: rules. A session of its own
    keeps Ctrl-C from stopping it half-way.

    Raises:
        Broken: the kernel refused one.
    """
    where = ["-n", namespace] if namespace else []
    where += ["-6"] if version == 6 else []
    done = subprocess.run(
        [tool("ip", "iproute2"), *where, "-batch", "-"],
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise Broken(f"ip in {namespace or 'the host'}: {(done.stderr or done.stdout).strip()}")


def entering(namespace: str, command: Sequence[str]) -> list[str]:
    """Return *command* as one that runs in *namespace*, under the same process id.

    Not nsenter: /sys must be the namespace's too, for whoever looks at /sys/class/net.
    """
    return [tool("ip", "iproute2"), "netns", "exec", namespace, *command]


def inhabitants(namespaces: Sequence[str]) -> set[int]:
    """Return the processes whose network is one of *namespaces*."""
    wanted = set()
    for name in namespaces:
        with contextlib.suppress(FileNotFoundError):
            wanted.add((RUN_NETNS / name).stat().st_ino)
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            # Gone meanwhile, or a zombie, which has no namespaces any more.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if os.stat(f"/proc/{entry}/ns/net").st_ino in wanted:
                    found.add(int(entry))
    return found


def remove(namespaces: Sequence[str], *, patience_s: float = 30.0) -> None:
    """Kill what lives in *namespaces*, then remove them.

    Raises:
        Broken: something there outlives SIGKILL.
    """
    until = time.monotonic() + patience_s
    while left := inhabitants(namespaces):
        if time.monotonic() > until:
            raise Broken(f"Processes {sorted(left)} don't die; namespaces {namespaces} stay.")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    present = set(names())
    if doomed := [name for name in namespaces if name in present]:
        ip(*(f"netns del {name}" for name in doomed))
