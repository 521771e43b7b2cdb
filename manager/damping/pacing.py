"""What concerns very many objects at once and no packet is written at a steady rate.

When the last session of an Eip's routers is gone for a minute, and when it is back, the
condition of every Service turns. None of them waits for that, and the API server has other
things to do: so those writes go out in handfuls, while addresses are written at once. And
the counts of an Eip change with each of a thousand Services: once a second is enough. An
Announcer may hold 12,000 addresses, and etcd keeps every version of it for five minutes: so
what is added to one goes out once a second, and to all of them a megabyte a second at most.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from pointsman.model.names import ANNOUNCED
from pointsman.model.record import ServiceRecord

HANDFUL: Final = 100
EVERY_S: Final = 1.0
SLOW: Final = "NoSession"
OCTETS: Final = 1_000_000  # of Announcers, in each second


class Handfuls:
    """Lets so many through in each second, whatever they are."""

    def __init__(self) -> None:
        self._since, self._sent = -EVERY_S, 0

    def ready_at(self, key: object, now: float) -> float:
        """Return when the next may be sent."""
        over = self._since + EVERY_S
        return 0.0 if now >= over or self._sent < HANDFUL else over

    def sent(self, key: object, now: float) -> None:
        """Note that one is sent *now*."""
        if now >= self._since + EVERY_S:
            self._since, self._sent = now, 0
        self._sent += 1


class OncePerSecond:
    """Lets the same object through once in each second."""

    def __init__(self) -> None:
        self._sent: dict[object, float] = {}

    def ready_at(self, key: object, now: float) -> float:
        """Return when *key* may be sent again."""
        return self._sent.get(key, -EVERY_S) + EVERY_S

    def sent(self, key: object, now: float) -> None:
        """Note that *key* is sent *now*."""
        self._sent = {one: at for one, at in self._sent.items() if now - at < EVERY_S}
        self._sent[key] = now


class WithinVolume:
    """Lets the same object through once in each second, and so many octets of all of them.

    *octets_of*: how large an object is that waits. One that is larger than all that may go goes
    when nothing else did.
    """

    def __init__(self, octets_of: Callable[[object], int], *, octets: int = OCTETS) -> None:
        self._octets_of, self._octets = octets_of, octets
        self._each = OncePerSecond()
        self._spent: deque[tuple[float, int]] = deque()  # when, how many; the oldest first

    def ready_at(self, key: object, now: float) -> float:
        """Return when *key* may be sent."""
        self._forget(now)
        over = sum(octets for _, octets in self._spent) + self._octets_of(key) - self._octets
        room_at = 0.0
        for at, octets in self._spent:
            if over <= 0:
                break
            over, room_at = over - octets, at + EVERY_S
        return max(self._each.ready_at(key, now), room_at)

    def sent(self, key: object, now: float) -> None:
        """Note that *key* is sent *now*, whether or not it waited."""
        self._forget(now)
        self._each.sent(key, now)
        self._spent.append((now, self._octets_of(key)))

    def _forget(self, now: float) -> None:
        while self._spent and now >= self._spent[0][0] + EVERY_S:
            self._spent.popleft()


def can_wait(record: ServiceRecord, before: ServiceRecord | None) -> bool:
    """Return whether nothing but the want of a session began or ended."""
    if before is None or record.ingress != before.ingress:
        return False
    reasons = {
        condition.reason for one in (record, before) if (condition := one.conditions.get(ANNOUNCED))
    }
    return SLOW in reasons and len(reasons) > 1
