"""What this node's Announcer asks it to answer for, read entry by entry. Pure.

An entry that can't be read is left out alone: the node answers for all the others. An address
that stands twice is the first entry's: answered for on two interfaces, it would have two MACs.
"""

from typing import Final

from agent.snapshot import Duty
from pointsman.model.address import Address
from pointsman.model.assignment import CENTRAL, KERNEL, MOST_ASSIGNED, MOST_ASSIGNMENTS, NODE
from pointsman.model.ranges import read_address
from pointsman.wire.heartbeat import LONGEST_LINK

RESPONDERS: Final = (NODE, CENTRAL)


def duties_of(spec: object) -> tuple[Duty, ...]:
    """Return the duties in *spec*, by interface and responder; at most so many addresses."""
    found: dict[tuple[str, str], Duty] = {}
    seen: set[Address] = set()
    for entry in _assignments(spec):
        duty = _duty(entry, seen)
        if duty is not None and found.setdefault((duty.interface, duty.responder), duty) is duty:
            seen |= duty.addresses
    return tuple(found[key] for key in sorted(found))


def kernel_of(spec: object) -> frozenset[Address]:
    """Return the addresses in *spec* that are to be the node's own.

    One may be in a duty, too: while an Eip's protocol is changed, for a moment.
    """
    found: set[Address] = set()
    for entry in _assignments(spec):
        if isinstance(entry, dict) and entry.get("responder") == KERNEL:
            found |= _addresses(entry.get("addresses"), MOST_ASSIGNED - len(found))
    return frozenset(found)


def _assignments(spec: object) -> list[object]:
    listed = spec.get("assignments") if isinstance(spec, dict) else None
    return listed[:MOST_ASSIGNMENTS] if isinstance(listed, list) else []


def _duty(entry: object, seen: set[Address]) -> Duty | None:
    if not isinstance(entry, dict):
        return None
    interface, responder, rate = (entry.get(k) for k in ("interface", "responder", "announceRate"))
    if not (isinstance(interface, str) and 0 < len(interface) <= LONGEST_LINK):
        return None
    # What a newer manager may ask for, this agent cannot do.
    if responder not in RESPONDERS:
        return None
    addresses = _addresses(entry.get("addresses"), MOST_ASSIGNED - len(seen)) - seen
    return Duty(
        interface=interface,
        responder=responder,
        addresses=addresses,
        probe=_addresses(entry.get("probe"), MOST_ASSIGNED) & addresses,
        announce_rate=rate if type(rate) is int and rate > 0 else None,
    )


def _addresses(listed: object, most: int) -> frozenset[Address]:
    found: set[Address] = set()
    for text in listed if isinstance(listed, list) else ():
        if len(found) >= most:
            break
        try:
            found.add(read_address(text))
        except (ValueError, TypeError, AttributeError):
            continue
    return frozenset(found)
