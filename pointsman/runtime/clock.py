"""Time as a port: what must not be read from a module that decides."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks: *monotonic* for intervals (seconds), *wall* for stamps users read (UTC)."""

    monotonic: Callable[[], float]
    wall: Callable[[], datetime]
