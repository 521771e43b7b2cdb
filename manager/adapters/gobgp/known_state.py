"""What is known of the daemon that runs: read from it, and acknowledged by it since.

With it one change is one call. It outlives no daemon: a fresh one takes neither path nor
peer before StartBgp (measured), only we call that, and there all of this is forgotten, as
it is at any trouble. What somebody else does at the daemon's API shows at the next reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from manager.adapters.gobgp.paths import NONE, Listed, Present, Run, after
from pointsman.model.identity import once_per_pair
from pointsman.model.route import PeerName
from pointsman.model.table import Order

# The local paths of each prefix. Prefixes that have the same share one object.
Held = dict[Order, Present]


@dataclass(slots=True)
class Known:
    """Facts about one daemon; None: not known, ask it."""

    asn: int | None = None
    numbers: Mapping[PeerName, int] | None = None
    table: Held | None = None
    changes: int = 0  # grows whenever paths or rules change, or may have
    _rules: int = 0  # grows whenever they change, or may have
    _reading: object = None  # the one reading of the whole table that counts
    _meanwhile: set[Order] = field(default_factory=set)  # changed since it began
    _under_way: list[frozenset[Order]] = field(default_factory=list)  # being changed

    def forget(self) -> None:
        """Know nothing any more: it may be another daemon, or have taken half of something."""
        self.asn = self.table = None
        self.changes += 1
        self._reading = None
        self.forget_numbers()

    def forget_numbers(self) -> None:
        """Have them asked for again; an answer that is still on its way doesn't count."""
        self.numbers = None
        self.changes += 1
        self._rules += 1

    async def learn_numbers(
        self, answer: Awaitable[Mapping[PeerName, int]]
    ) -> Mapping[PeerName, int]:
        """Return *answer*; it is known from now on, unless rules changed while it came.

        A name that is taken from one rule and given to the next has another number, and
        under the old one no router is sent a path.
        """
        rules = self._rules
        numbers = await answer
        if rules == self._rules:
            self.numbers = numbers
        return numbers

    @contextmanager
    def sure(self) -> Iterator[None]:
        """Forget everything if what is done inside does not end well."""
        try:
            yield
        except BaseException:
            self.forget()
            raise

    def begin(self) -> object:
        """Note that the whole table is being read; returns what :meth:`learn` wants back."""
        self._meanwhile = set().union(*self._under_way)
        self._reading = object()
        return self._reading

    def learn(self, reading: object, listed: Iterable[Listed]) -> Held:
        """Take a reading of the whole table; return what of it counts.

        Of prefixes that were changed meanwhile it may show what was or what is: they don't.
        """
        if reading is not self._reading:
            return {}
        sure = {one.order: one.paths for one in listed if one.order not in self._meanwhile}
        if self.table is not None or not self._meanwhile:
            table = dict(sure)
            for order in self._meanwhile:
                if self.table is not None and order in self.table:
                    table[order] = self.table[order]
            self.table = table
        return sure

    def paths(self, wanted: Iterable[Order]) -> Held:
        """Return the local paths of these prefixes, ours and foreign, as far as known."""
        table = self.table or {}
        return {order: table[order] for order in wanted if order in table}

    @contextmanager
    def changing(self, touched: Iterable[Order]) -> Iterator[None]:
        """Note that these prefixes change inside; if that does not end well, forget all."""
        concerned = frozenset(touched)
        self.changes += 1
        self._meanwhile |= concerned
        self._under_way.append(concerned)
        try:
            with self.sure():
                yield
        finally:
            self.changes += 1
            self._under_way.remove(concerned)

    def acknowledged(self, runs: Iterable[tuple[Order, Run]]) -> None:
        """Take what the daemon has acknowledged."""
        if self.table is None:
            return
        after_run = once_per_pair(after)
        for order, run in runs:
            if paths := after_run(self.table.get(order, NONE), run):
                self.table[order] = paths
            else:
                self.table.pop(order, None)

    def read(self, orders: Iterable[Order], listed: Iterable[Listed]) -> None:
        """Take a reading of these prefixes."""
        if self.table is None:
            return
        for order in orders:
            self.table.pop(order, None)
        self.table.update((one.order, one.paths) for one in listed)
