"""What else in the cluster has an address that one of our Services holds: a warning.

A Node or a router that took it afterwards, another Service's spec.externalIPs. Nothing is
decided here: what is held stays, and nobody who may edit a Service takes an address away by
naming it.
"""

from collections.abc import Iterable, Mapping

from manager.snapshot import ServiceKey
from pointsman.model.address import Address


def collision(
    address: Address,
    holder: ServiceKey,
    *,
    infrastructure: Mapping[Address, str],
    users: Iterable[ServiceKey],
) -> str:
    """Return who else has *address*, which *holder* holds, as a clause; "" when nobody has.

    *users*: the Services that have it among their external IPs.
    """
    if (owner := infrastructure.get(address)) is not None:
        return (
            f"{address} is an address of the infrastructure too ({owner}), and what is sent to "
            "one may reach the other: change it there, or ask for another address"
        )
    other = next((key for key in users if key != holder), None)
    if other is None:
        return ""
    return (
        f"Service {other} has {address} in spec.externalIPs, and nodes may send what comes for it "
        "there: take it out, or ask for another address"
    )
