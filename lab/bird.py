"""The upstream router as BIRD: its configuration, its process, its birdc.

As with FRR, the plain configuration of a user: ADD-PATH received, next hops
merged, nothing exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.parts import Part
from lab.topology import MANAGER_AS, ROUTER_AS, SECOND_ROUTER_AS, Topology

# Network: its routes and its sessions. BIRD itself has no user to change to.
CAPABILITIES = "-all,+net_admin,+net_raw,+net_bind_service"


@dataclass(frozen=True, slots=True)
class Bird:
    """Where this lab's BIRD is: the unpacked *part*, and *home* for what it writes."""

    part: Part
    home: Path
    second: bool = False  # the router beside the first

    def prepare(self, topology: Topology) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "bird.conf").write_text(configuration(topology, second=self.second))

    def daemons(self) -> Iterator[tuple[str, list[str]]]:
        """Yield name and command of each daemon, in starting order."""
        yield (
            "bird",
            [
                *("setpriv", "--pdeathsig", "KILL", f"--bounding-set={CAPABILITIES}"),
                *(str(self.part.path), "-f", "-c", f"{self.home}/bird.conf"),
                *("-s", f"{self.home}/bird.ctl", "-P", f"{self.home}/bird.pid"),
            ],
        )

    def birdc(self) -> str:
        """Return a shell script that is this lab's birdc."""
        birdc = self.part.path.parent / "birdc"
        library = f"export LD_LIBRARY_PATH={self.part.libraries}\n" if self.part.libraries else ""
        return f'#!/bin/sh\n{library}exec {birdc} -s {self.home}/bird.ctl "$@"\n'

    def socket(self, daemon: str) -> Path:
        """Return what appears when *daemon* listens: for us, and for its neighbors."""
        return self.home / f"{daemon}.ctl"

    def environment(self) -> Mapping[str, str]:
        return {"LD_LIBRARY_PATH": self.part.libraries} if self.part.libraries else {}


def configuration(topology: Topology, *, second: bool = False) -> str:
    """Return bird.conf: each manager a protocol, over IPv4 and over IPv6.

    One session carries both families. The IPv6 protocols wait to be called.
    """
    lan = topology.lans[0]
    router_v4, router_v6 = (one.ip for one in (lan.at(2) if second else lan.router))
    asn = SECOND_ROUTER_AS if second else ROUTER_AS
    lines = [
        "log stderr all;",
        f"router id {router_v4};",
        "protocol device { }",
        "protocol direct { ipv4; ipv6; }",
        *(
            f"protocol kernel {{ merge paths yes limit 64; {family} {{ export where "
            "source = RTS_BGP; import none; }; }"
            for family in ("ipv4", "ipv6")
        ),
    ]
    for manager in topology.managers:
        for address in manager.addresses:
            own = router_v4 if address.version == 4 else router_v6
            lines += [
                f"protocol bgp {manager.name}_v{address.version} {{",
                f"  local {own} as {asn};",
                f"  neighbor {address.ip} as {MANAGER_AS};",
                "  connect retry time 1; connect delay time 1; error wait time 1, 5;",
                *(["  passive yes;"] if address.version == 6 else []),
                *(
                    f"  {family} {{ import all; export none; add paths rx; }};"
                    for family in ("ipv4", "ipv6")
                ),
                "}",
            ]
    return "\n".join([*lines, ""])
