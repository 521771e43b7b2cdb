"""What is written to the API at most so often, whoever on the network makes it change. Sans I/O."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

REPORT_S: Final = 10.0  # a LAN's attacker must not write to etcd at will


@dataclass(slots=True)
class Paced(Generic[T]):
    """A value that follows another: the first change at once, the next not before its time."""

    value: T
    interval_s: float = REPORT_S
    _since_s: float | None = None

    def offer(self, value: T, *, now_s: float) -> float | None:
        """Take *value* if it is time. Return in how many seconds it will be; None: it was taken."""
        if value == self.value:
            return None
        if self._since_s is not None and now_s < self._since_s + self.interval_s:
            return self._since_s + self.interval_s - now_s
        self.take(value, now_s=now_s)
        return None

    def take(self, value: T, *, now_s: float) -> None:
        """Take *value*, whether it is time or not."""
        self.value, self._since_s = value, now_s
