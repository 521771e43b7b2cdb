"""What concerns very many objects at once and no packet is written at a steady rate.

When the last session of an Eip's routers is gone for a minute, and when it is back, the
condition of every Service turns. None of them waits for that, and the API server has other
things to do: so those writes go out in handfuls, while addresses are written at once. And
the counts of an Eip change with each of a thousand Services: once a second is enough.
"""

from typing import Final

from pointsman.model.names import ANNOUNCED
from pointsman.model.record import ServiceRecord

HANDFUL: Final = 100
EVERY_S: Final = 1.0
SLOW: Final = "NoSession"


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


def can_wait(record: ServiceRecord, before: ServiceRecord | None) -> bool:
    """Return whether nothing but the want of a session began or ended."""
    if before is None or record.ingress != before.ingress:
        return False
    reasons = {
        condition.reason for one in (record, before) if (condition := one.conditions.get(ANNOUNCED))
    }
    return SLOW in reasons and len(reasons) > 1
