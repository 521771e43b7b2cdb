"""Who else speaks for our addresses: a bounded memory for people to read.

Nothing is decided from it. Whoever forges frames must not make it grow, nor push out what was
seen first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pointsman.responder.terms import Address, SeenConflict
from pointsman.responder.timing import CLAIM_FORGOTTEN_S

CONFLICTS_MAX: Final = 64
CHANGE_S: Final = 1.0  # forged MACs that change with every frame are not news


@dataclass(frozen=True, slots=True)
class _Seen:
    conflict: SeenConflict
    last_s: float
    changed_s: float  # when the view was last called another


class Conflicts:
    """At most CONFLICTS_MAX addresses, each with the MAC seen last."""

    def __init__(self) -> None:
        self._seen: dict[Address, _Seen] = {}

    def record(self, address: Address, mac: bytes, now_s: float) -> bool:
        """Note that *mac* spoke for *address*; beyond the limit the newcomer is left out.

        Return whether :meth:`view` is worth another look: it is, once a second, while MACs change.
        """
        old = self._seen.get(address)
        if old is None:
            if len(self._seen) >= CONFLICTS_MAX:
                return False
            self._seen[address] = _Seen(SeenConflict(mac, now_s), now_s, now_s)
            return True
        changed = old.conflict.mac != mac and now_s - old.changed_s >= CHANGE_S
        conflict = SeenConflict(mac, old.conflict.since_s)
        self._seen[address] = _Seen(conflict, now_s, now_s if changed else old.changed_s)
        return changed

    def forget(self, address: Address) -> None:
        """*address* is nobody's question any more."""
        self._seen.pop(address, None)

    def forget_quiet(self, now_s: float) -> bool:
        """Drop those that nobody else spoke for in CLAIM_FORGOTTEN_S; return whether there were."""
        quiet = [a for a, seen in self._seen.items() if now_s >= seen.last_s + CLAIM_FORGOTTEN_S]
        for address in quiet:
            del self._seen[address]
        return bool(quiet)

    def quiet_s(self) -> float | None:
        """Return when the next one is forgotten. None: there is none."""
        times = [seen.last_s for seen in self._seen.values()]
        return min(times) + CLAIM_FORGOTTEN_S if times else None

    def view(self) -> Mapping[Address, SeenConflict]:
        """Return them as they stand."""
        return {address: seen.conflict for address, seen in self._seen.items()}
