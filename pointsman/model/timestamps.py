"""Times as Kubernetes writes them (RFC 3339)."""

from datetime import datetime


def parse_time(text: str) -> datetime | None:
    """Return the time, with its zone, or None for what is no RFC 3339 time."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None
