"""Starting and ending the supervisor of a lab, from outside it.

What a killed supervisor left behind is removed here too: a lab's traces are
known by its name alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO

from lab.errors import Broken
from lab.network import fabric, netns
from lab.network.topology import home, owns
from lab.options import Options
from lab.parts import CHECKOUT
from lab.supervision import control
from lab.supervision.control import owning
from lab.supervision.programs import environment


def down(name: str, *, patience_s: float = 15.0) -> bool:
    """Remove the lab called *name* and every trace of it; return whether there was any."""
    there = bool(traces(name))
    with contextlib.suppress(Broken):
        control.ask(name, "down")
    until = time.monotonic() + patience_s
    while True:
        try:
            with owning(name):  # the supervisor has gone: what is left is nobody's
                fabric.down(name)
                shutil.rmtree(home(name), ignore_errors=True)
            break
        except Broken:
            if time.monotonic() > until:
                _kill_owner(name)
                until = time.monotonic() + patience_s
            time.sleep(0.05)
    _let_go(name)
    return there


def traces(name: str) -> list[str]:
    """Return what exists of the lab called *name*: namespaces and its folder."""
    folder = home(name)
    return [n for n in netns.names() if owns(name, n)] + ([str(folder)] if folder.exists() else [])


def _kill_owner(name: str) -> None:
    """Kill a supervisor that doesn't end: the lock it holds proves that it is the one."""
    with contextlib.suppress(FileNotFoundError), control.lock_path(name).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(ValueError, ProcessLookupError):
                os.kill(int(lock.read()), signal.SIGKILL)


def start(options: Options, *, attached: bool, progress: Callable[[str], None]) -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "lab.supervision.supervisor", "--report", str(writing)]
    command += ["--options", options.to_json(), *(["--attached"] if attached else [])]
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[writing],
        start_new_session=True,
        env=environment({}),
    )
    _STARTED[options.name] = process  # an attached one's stdin must stay open
    os.close(writing)
    try:
        with os.fdopen(reading) as report:
            _follow(report, process, progress)
    except BaseException:  # Ctrl-C too: what was begun is undone
        process.terminate()
        process.wait(60)
        _let_go(options.name)
        raise
    finally:
        if process.stderr:
            process.stderr.close()  # from here on the supervisor has a log


_STARTED: dict[str, subprocess.Popen[bytes]] = {}  # by the names of their labs


def _let_go(name: str) -> None:
    """Forget a supervisor of ours that has nothing left to do: no zombie, no open file."""
    if (process := _STARTED.pop(name, None)) is not None:
        if process.stdin:
            process.stdin.close()
        process.wait(60)


def attached() -> bool:
    """Return whether this process holds a lab that goes when it does."""
    return any(process.stdin and process.poll() is None for process in _STARTED.values())


def stay() -> None:
    """Return when the lab this process is attached to has gone."""
    for process in _STARTED.values():
        process.wait()


def end() -> None:
    """Take away what this process is attached to, and return when it has gone."""
    for name, process in list(_STARTED.items()):
        if process.stdin:
            process.terminate()
            _let_go(name)


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: what ends a job of somebody's CI leaves no lab, either."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _follow(
    report: IO[str], process: subprocess.Popen[bytes], progress: Callable[[str], None]
) -> None:
    for line in report:
        news = json.loads(line)
        if "step" in news:
            progress(news["step"])
        elif news.get("ready"):
            return
        else:
            process.wait(60)
            control.unwrap(news)
    process.wait(60)
    words = process.stderr.read().decode() if process.stderr else ""
    raise Broken(f"The lab's supervisor died while building:\n{words}")


def check_machine() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Broken(
            "The lab is made of network namespaces: run it as root on Linux, in a container "
            "or virtual machine if you like."
        )
