"""The protocols that an Eip may name: how the addresses of a Service become reachable.

One entry for each, an object as `planner.contribution` asks for. This table is the one place
of the planner that names them all: a protocol more is a module or folder beside `bgp` and a
line here.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from manager.planner.bgp.protocol import Bgp
from manager.planner.contribution import (
    Context,
    Contribution,
    Judged,
    Plug,
    ProtocolPart,
    RecordPart,
    ServiceCase,
    Standing,
)
from manager.planner.desired import Allocations
from manager.planner.kernel.protocol import Kernel
from manager.planner.layer2.protocol import Layer2
from manager.snapshot import EipName, Service, Snapshot
from pointsman.api import EipSpec, Protocol
from pointsman.model.address import Address
from pointsman.model.verdicts.announcement import NotAnnounced


@dataclass(frozen=True, slots=True)
class LeftToOthers:
    """Protocol `none`: the address is allocated, and somebody else announces it."""

    def memo(self) -> None:
        """Return nothing: there is no work to save."""

    def context(self, snapshot: Snapshot, allocations: Allocations, memo: None) -> Context[None]:
        """Return nothing: no Service needs anything."""
        return Context(view=None)

    def observed(self, addresses: tuple[Address, ...], context: Context[None]) -> None:
        """Return nothing: it is not ours to look at."""

    def contribute(self, case: ServiceCase, view: None) -> Contribution[EipName, None]:
        """Return by which Eip it is left to others."""
        return Contribution(case.eip, None)

    def holds(self, addresses: tuple[Address, ...], context: Context[None]) -> bool:
        """Return that it has nothing."""
        return False

    def there(self, finding: EipName, standing: Standing) -> Collection[str]:
        """Return nothing: nobody knows what others announce. None waits for it: see `lets_go`."""
        return ()

    def record(
        self, service: Service, finding: EipName, stated: None, standing: Standing
    ) -> RecordPart:
        """Return the verdict that says so."""
        why = f"Eip '{finding}' has protocol none, so announcing is left to others"
        return RecordPart(NotAnnounced(service.key, why))

    def retained(self, addresses: tuple[Address, ...], context: Context[None]) -> None:
        """Return nothing: we lead nobody there."""

    def part(self, context: Context[None], judged: Judged[None], memo: None) -> ProtocolPart:
        """Return an empty part."""
        return ProtocolPart()


PROTOCOLS: Final[Mapping[Protocol, Plug]] = {
    Protocol.BGP: Bgp(),
    Protocol.LAYER2: Layer2(),
    Protocol.KERNEL: Kernel(),
    Protocol.NONE: LeftToOthers(),
}
# Of an Eip that cannot be read: the one that most have, and that `spec.protocol` defaults to.
ASSUMED: Final = Protocol.BGP


def protocol_of(spec: EipSpec | None, standing_at: Iterable[Protocol] = ()) -> Protocol:
    """Return by which protocol the addresses of an Eip are announced; None: unreadable.

    Then it is the first of those by which an address of the Service stands somewhere.
    """
    return assumed(standing_at) if spec is None else spec.protocol


def assumed(standing_at: Iterable[Protocol]) -> Protocol:
    """Return what an Eip that cannot be read is taken to name."""
    return next(iter(standing_at), ASSUMED)


def lets_go(protocol: Protocol) -> bool:
    """Whether another protocol's addresses are given up at once where an Eip turns to *protocol*.

    Nobody tells us when somebody else begins to announce them.
    """
    return protocol is Protocol.NONE
