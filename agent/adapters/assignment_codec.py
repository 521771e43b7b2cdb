"""This node's Announcer as what it tells the agent, read entry by entry. Pure.

The schema is ``pointsman.api.AnnouncerSpec``; it is spelled out here because pydantic costs every
node 5 MiB, and a test holds the two together. What can't be read is left out alone: an agent
goes on with what it understands.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from agent.adapters.duty_codec import duties_of, kernel_of
from agent.snapshot import Assignment
from pointsman.model.address import prefix_order
from pointsman.model.heartbeats import MOST_MANAGERS, ManagerEndpoint
from pointsman.wire.asked_prefixes import unreachable_in, watched_in
from pointsman.wire.heartbeat_keys import read_key

Json = Mapping[str, Any]


def assignment_of(announcer: Json) -> Assignment:
    """Return what *announcer* tells this node to do; of two managers of one name the first."""
    spec = announcer.get("spec")
    listed = spec.get("managers") if isinstance(spec, Mapping) else None
    found: dict[str, ManagerEndpoint] = {}
    for entry in listed[:MOST_MANAGERS] if isinstance(listed, list) else ():
        if (manager := _manager(entry)) is not None:
            found.setdefault(manager.name, manager)
    generation = announcer["metadata"].get("generation")
    return Assignment(
        generation=generation if type(generation) is int and generation > 0 else 0,
        managers=tuple(found[name] for name in sorted(found)),
        duties=duties_of(spec),
        kernel=kernel_of(spec),
        unreachable=tuple(sorted(unreachable_in(spec), key=lambda one: prefix_order(one.prefix))),
        watched=watched_in(spec),
    )


def _manager(entry: object) -> ManagerEndpoint | None:
    if not isinstance(entry, Mapping):
        return None
    name, address, port = entry.get("name"), entry.get("address"), entry.get("port")
    key = entry.get("publicKey")
    if not (isinstance(name, str) and isinstance(address, str) and isinstance(key, str)):
        return None
    if not (type(port) is int and 0 < port < 1 << 16 and 0 < len(name) <= 253):
        return None
    half = read_key(key)
    try:
        where = ip_address(address)
    except ValueError:
        return None
    return None if half is None else ManagerEndpoint(name, where, port, half)
