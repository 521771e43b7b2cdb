"""What speaks against the aggregates of an Eip: conditions that are there only while it is so."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.printable import some
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.base import Severity, Verdict


@dataclass(frozen=True, slots=True)
class AggregatesLeftOut(Verdict):
    """Of the condition AggregatesRefused: True, because host addresses take their place."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    eip: str
    problems: tuple[str, ...]  # clauses

    def __str__(self) -> str:
        return (
            f"Nodes have host addresses instead of routes to some aggregates of Eip '{self.eip}': "
            f"{'; '.join(some(self.problems))}. A route there would cut nodes off from what is "
            "theirs. Give the Eip addresses that fill whole aggregates and that the network has "
            "for nothing else."
        )


@dataclass(frozen=True, slots=True)
class UnassignedAddressesLoop(Verdict):
    """Of the condition AggregatesUnguarded: True, because nodes send packets back."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    eip: str
    aggregates: tuple[str, ...]
    why: tuple[str, ...]  # of each node that has no route to end them: a clause

    def __str__(self) -> str:
        which = listed(some(self.aggregates))
        return (
            f"Packets for addresses in {which} that nobody has go back and forth between router "
            f"and node until their TTL ends: {'; '.join(some(self.why))}. With "
            "deploy/patches/kernel.yaml agents end them by an unreachable route on each node; "
            "else filter them at the router: pointsman plan --router-config prints an access list."
        )
