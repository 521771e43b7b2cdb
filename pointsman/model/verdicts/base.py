"""A decision and its reason, as a value.

The planner cannot log, so it returns its reasons. One frozen dataclass per reason: the
class name *is* the reason users see (API: stable, UpperCamel), ``str()`` is the one
sentence that event, condition, annotation, log line and ``explain`` print. It says what
is so, for whom, and what to do. Sentences carry no count, uptime or time: a verdict
changes only when the decision does.

A sentence may hold what somebody else wrote. Whoever puts it in clips it; that the whole is
one printable line of bounded length is seen to here, for every reason there is or will be.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar, Literal

from pointsman.model.printable import sentence


class Severity(StrEnum):
    """Whether somebody should look: spelled as the types of Kubernetes' Events are."""

    NORMAL = "Normal"
    WARNING = "Warning"


class Verdict:
    """Base of all verdicts; a subclass is a frozen, slotted dataclass with ``__str__``."""

    __slots__ = ()

    ok: ClassVar[bool] = False
    known: ClassVar[bool] = True  # False: it says that nobody knows
    # Stated where it isn't what `ok` says: a wish that was met gives a condition False, and a
    # condition that is there only while something is wrong is True.
    severity: ClassVar[Severity] = Severity.WARNING

    def __init_subclass__(cls) -> None:
        if "severity" not in vars(cls):
            cls.severity = Severity.NORMAL if cls.ok else Severity.WARNING
        if "__str__" in vars(cls):
            cls.__str__ = _as_sentence(cls.__str__)  # type: ignore[method-assign, assignment]

    @property
    def reason(self) -> str:
        """The stable word: condition reason and event reason."""
        return type(self).__name__

    @property
    def status(self) -> Literal["True", "False", "Unknown"]:
        """The condition status this verdict gives."""
        if not self.known:
            return "Unknown"
        return "True" if self.ok else "False"


def _as_sentence(says: Callable[[Verdict], str]) -> Callable[[Verdict], str]:
    """Return *says*, whose result can be stored in a condition and printed anywhere."""

    def as_sentence(self: Verdict) -> str:
        return sentence(says(self))

    return as_sentence
