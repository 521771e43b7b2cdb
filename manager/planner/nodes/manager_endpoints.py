"""To whom each agent sends heartbeats: `spec.managers` of its Announcer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manager.snapshot import Announcer, ManagerReplica, Node, Snapshot
from pointsman.model.address import Address
from pointsman.model.heartbeats import MOST_MANAGERS

MANAGERS = "managers"


@dataclass(frozen=True, slots=True)
class Managers:
    """The replicas that hear heartbeats, and whether these are all."""

    replicas: tuple[ManagerReplica, ...]
    known: bool


def managers_of(snapshot: Snapshot) -> Managers:
    return Managers(snapshot.managers, snapshot.managers_known)


def heartbeat_spec(
    managers: Managers, node: Node, announcer: Announcer | None
) -> Mapping[str, Any]:
    """Return the part of the node's spec that names the replicas, each by its nearest address.

    Until all replicas are known, one that stands there stays: it may be about to tell of itself.
    """
    known = {one.name: _entry(one, node, announcer) for one in managers.replicas}
    if not managers.known:
        for entry in _standing(announcer):
            known.setdefault(str(entry.get("name")), entry)
    entries = [known[name] for name in sorted(known)[:MOST_MANAGERS]]
    return {MANAGERS: entries} if entries else {}


def _entry(one: ManagerReplica, node: Node, announcer: Announcer | None) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "address": str(_nearest(one.addresses, node, announcer)),
        "port": one.port,
        "publicKey": one.public_key,
    }


def _nearest(addresses: tuple[Address, ...], node: Node, announcer: Announcer | None) -> Address:
    """Return the address on a network of the node, else one of a family that it speaks."""
    networks = [
        address.network
        for interface in (announcer.interfaces if announcer is not None else ())
        for address in interface.addresses
    ]
    for address in addresses:
        if any(address in network for network in networks):
            return address
    spoken = {ip.version for ip in node.internal_ips}
    return next((one for one in addresses if one.version in spoken), addresses[0])


def _standing(announcer: Announcer | None) -> list[Mapping[str, Any]]:
    listed = announcer.spec.get(MANAGERS) if announcer is not None else None
    if not isinstance(listed, list):
        return []
    return [entry for entry in listed if isinstance(entry, Mapping)]
