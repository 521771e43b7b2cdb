"""A decision and its reason, as a value.

The planner cannot log, so it returns its reasons. One frozen dataclass per reason: the
class name *is* the reason users see (API: stable, UpperCamel), ``str()`` is the one
sentence that event, condition, annotation, log line and ``explain`` print. It says what
is so, for whom, and what to do. Sentences carry no count, uptime or time: a verdict
changes only when the decision does.
"""

from typing import ClassVar, Literal


class Verdict:
    """Base of all verdicts; a subclass is a frozen, slotted dataclass with ``__str__``."""

    __slots__ = ()

    ok: ClassVar[bool] = False

    @property
    def reason(self) -> str:
        """The stable word: condition reason and event reason."""
        return type(self).__name__

    @property
    def status(self) -> Literal["True", "False"]:
        """The condition status this verdict gives."""
        return "True" if self.ok else "False"
