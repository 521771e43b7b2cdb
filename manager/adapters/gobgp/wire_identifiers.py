"""Path identifiers on the wire, kept over the death of a daemon.

What a router receives as ADD-PATH identifier (RFC 7911 section 3) is not Path.identifier but a
number of gobgpd's own: per prefix the lowest it has never used, not reused while it lives
(4.8, measured). A fresh daemon counts from 1 again, a router in graceful restart holds what
the last one sent, and FRR before 9.0.5 forgets one stale path per prefix and keeps the rest
for ever. So the numbers last read are remembered, and a fresh daemon is led to them:
placeholders that no export rule lets out take those in between, and go before any
neighbor comes.

Best effort, in memory: a manager that dies together with its daemon has forgotten.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from manager.adapters.gobgp.paths import NOTHING, LocalPath, Put, Steps, Withdrawal
from pointsman.model.address import Prefix
from pointsman.model.route import RouteKey

BURNT_AT_MOST = 100_000  # placeholders in one go; 4 s of gobgpd's time (measured)


class WireNumbers:
    """The wire identifiers of our paths, as last read from a daemon that held them."""

    def __init__(self) -> None:
        self._known: dict[Prefix, dict[RouteKey, int]] = {}

    def read(self, present: Iterable[LocalPath], gone: Iterable[Prefix] = ()) -> None:
        """Remember those of *present*; a prefix not in it is forgotten only if in *gone*."""
        for prefix in gone:
            self._known.pop(prefix, None)
        found: dict[Prefix, dict[RouteKey, int]] = {}
        for path in present:
            if path.key is not None and path.wire and path.numbers:  # or no router is sent it
                found.setdefault(path.prefix, {})[path.key] = path.wire
        self._known.update(found)

    def lead(self, todo: Steps, present: Iterable[LocalPath]) -> Steps:
        """Return *todo* with the puts of prefixes that came to nothing led to their numbers."""
        there = {path.prefix for path in present}
        puts: list[Put | Withdrawal] = []
        gone: list[Withdrawal] = []
        left = BURNT_AT_MOST
        plain = [put for put in todo.puts if isinstance(put, Put)]
        for prefix, group in groupby(plain, key=lambda put: put.key.prefix):
            these = list(group)
            known = self._known.get(prefix)
            number = 0 if known is None else max(known.values()) - len(these)
            if known and prefix not in there and number <= left:
                left -= max(number, 0)
                led, last = _led(these, known)
                puts += led
                gone += last
            else:
                puts += these
        return Steps(tuple(puts), (*todo.withdrawals, *gone))


def _led(
    plain: list[Put], known: Mapping[RouteKey, int]
) -> tuple[list[Put | Withdrawal], list[Withdrawal]]:
    """Return the puts of one prefix with placeholders among them, and what to withdraw then.

    Placeholders come and go one by one, because gobgpd sorts a prefix at each; the first
    stays to the end, so that the prefix, and its count, does.
    """
    by_number = {known[put.key]: put for put in plain if put.key in known}
    # Under a key of ours and for nobody: left behind by a crash, it is seen and mended.
    key, free = plain[0].key, max(put.identifier for put in plain) + 1
    led: list[Put | Withdrawal] = []
    stays: list[Withdrawal] = []
    for number in range(1, max(known.values()) + 1):  # also what is gone keeps its number
        put = by_number.get(number)
        if put is not None:
            led.append(put)
            continue
        identifier = free + bool(stays)
        led.append(Put(key, identifier, NOTHING, frozenset()))
        if stays:
            led.append(Withdrawal(key.prefix, identifier))
        else:
            stays.append(Withdrawal(key.prefix, identifier))
    return led + [put for put in plain if put.key not in known], stays
