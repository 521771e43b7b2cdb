"""What agents report, and what an Eip says of how it is answered for: at random."""

import random
from ipaddress import ip_address, ip_interface
from typing import Any, Protocol

from manager.snapshot import Announcer, Conflict, Interface, NodeName
from pointsman.model.address import Family


class Chance(Protocol):
    """What of a Maker is needed here."""

    rng: random.Random

    def chance(self, share: float) -> bool: ...

    def odd(self, share: float) -> bool: ...

    def version(self) -> str: ...

    def address(self) -> str: ...


def reported(make: Chance, name: str) -> Announcer:
    rng, number = make.rng, name.removeprefix("node")
    networks = {
        "eth0": (f"192.0.2.1{number}/24", f"198.51.100.2{number}/24"),
        "eth1": (f"2001:db8:2::1{number}/64", f"2001:db8:100::f{number}/64"),
        "eth2": (f"198.51.100.3{number}/24", f"203.0.113.2{number}/24"),
    }
    interfaces = tuple(
        Interface(
            nic,
            f"02:00:00:00:00:0{number}",
            up=make.chance(0.9),
            addresses=tuple(map(ip_interface, texts[: rng.choice([1, 2])])),
        )
        for nic, texts in networks.items()
        if make.chance(0.8)
    )
    address = ip_address(make.address())
    return Announcer(
        NodeName(name),
        uid=f"a-{name}",
        resource_version=make.version(),
        reported=make.chance(0.8),
        interfaces=interfaces,
        gateways=(ip_address("192.0.2.1"),) if make.chance(0.3) else (),
        proxy_healthy=rng.choice([None, True, True, False]),
        default_interfaces=((Family.IPV4, rng.choice(["eth0", "eth9"])),)
        if make.chance(0.3)
        else (),
        withheld={address: "nobody is heard"} if make.odd(0.2) else {},
        conflicts={address: Conflict("eth0", "02::9")} if make.chance(0.2) else {},
        net_admin=rng.choice([True, True, True, False, None]),
        generation=2,
        executes=rng.choice([1, 2, 2, 2]),
        contested="another agent reports for it" if make.odd(0.05) else "",
    )


def answering(make: Chance) -> dict[str, Any]:
    """Return the `layer2` of an Eip."""
    rng = make.rng
    found: dict[str, Any] = {}
    if make.odd(0.3):
        found["interface"] = rng.choice(["eth1", "can_reach:192.0.2.1", "can_reach:10.0.0.1"])
    if make.chance(0.3):
        found["responder"] = "Central"
    if make.chance(0.2):
        found["preferredNodes"] = {"matchLabels": {"rack": rng.choice("12")}}
    if make.chance(0.2):
        found["inspection"] = "strict"
    if make.chance(0.2):
        found["conflictCheck"] = False
    return found
