"""How strictly the kernel answers ARP on each interface: two settings, of all and of its own.

They are files of the network namespace that the agent runs in, readable by everybody. A
kernel without them (no IPv4, no /proc/sys) has said nothing, and nothing follows from it.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from agent.snapshot import ArpRules

CONF: Final = Path("/proc/sys/net/ipv4/conf")
ALL: Final = "all"


def arp_rules(interfaces: Iterable[str], conf: Path = CONF) -> Mapping[str, ArpRules]:
    """Return the settings in force on each of *interfaces* that has any.

    Of both places the larger number is in force (linux, Documentation/networking/ip-sysctl).
    """
    common = _read(conf / ALL)
    if common is None:
        return {}
    found: dict[str, ArpRules] = {}
    for name in interfaces:
        if (own := _read(conf / name)) is not None:
            found[name] = ArpRules(
                ignore=max(common.ignore, own.ignore),
                announce=max(common.announce, own.announce),
            )
    return found


def _read(folder: Path) -> ArpRules | None:
    with suppress(OSError, ValueError):  # an interface may be gone meanwhile
        return ArpRules(
            ignore=int((folder / "arp_ignore").read_text()),
            announce=int((folder / "arp_announce").read_text()),
        )
    return None
