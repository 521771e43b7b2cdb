"""The protocols that an Eip may name: how the addresses of a Service become reachable.

One entry for each, an object as `planner.contribution` asks for. This table is the one place
of the planner that names them all: a protocol more is a module or folder beside `bgp` and a
line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from manager.planner.bgp.protocol import Bgp
from manager.planner.contribution import (
    Contribution,
    Judged,
    Plug,
    ProtocolPart,
    RecordPart,
    ServiceCase,
)
from manager.planner.desired import Allocations
from manager.snapshot import Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address
from pointsman.model.verdicts.announcement import NotAnnounced


@dataclass(frozen=True, slots=True)
class LeftToOthers:
    """Protocol `none`: the address is allocated, and somebody else announces it."""

    def context(self, snapshot: Snapshot, allocations: Allocations) -> None:
        """Return nothing: no Service needs anything."""

    def contribute(self, case: ServiceCase, context: None) -> Contribution[None]:
        """Return the verdict that says so."""
        why = f"Eip '{case.eip}' has protocol none, so announcing is left to others"
        return Contribution(RecordPart(NotAnnounced(case.service.key, why)), None)

    def retained(self, addresses: tuple[Address, ...], context: None) -> None:
        """Return nothing: we lead nobody there."""

    def part(self, context: None, judged: Judged[None]) -> ProtocolPart:
        """Return an empty part."""
        return ProtocolPart()


PROTOCOLS: Final[Mapping[Protocol, Plug]] = {
    Protocol.BGP: Bgp(),
    Protocol.NONE: LeftToOthers(),
}
# Of an Eip that cannot be read: the one that most have, and that `spec.protocol` defaults to.
ASSUMED: Final = Protocol.BGP


def protocol_of(spec: EipSpec | None) -> Protocol:
    """Return by which protocol the addresses of an Eip are announced; None: unreadable."""
    return ASSUMED if spec is None else spec.protocol
