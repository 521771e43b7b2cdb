"""One alert, as a value: what a rule for Prometheus is made of."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whom an alert is for. The label `severity` of the alert."""

    CRITICAL = "critical"  # somebody is to be woken: traffic is lost, or the next fault loses it
    WARNING = "warning"  # somebody is to look today
    INFO = "info"  # to be known


@dataclass(frozen=True, slots=True)
class Alert:
    """*expr* is a query that returns nothing while all is well."""

    name: str
    severity: Severity
    expr: str
    lasting: str  # for how long before it is told: a duration of Prometheus
    summary: str  # one line; {{ $labels.x }} and {{ $value }} are Prometheus' templates
    description: str  # what it means and what to do first

    @property
    def runbook(self) -> str:
        """Return where it is written what to do: a path in this repository."""
        return f"docs/alerts.md#{self.name.lower()}"
