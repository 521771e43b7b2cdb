"""How full the kernel's tables of neighbors are: one of each family, for all labs of a machine.

A full one answers no ARP request and no Neighbor Solicitation of somebody who is not in it, so
hosts that are there become unreachable (arp_process and ndisc_recv_ns of Linux; its size is the
sysctl net.ipv6.neigh.default.gc_thresh3, and that of IPv4).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

TABLES: Final = {"IPv4": "arp_cache", "IPv6": "ndisc_cache"}
FOLDER: Final = Path("/proc/net/stat")


def state(folder: Path = FOLDER) -> str:
    """Return a line for each table, with counts since the machine's start; "": not to be read."""
    lines = []
    for family, name in TABLES.items():
        try:
            text = (folder / name).read_text()
        except OSError:
            continue
        entries, failed, full = counted(text)
        lines.append(f"{family}: {entries} entries, {failed} not resolved, {full} times full")
    return "\n".join(lines)


def counted(text: str) -> tuple[int, int, int]:
    """Return entries, failed resolutions, and how often it was full, of a file of the kernel.

    Its lines after the first are a processor's each, in hexadecimal; entries are the table's.
    """
    head, *rows = (line.split() for line in text.splitlines() if line)
    counts = [dict(zip(head, (int(one, 16) for one in row), strict=False)) for row in rows]
    entries = max((one.get("entries", 0) for one in counts), default=0)
    failed, full = (
        sum(one.get(name, 0) for one in counts) for name in ("res_failed", "table_fulls")
    )
    return entries, failed, full
