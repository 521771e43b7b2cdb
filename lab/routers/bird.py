"""The upstream router as BIRD: its configuration, its process, its birdc.

As with FRR, the plain configuration of a user: ADD-PATH received, next hops
merged, nothing exported but to other routers.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.network.topology import MANAGER_AS, Interface
from lab.parts import Part
from lab.routers.roles import Link, Role

# Network: its routes and its sessions. BIRD itself has no user to change to.
CAPABILITIES = "-all,+net_admin,+net_raw,+net_bind_service"


@dataclass(frozen=True, slots=True)
class Bird:
    """Where this lab's BIRD is: the unpacked *part*, and *home* for what it writes."""

    part: Part
    home: Path

    def prepare(self, role: Role) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "bird.conf").write_text(configuration(role))

    def daemons(self) -> Iterator[tuple[str, list[str]]]:
        """Yield name and command of each daemon, in starting order."""
        yield (
            "bird",
            [
                *("setpriv", "--pdeathsig", "KILL", f"--bounding-set={CAPABILITIES}"),
                *(*self.part.command(self.part.path), "-f", "-c", f"{self.home}/bird.conf"),
                *("-s", f"{self.home}/bird.ctl", "-P", f"{self.home}/bird.pid"),
            ],
        )

    def birdc(self) -> str:
        """Return a shell script that is this lab's birdc."""
        birdc = shlex.join(self.part.command(self.part.path.parent / "birdc"))
        library = "".join(f"export {n}={v}\n" for n, v in self.environment().items())
        return f'#!/bin/sh\n{library}exec {birdc} -s {self.home}/bird.ctl "$@"\n'

    def socket(self, daemon: str) -> Path:
        """Return what appears when *daemon* listens: for us, and for its neighbors."""
        return self.home / f"{daemon}.ctl"

    def environment(self) -> Mapping[str, str]:
        return self.part.environment()


def configuration(role: Role) -> str:
    """Return bird.conf: each manager a protocol, over IPv4 and over IPv6.

    One session carries both families. The IPv6 protocols wait to be called. With another
    router there is a session per family.
    """
    # Next hops further off are found by routes that others wrote, as `ip route` does here.
    learn, taken = ("learn; ", "all") if role.links else ("", "none")
    lines = [
        "log stderr all;",
        f"router id {role.own[0].ip};",
        "protocol device { }",
        "protocol direct { ipv4; ipv6; }",
        *(
            f"protocol kernel {{ {learn}merge paths yes limit 64; {family} {{ export where "
            f"source = RTS_BGP; import {taken}; }}; }}"
            for family in ("ipv4", "ipv6")
        ),
    ]
    for name, address in _speakers(role):
        own = role.own[0] if address.version == 4 else role.own[1]
        lines += [
            f"protocol bgp {name}_v{address.version} {{",
            f"  local {own.ip} as {role.asn};",
            f"  neighbor {address.ip} as {MANAGER_AS};",
            "  connect retry time 1; connect delay time 1; error wait time 1, 5;",
            *([f"  multihop {role.hops};"] if role.hops > 1 else []),
            *(["  passive yes;"] if address.version == 6 else []),
            *(
                f"  {family} {{ import all; export none; add paths rx; }};"
                for family in ("ipv4", "ipv6")
            ),
            "}",
        ]
    lines += [line for link in role.links for line in _link(role, link)]
    return "\n".join([*lines, ""])


def _speakers(role: Role) -> Iterator[tuple[str, Interface]]:
    """Yield each address that a manager may speak from, and a name for it."""
    for manager in role.managers:
        for number, pair in enumerate((manager.addresses, *manager.further)):
            for address in pair:
                yield f"{manager.name}_{number}" if number else manager.name, address


def _link(role: Role, link: Link) -> Iterator[str]:
    for address in link.theirs:
        own = link.own[0] if address.version == 4 else link.own[1]
        yield f"protocol bgp {link.to}_v{address.version} {{"
        yield f"  local {own.ip} as {role.asn};"
        yield f"  neighbor {address.ip} as {link.asn};"
        yield "  connect retry time 1; connect delay time 1; error wait time 1, 5;"
        channel = "import all; export where source = RTS_BGP; next hop self;"
        yield f"  ipv{address.version} {{ {channel} }};"
        yield "}"
