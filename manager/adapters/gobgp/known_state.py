"""What is known of the daemon that runs: read from it, and acknowledged by it since.

With it one change is one call. It outlives no daemon: a fresh one takes neither path nor
peer before StartBgp (measured), only we call that, and there all of this is forgotten, as
it is at any trouble. What somebody else does at the daemon's API shows at the next reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from manager.adapters.gobgp.paths import LocalPath, Put, Withdrawal
from pointsman.model.address import Prefix
from pointsman.model.route import PeerName

Table = dict[Prefix, dict[int, LocalPath]]  # the local paths, by identifier


@dataclass(slots=True)
class Known:
    """Facts about one daemon; None: not known, ask it."""

    asn: int | None = None
    numbers: Mapping[PeerName, int] | None = None
    table: Table | None = None
    _rules: int = 0  # grows whenever they change, or may have
    _reading: object = None  # the one reading of the whole table that counts
    _meanwhile: set[Prefix] = field(default_factory=set)  # changed since it began
    _under_way: list[frozenset[Prefix]] = field(default_factory=list)  # being changed

    def forget(self) -> None:
        """Know nothing any more: it may be another daemon, or have taken half of something."""
        self.asn = self.table = None
        self._reading = None
        self.forget_numbers()

    def forget_numbers(self) -> None:
        """Have them asked for again; an answer that is still on its way doesn't count."""
        self.numbers = None
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

    def learn(self, reading: object, present: Iterable[LocalPath]) -> list[LocalPath]:
        """Take a reading of the whole table; return what of it counts.

        Of prefixes that were changed meanwhile it may show what was or what is: they don't.
        """
        if reading is not self._reading:
            return []
        sure = [path for path in present if path.prefix not in self._meanwhile]
        if self.table is not None or not self._meanwhile:
            table = by_prefix(sure)
            for prefix in self._meanwhile:
                if self.table is not None and prefix in self.table:
                    table[prefix] = self.table[prefix]
            self.table = table
        return sure

    def paths(self, wanted: Iterable[Prefix]) -> list[LocalPath]:
        """Return the local paths of these prefixes, ours and foreign, as far as known."""
        table = self.table or {}
        return [path for prefix in wanted for path in table.get(prefix, {}).values()]

    @contextmanager
    def changing(self, touched: Iterable[Prefix]) -> Iterator[None]:
        """Note that these prefixes change inside; if that does not end well, forget all."""
        concerned = frozenset(touched)
        self._meanwhile |= concerned
        self._under_way.append(concerned)
        try:
            with self.sure():
                yield
        finally:
            self._under_way.remove(concerned)

    def acknowledged(self, steps: Iterable[Put | Withdrawal]) -> None:
        """Take what the daemon has acknowledged, in this order."""
        if self.table is None:
            return
        for step in steps:
            if isinstance(step, Put):
                prefix = step.key.prefix
                there = self.table.setdefault(prefix, {})
                before = there.get(step.identifier)
                made = LocalPath(prefix, step.identifier, step.key, step.attributes, step.numbers)
                # Put again under its identifier, a path keeps its number on the wire (measured).
                there[step.identifier] = replace(made, wire=before.wire) if before else made
            else:
                there = self.table.get(step.prefix, {})
                there.pop(step.identifier, None)
                if not there:
                    self.table.pop(step.prefix, None)

    def read(self, prefixes: Iterable[Prefix], present: Iterable[LocalPath]) -> None:
        """Take a reading of these prefixes."""
        if self.table is None:
            return
        for prefix in prefixes:
            self.table.pop(prefix, None)
        self.table.update(by_prefix(present))


def by_prefix(present: Iterable[LocalPath]) -> Table:
    """Return these paths as a table."""
    table: Table = {}
    for path in present:
        table.setdefault(path.prefix, {})[path.identifier] = path
    return table
