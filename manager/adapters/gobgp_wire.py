"""Path identifiers on the wire, kept over the death of a daemon.

What a router hears as ADD-PATH identifier (RFC 7911 section 3) is not Path.identifier but a
number of gobgpd's own: per prefix the lowest it has never used, not reused while it lives
(4.8, measured). A fresh daemon counts from 1 again, a router in graceful restart holds what
the last one said, and FRR before 9.0.5 forgets one stale path per prefix and keeps the rest
for ever. So the numbers last read are remembered, and a fresh daemon is led to them:
placeholders that no export rule lets out take those in between, and go before any
neighbor comes.

Best effort, in memory: a manager that dies together with its daemon has forgotten.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from manager.adapters.gobgp_paths import NOTHING, Held, Put, Steps, Withdrawal
from pointsman.model.address import Prefix
from pointsman.model.route import RouteKey

BURNT_AT_MOST = 100_000  # placeholders in one go; 2 s of gobgpd's time


class WireNumbers:
    """The wire identifiers of our paths, as last read from a daemon that held them."""

    def __init__(self) -> None:
        self._known: dict[Prefix, dict[RouteKey, int]] = {}

    def read(self, held: Iterable[Held], gone: Iterable[Prefix] = ()) -> None:
        """Remember what *held* says; a prefix not in it is forgotten only if in *gone*."""
        for prefix in gone:
            self._known.pop(prefix, None)
        found: dict[Prefix, dict[RouteKey, int]] = {}
        for path in held:
            if path.key is not None and path.wire and path.numbers:  # or no router hears it
                found.setdefault(path.prefix, {})[path.key] = path.wire
        self._known.update(found)

    def lead(self, todo: Steps, held: Iterable[Held]) -> Steps:
        """Return *todo* with the puts of prefixes that came to nothing led to their numbers."""
        there = {path.prefix for path in held}
        puts: list[Put] = []
        gone: list[Withdrawal] = []
        left = BURNT_AT_MOST
        for prefix, group in groupby(todo.puts, key=lambda put: put.key.prefix):
            known = self._known.get(prefix)
            plain = list(group)
            if known and prefix not in there:
                led, burnt = _led(plain, known, left)
                left -= len(burnt)
                puts += led
                gone += burnt
            else:
                puts += plain
        return Steps(tuple(puts), (*todo.withdrawals, *gone))


def _led(
    plain: list[Put], known: Mapping[RouteKey, int], left: int
) -> tuple[list[Put], list[Withdrawal]]:
    """Return the puts of one prefix with placeholders among them, and their withdrawals."""
    by_number = {known[put.key]: put for put in plain if put.key in known}
    last = max(known.values())  # also of what is gone: its number is not given to another
    if last - len(by_number) > left:
        return plain, []
    free = max(put.identifier for put in plain) + 1
    led: list[Put] = []
    burnt: list[Withdrawal] = []
    for number in range(1, last + 1):
        put = by_number.get(number)
        if put is None:
            # Under a key of ours and for nobody: left behind by a crash, it is seen and mended.
            key = plain[0].key
            put = Put(key, free + len(burnt), NOTHING, frozenset())
            burnt.append(Withdrawal(key.prefix, put.identifier))
        led.append(put)
    return led + [put for put in plain if put.key not in known], burnt
