"""What else in the cluster has an address that one of our Services holds: a warning.

A Node or a router that took it afterwards, another Service's spec.externalIPs. Nothing is
decided here: what is held stays, and nobody who may edit a Service takes an address away by
naming it.
"""

from collections.abc import Mapping

from manager.snapshot import ServiceKey, Snapshot
from pointsman.model.address import Address

External = Mapping[Address, tuple[ServiceKey, ...]]


def external_users(snapshot: Snapshot) -> External:
    """Return the Services that have each address among their spec.externalIPs, oldest first."""
    found: dict[Address, list[ServiceKey]] = {}
    having = (one for one in snapshot.services.values() if one.external_ips)
    for service in sorted(having, key=lambda s: (s.created, s.key)):
        for address in dict.fromkeys(service.external_ips):
            found.setdefault(address, []).append(service.key)
    return {address: tuple(keys) for address, keys in found.items()}


def collision(
    address: Address, holder: ServiceKey, *, infrastructure: Mapping[Address, str], users: External
) -> str:
    """Return who else has *address*, which *holder* holds, as a clause; "" when nobody has."""
    if (owner := infrastructure.get(address)) is not None:
        return (
            f"{address} is an address of the infrastructure too ({owner}), and what is sent to "
            "one may reach the other: change it there, or ask for another address"
        )
    other = next((key for key in users.get(address, ()) if key != holder), None)
    if other is None:
        return ""
    return (
        f"Service {other} has {address} in spec.externalIPs, and nodes may send what comes for it "
        "there: take it out, or ask for another address"
    )
