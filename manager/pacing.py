"""What concerns very many Services at once and no packet is written at a steady rate.

When the last session of an Eip's routers is gone for a minute, and when it is back, the
condition of every Service turns. None of them waits for that, and the API server has other
things to do: so those writes go out in handfuls, while addresses are written at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Final

from manager.planner.vocabulary import ANNOUNCED
from manager.work import ClusterWork, Written
from pointsman.model.delta import Delta
from pointsman.model.record import ServiceRecord
from pointsman.runtime.clock import Clock

HANDFUL: Final = 100
EVERY_S: Final = 1.0
SLOW: Final = "NoSession"


class Pacing:
    """Lets a handful of such writes through each second. *wake* is called for the next one."""

    def __init__(self, clock: Clock, *, wake: Callable[[], None]) -> None:
        self._clock, self._wake = clock, wake
        self._next = clock.monotonic()

    def sift(self, work: ClusterWork, written: Written) -> ClusterWork:
        """Return *work* without what can wait."""
        put, before = work.services.put, written.services
        slow = [key for key, record in put.items() if _can_wait(record, before.get(key))]
        if not slow:
            return work
        now, handful = self._clock.monotonic(), 0
        if now >= self._next:
            handful, self._next = HANDFUL, now + EVERY_S
        later = set(islice(sorted(slow), handful, None))
        if later:
            asyncio.get_running_loop().call_later(self._next - now, self._wake)
        kept = {key: record for key, record in put.items() if key not in later}
        return replace(work, services=Delta(put=kept, drop=work.services.drop))


def _can_wait(record: ServiceRecord, before: ServiceRecord | None) -> bool:
    """Whether nothing but the want of a session began or ended."""
    if before is None or record.ingress != before.ingress:
        return False
    reasons = {said.reason for one in (record, before) if (said := one.conditions.get(ANNOUNCED))}
    return SLOW in reasons and len(reasons) > 1
