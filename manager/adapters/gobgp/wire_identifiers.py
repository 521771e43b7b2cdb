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

from manager.adapters.gobgp.paths import NOTHING, Present, Put, Run, Steps, Withdrawal
from pointsman.model.address import Address
from pointsman.model.identity import once_per_object, once_per_pair
from pointsman.model.table import Order

BURNT_AT_MOST = 100_000  # placeholders in one go; 4 s of gobgpd's time (measured)


class WireNumbers:
    """The wire identifiers of our paths, as last read from a daemon that held them."""

    def __init__(self) -> None:
        self._known: dict[Order, Present] = {}

    def read(self, present: Mapping[Order, Present], gone: Iterable[Order] = ()) -> None:
        """Remember those of *present*; a prefix not in it is forgotten only if in *gone*."""
        for order in gone:
            self._known.pop(order, None)
        numbers = once_per_object(_numbers)
        self._known.update((order, paths) for order, paths in present.items() if numbers(paths))

    def lead(
        self, todo: Mapping[Order, Steps], present: Mapping[Order, Present]
    ) -> dict[Order, Steps]:
        """Return *todo* with the puts of prefixes that came to nothing led to their numbers."""
        found = dict(todo)
        left = BURNT_AT_MOST
        numbers_of, led = once_per_object(_numbers), once_per_pair(_led)
        for order, steps in todo.items():
            known = self._known.get(order)
            if known is None or order in present or not steps.puts:
                continue
            numbers = numbers_of(known)
            burnt = max(numbers.values()) - sum(isinstance(step, Put) for step in steps.puts)
            if burnt > left:
                continue
            left -= max(burnt, 0)
            found[order] = led(steps, numbers)
        return found


def _numbers(present: Present) -> dict[Address, int]:
    """Return the number of each next hop that a router is sent a path of."""
    paths = present.values()
    return {one.hop: one.wire for one in paths if one.hop and one.wire and one.numbers}


def _led(steps: Steps, known: Mapping[Address, int]) -> Steps:
    """Return the steps of one prefix with placeholders among the puts.

    Placeholders come and go one by one, because gobgpd sorts a prefix at each; the first
    stays to the end, so that the prefix, and its count, does.
    """
    plain = [put for put in steps.puts if isinstance(put, Put)]
    by_number = {known[put.hop]: put for put in plain if put.hop in known}
    # Under a next hop of ours and for nobody: left behind by a crash, it is seen and mended.
    hop, free = plain[0].hop, max(put.identifier for put in plain) + 1
    led: list[Put | Withdrawal] = []
    stays: Run = ()
    for number in range(1, max(known.values()) + 1):  # also what is gone keeps its number
        put = by_number.get(number)
        if put is not None:
            led.append(put)
            continue
        identifier = free + bool(stays)
        led.append(Put(hop, identifier, NOTHING, frozenset()))
        if stays:
            led.append(Withdrawal(identifier))
        else:
            stays = (Withdrawal(identifier),)
    led += [put for put in plain if put.hop not in known]
    return Steps(tuple(led), (*steps.withdrawals, *stays))
