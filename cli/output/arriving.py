"""Who still comes to a node that drains, in words: each once, with the Services of its address."""

from collections.abc import Iterable, Mapping
from typing import Any

from manager.inspect.quiet import Comer
from manager.planner.desired import Allocations
from manager.snapshot import ServiceKey
from pointsman.model.address import Address
from pointsman.model.printable import clipped, some
from pointsman.runtime.terminal import say

MOST_SHOWN = 20  # while waiting; what is left over stands in the answer


def services_by_address(allocations: Allocations) -> dict[Address, list[ServiceKey]]:
    """Return who holds each address."""
    found: dict[Address, list[ServiceKey]] = {}
    for key, allocation in allocations.services.items():
        for grant in allocation.grants:
            found.setdefault(grant.address, []).append(key)
    return found


class Comers:
    """Tells of them as they come, on stderr."""

    def __init__(self, allocations: Allocations) -> None:
        self._services = services_by_address(allocations)
        self._shown: set[tuple[Address, Address]] = set()

    def seen(self, comers: Iterable[Comer]) -> None:
        """Say of each that was not told of yet that it comes."""
        for one in comers:
            if (one.address, one.source) in self._shown or len(self._shown) >= MOST_SHOWN:
                continue
            self._shown.add((one.address, one.source))
            say(self.sentence(one), error=True)

    def sentence(self, comer: Comer) -> str:
        """Return which address somebody comes to, whose it is, from where, and when."""
        services = self._services.get(comer.address, [])
        whose = ", ".join(some([clipped(key) for key in services])) or "of no Service"
        at = comer.last.strftime("%H:%M:%SZ")
        return f"{comer.source} still comes to {comer.address} ({whose}), last at {at}."

    def shape(self, comers: Iterable[Comer]) -> list[Mapping[str, Any]]:
        """Return them for programs, by address."""
        return [
            {
                "address": str(one.address),
                "services": list(self._services.get(one.address, [])),
                "source": str(one.source),
                "last": one.last.isoformat().replace("+00:00", "Z"),
            }
            for one in comers
        ]
