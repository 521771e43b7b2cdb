"""What stands in an Announcer's spec about addresses, read entry by entry. Pure.

It is the record of who answers for which address. We wrote it, or an older manager did, or
somebody with an editor: what cannot be read is passed over alone, and the next plan, whose
spec differs from what stands there, writes it anew.
"""

from functools import lru_cache
from typing import Final

from manager.announcer import Assigned
from pointsman.model.address import Address
from pointsman.model.assignment import MOST_ASSIGNED, MOST_ASSIGNMENTS
from pointsman.model.ranges import read_address

ASSIGNMENTS: Final = "assignments"


def assigned(spec: object) -> tuple[Assigned, ...]:
    """Return the assignments of *spec*, each (interface, responder) once: the first of them."""
    entries = spec.get(ASSIGNMENTS) if isinstance(spec, dict) else None
    found: dict[tuple[str, str], Assigned] = {}
    for entry in entries[:MOST_ASSIGNMENTS] if isinstance(entries, list) else ():
        if (one := _assignment(entry)) is not None:
            found.setdefault((one.interface, one.responder), one)
    return tuple(found.values())


def _assignment(entry: object) -> Assigned | None:
    if not isinstance(entry, dict):
        return None
    interface, responder = entry.get("interface"), entry.get("responder")
    if not (isinstance(interface, str) and interface and isinstance(responder, str)):
        return None
    rate = entry.get("announceRate")
    return Assigned(
        interface=interface,
        responder=responder,
        addresses=_addresses(_texts(entry.get("addresses"))),
        probe=_addresses(_texts(entry.get("probe"))),
        announce_rate=rate if type(rate) is int and rate > 0 else None,
    )


def _texts(listed: object) -> tuple[str, ...]:
    entries = listed[:MOST_ASSIGNED] if isinstance(listed, list) else ()
    return tuple(one for one in entries if isinstance(one, str))


# Thousands of addresses, which an agent's report does not change: read once, and equal by identity.
@lru_cache(maxsize=256)
def _addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    found: list[Address] = []
    for text in texts:
        try:
            found.append(read_address(text))
        except ValueError:
            continue
    return tuple(found)
