"""Where gobgpd is put down: its program, its private directory, its socket.

Refuses what would fail later and quietly: gobgpd that cannot bind its socket goes on
running *without* an API (measured, 4.8), and a socket others can reach hands out MD5
passwords to whoever asks.
"""

import os
import shutil
import socket as sockets
import stat
from pathlib import Path

from pointsman.runtime.errors import Misuse
from sidecars.gobgp import report

SUN_PATH_MAX = 107  # sockaddr_un holds 108 bytes, the last one is 0: unix(7)


def find_gobgpd(named: str | None) -> str:
    """Return the path of gobgpd: *named* (a flag), else $GOBGPD, else found on PATH.

    Raises:
        Misuse: there is none, or it cannot be run.
    """
    wanted = named or os.environ.get("GOBGPD") or "gobgpd"
    found = shutil.which(wanted)
    if found is None:
        raise Misuse(
            f"{wanted} is not a program that can be run here: "
            "install gobgpd 4.8 or newer, or name it with --gobgpd or $GOBGPD."
        )
    return found


def prepare(socket: Path) -> None:
    """Make the socket's directory ours alone (0700) and its name free.

    Raises:
        Misuse: the directory is shared with others, the name is too long or taken.
    """
    if len(os.fsencode(socket)) > SUN_PATH_MAX:
        raise Misuse(f"{socket} is too long for a Unix socket: at most {SUN_PATH_MAX} bytes.")
    folder = socket.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as why:
        raise Misuse(f"{folder} cannot be made a private directory: {why.strerror}.") from why
    # mkdir obeys the umask, and an existing directory is somebody's decision: look, don't chmod.
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Misuse(
            f"{folder} is open to others (mode {stat.S_IMODE(found.st_mode):04o}, uid "
            f"{found.st_uid}): name a socket in a directory of its own, it is made with mode 0700."
        )
    _free(socket)
    report.remove(socket)  # a predecessor's word


def _free(socket: Path) -> None:
    if not (socket.exists() or socket.is_symlink()):
        return
    if not socket.is_socket():
        raise Misuse(f"{socket} exists and is no socket: remove it, or name another.")
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(socket))
        except (ConnectionRefusedError, FileNotFoundError):
            socket.unlink(missing_ok=True)  # a gobgpd that was killed left it behind
        except OSError as why:
            raise Misuse(f"{socket} is in an unclear state ({why}): remove it.") from why
        else:
            raise Misuse(f"Another process serves {socket}: stop it, or name another socket.")
