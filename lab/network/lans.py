"""The segments of a lab: plain LANs, the LANs of racks, and the racks' uplinks.

Pure. Addresses are RFC 5737 and RFC 3849, AS numbers RFC 5398.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

Pair = tuple[IPv4Interface, IPv6Interface]

SPINE_AS = 64510
TOR_AS = {1: 64500, 2: 64502}


@dataclass(frozen=True, slots=True)
class Lan:
    """One segment, a bridge of the switch. The router is its .1 and ::1."""

    number: int

    @property
    def bridge(self) -> str:
        return f"lan{self.number}"

    @property
    def zone(self) -> str:
        """The zone of all its nodes; empty: they are spread over zones."""
        return ""

    def at(self, host: int) -> Pair:
        """Return the addresses of *host*; in IPv6 the same digits, so ::11 is .11."""
        if self.number == 1:
            v4, v6 = "192.0.2", "2001:db8:2"
        else:  # RFC 5737 has no fourth network
            v4, v6 = f"10.0.{self.number}", f"2001:db8:2{self.number:02d}"
        return IPv4Interface(f"{v4}.{host}/24"), IPv6Interface(f"{v6}::{host}/64")

    @property
    def router(self) -> Pair:
        return self.at(1)


@dataclass(frozen=True, slots=True)
class RackLan(Lan):
    """The segment of one rack: rack 1 is numbered as any LAN, rack 2 has 200 more.

    192.0.2.0/24 holds both (0-127, 192-255) and the uplinks between them.
    """

    @property
    def zone(self) -> str:
        return f"rack{self.number}"

    def at(self, host: int) -> Pair:
        if self.number == 1:
            return IPv4Interface(f"192.0.2.{host}/25"), IPv6Interface(f"2001:db8:2::{host}/64")
        host += 200
        return IPv4Interface(f"192.0.2.{host}/26"), IPv6Interface(f"2001:db8:202::{host}/64")


@dataclass(frozen=True, slots=True)
class Rack:
    """A LAN, the router on top of it, and that router's cable to the spine."""

    number: int

    @property
    def lan(self) -> Lan:
        return RackLan(self.number)

    @property
    def tor(self) -> str:
        return f"tor{self.number}"

    @property
    def asn(self) -> int:
        return TOR_AS[self.number]

    @property
    def spine_end(self) -> Pair:
        return self._uplink(1)

    @property
    def tor_end(self) -> Pair:
        return self._uplink(2)

    def _uplink(self, end: int) -> Pair:
        v4 = f"192.0.2.{128 + 4 * self.number + end}/30"
        return IPv4Interface(v4), IPv6Interface(f"2001:db8:2f{self.number}::{end}/64")
