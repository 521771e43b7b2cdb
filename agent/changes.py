"""What a report says otherwise than the one before: a line of the log for each. Pure.

The words are the verdicts' own. Refuses to log: it returns what is to be said.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.planner import verdicts
from agent.planner.desired import Report
from agent.snapshot import Withheld
from pointsman.model.printable import clipped
from pointsman.model.verdicts.base import Severity, Verdict

_SEVERITIES: Final = {
    kind.__name__: kind.severity
    for kind in vars(verdicts).values()
    if isinstance(kind, type) and issubclass(kind, Verdict)
}


class Change(NamedTuple):
    """One line; *reason* is the stable name of what it says."""

    reason: str
    message: str
    warning: bool


def changes(before: Report | None, after: Report) -> Iterator[Change]:
    """Yield a change per condition that turned, and per address that is withheld or claimed."""
    old = before or Report("")
    for name, condition in sorted(after.conditions.items()):
        was = old.conditions.get(name)
        if was is None or (was.status, was.reason) != (condition.status, condition.reason):
            # What is no reason of ours is judged by its status. (The table of all reasons knows
            # the manager's, too: 1.5 MiB on every node.)
            other = Severity.NORMAL if condition.status == "True" else Severity.WARNING
            severity = _SEVERITIES.get(condition.reason, other)
            yield Change(condition.reason, condition.message, severity is Severity.WARNING)
    withheld = {_which(one): one.reason for one in old.withheld}
    for one in after.withheld:
        if withheld.pop(which := _which(one), None) != one.reason:
            yield Change("Withheld", f"{which} withheld: {one.reason}", warning=True)
    for which in withheld:
        yield Change("NotWithheld", f"{which} not withheld any more", warning=False)
    claims = {(one.address, one.mac) for one in old.conflicts}
    for conflict in after.conflicts:
        if (conflict.address, conflict.mac) not in claims:
            who = f"{conflict.mac} on {clipped(conflict.interface)}"
            text = f"{who} claims {conflict.address}, which this node answers for"
            yield Change("AddressConflict", text, warning=True)
        claims.discard((conflict.address, conflict.mac))
    for address, mac in sorted(claims, key=str):
        yield Change("NoAddressConflict", f"{mac} claims {address} no more", warning=False)


def _which(one: Withheld) -> str:
    if one.through is None:
        return f"{one.address} is"
    return f"what is assigned of {one.address} to {one.through} is"
