"""How bad what a condition says is, for readers who know its reason alone.

What stands in an API object was a verdict once, perhaps of another version's. Its reason finds
the class, which says how bad it is; one that is not known here is judged by its status.
"""

from collections.abc import Mapping
from typing import Final

from pointsman.model.verdicts import (
    address,
    advertisement,
    aggregates,
    announcement,
    coexistence,
    readiness,
    session,
    source,
)
from pointsman.model.verdicts.base import Severity, Verdict

_MODULES: Final = (
    *(address, advertisement, aggregates, announcement, coexistence, readiness, session, source),
)
BY_REASON: Final[Mapping[str, Severity]] = {
    kind.__name__: kind.severity
    for module in _MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Verdict)
}


def severity_of(reason: str, status: str) -> Severity:
    """Return how bad it is that a condition has *reason* and *status*."""
    unknown = Severity.NORMAL if status == "True" else Severity.WARNING
    return BY_REASON.get(reason, unknown)


def warns(reason: str, status: str) -> bool:
    """Whether somebody should look at a condition with *reason* and *status*."""
    return severity_of(reason, status) is Severity.WARNING
