"""What an IPAM has to do with it: why a Service waits for an address, and how its Eip stands."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.printable import clipped, some
from pointsman.model.verdicts.address import Unserved
from pointsman.model.verdicts.base import Severity, Verdict


class WaitingForSource(Unserved):
    """The IPAM of the Eip has not reserved an address for it yet; mostly it will in a moment.

    While it does not answer, the Eip's own condition warns.
    """

    __slots__ = ()
    severity: ClassVar[Severity] = Severity.NORMAL

    def remedy(self) -> str:
        return f"It gets the address as soon as {clipped(self.about)} has it reserved."


class SourceRefused(Unserved):
    """The IPAM of the Eip answered, and will not reserve what is asked for."""

    __slots__ = ()

    def remedy(self) -> str:
        return f"Put that right there: the IPAM of Eip '{self.about}' is asked again and again."


@dataclass(frozen=True, slots=True)
class SourceNotRead(Verdict):
    """Which addresses the IPAM may give is not known yet; it answers, or was not asked."""

    known: ClassVar[bool] = False
    severity: ClassVar[Severity] = Severity.NORMAL  # for a moment

    eip: str
    source: str

    def __str__(self) -> str:
        return (
            f"Eip '{self.eip}' has its addresses from {clipped(self.source)}, which was not read "
            "yet. What Services hold stays; new addresses wait."
        )


@dataclass(frozen=True, slots=True)
class SourceUnavailable(Verdict):
    """The IPAM of an Eip does not answer, or not with anything that means something."""

    eip: str
    source: str
    problem: str  # a clause
    since: str  # when it began, RFC 3339

    def __str__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        return (
            f"Eip '{self.eip}' is in trouble with {clipped(self.source)}{since}: {self.problem}. "
            "What Services hold stays; what is asked for, or given back, may wait."
        )


@dataclass(frozen=True, slots=True)
class ForeignChange(Verdict):
    """Somebody changed in the IPAM what Services hold; no address moves for it."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    eip: str
    source: str
    changes: tuple[str, ...]  # "192.0.2.7: somebody deleted its entry"

    def __str__(self) -> str:
        return (
            f"Eip '{self.eip}' gives out addresses from {clipped(self.source)}. Warning: what "
            f"Services hold was changed there: {'; '.join(some(self.changes))}. They keep it."
        )


@dataclass(frozen=True, slots=True)
class NotReleased(Verdict):
    """The IPAM does not let go of what is given back; it gives new addresses as ever."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    eip: str
    source: str
    clauses: tuple[str, ...]
    since: str  # RFC 3339

    def __str__(self) -> str:
        return (
            f"Eip '{self.eip}' gives out addresses from {clipped(self.source)}. Warning: what "
            f"nobody has any more is not given back since {self.since}: {'; '.join(self.clauses)}. "
            "No new address waits for that."
        )


@dataclass(frozen=True, slots=True)
class Releasing(Verdict):
    """An Eip is being deleted, and its IPAM has entries of it yet."""

    severity: ClassVar[Severity] = Severity.NORMAL

    eip: str
    source: str

    def __str__(self) -> str:
        return (
            f"Eip '{self.eip}' is being deleted and gives out nothing; it goes when "
            f"{clipped(self.source)} has back what it reserved."
        )
