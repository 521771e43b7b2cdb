"""What this process may do, as the kernel says it: its effective capabilities."""

from pathlib import Path
from typing import Final

CAP_NET_ADMIN: Final = 12  # linux/capability.h
STATUS: Final = Path("/proc/self/status")


def may_change_network(status: Path = STATUS) -> bool:
    """Return whether the kernel lets this process change addresses and routes (CAP_NET_ADMIN).

    False where it can't be read: then nothing is tried.
    Source: proc_pid_status(5), CapEff.
    """
    try:
        text = status.read_text(encoding="ascii", errors="replace")
        (word,) = (line.split()[1] for line in text.splitlines() if line.startswith("CapEff:"))
        return bool(int(word, 16) >> CAP_NET_ADMIN & 1)
    except (OSError, ValueError, IndexError):
        return False
