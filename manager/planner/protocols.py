"""How a protocol makes the addresses of a Service reachable.

A contributor is given everything about one Service that does not depend on its protocol
(`Case`), and returns what this protocol adds to the desired state (`Contribution`):
routes now, announcements for layer2 later, and the verdict with every candidate node.
It promises to be a function of the case: no memory, no order. It may not touch what
another protocol contributes.
"""

from collections.abc import Callable, Mapping
from typing import Final

from manager.planner.bgp import advertise
from manager.planner.contribution import Case, Contribution
from pointsman.api import Protocol
from pointsman.model.verdicts.announcement import NotAnnounced

Contribute = Callable[[Case], Contribution]


def leave_to_others(case: Case) -> Contribution:
    """Protocol `none`: the address is allocated, and somebody else announces it."""
    why = f"Eip '{case.eip}' has protocol none, so announcing is left to others"
    return Contribution(NotAnnounced(case.service.key, why))


PROTOCOLS: Final[Mapping[Protocol, Contribute]] = {
    Protocol.BGP: advertise.contribute,
    Protocol.NONE: leave_to_others,
}
