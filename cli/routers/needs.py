"""What one router has to know, whatever its configuration is written in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pointsman.api import BgpPeerSpec
from pointsman.model.address import Address, Prefix

FAMILIES: Final = {4: "ipv4", 6: "ipv6"}


@dataclass(frozen=True, slots=True)
class Needs:
    """What one router has to know."""

    name: str
    address: Address
    asn: int  # the router's
    ours: int
    confederation: int | None  # its identifier, where the router is of another member AS of it
    managers: tuple[Address, ...]  # where sessions may come from
    labelled: bool  # those are the managers' own, not all nodes'
    prefixes: tuple[Prefix, ...]  # whatever may be advertised
    aggregates: tuple[Prefix, ...]  # what of it must end at the router while nobody has it
    unguarded: tuple[Prefix, ...]  # of these: nodes send back what nobody has
    held: tuple[Address, ...]  # addresses in these that Services have
    paths: int
    width: int  # next hops of one prefix, at most
    far: bool  # some next hops are behind another router
    bare: bool  # some nodes have no IPv4 address: next hops are IPv6 (RFC 8950)
    listen_port: int  # ours; 0: none
    spec: BgpPeerSpec

    @property
    def internal(self) -> bool:
        """Whether the session is iBGP."""
        return self.asn == self.ours

    @property
    def families(self) -> tuple[int, ...]:
        return tuple(v for v, name in FAMILIES.items() if f"{name}-unicast" in self.spec.families)

    @property
    def bfd(self) -> bool:
        return self.spec.bfd is not None and self.spec.bfd.enabled

    def of(self, version: int) -> tuple[Prefix, ...]:
        return tuple(prefix for prefix in self.prefixes if prefix.version == version)

    def held_in(self, prefix: Prefix) -> tuple[Address, ...]:
        """Return the addresses of Services that lie in *prefix*."""
        return tuple(a for a in self.held if a.version == prefix.version and a in prefix)

    def head(self, mark: str) -> Iterator[str]:
        """Yield what the operator should know, as comments."""
        yield f"{mark} BgpPeer {self.name}: router {self.address}, AS {self.asn}"
        if not self.labelled:
            yield f"{mark} Neighbors are the addresses of all nodes: keep those where managers run."
        if self.spec.password_secret_ref is not None:
            ref = self.spec.password_secret_ref
            yield f"{mark} The password is in Secret {ref.name}, key {ref.key}: put it in yourself."
