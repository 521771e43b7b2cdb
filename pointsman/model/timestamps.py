"""Times as Kubernetes writes them (RFC 3339)."""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime | None:
    """Return the time, with its zone, or None for what is no RFC 3339 time."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def format_time(moment: datetime) -> str:
    """Return *moment*, which has a zone, as metav1.Time: whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(moment: datetime) -> str:
    """Return *moment*, which has a zone, as metav1.MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
