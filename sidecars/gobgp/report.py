"""sessions.json beside the socket: a reader sees one state or the next, never half of one."""

import os
from collections.abc import Mapping
from pathlib import Path

from pointsman.wire import session_reasons


def write(socket: Path, reasons: Mapping[str, str]) -> None:
    """Replace what is told of the daemon behind *socket*; *reasons* by neighbor.

    Raises:
        OSError: it cannot be written, or there is no such socket.
    """
    found = socket.stat()
    content = session_reasons.encode((found.st_ino, found.st_ctime_ns), reasons)
    draft = socket.with_name(session_reasons.FILE + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    draft.replace(socket.with_name(session_reasons.FILE))


def remove(socket: Path) -> None:
    """Take away what is told; there may be nothing."""
    socket.with_name(session_reasons.FILE).unlink(missing_ok=True)
