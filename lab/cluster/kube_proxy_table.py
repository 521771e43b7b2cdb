"""The nft transaction that leads a node's table from what it holds to what it should. Pure.

It refuses to know Services: what each needs there is `lab.cluster.kube_proxy_rules`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lab.cluster.kube_proxy_rules import TABLE, Programming


class Table:
    """What one node's table holds, so that only what changes is told to nft."""

    def __init__(self) -> None:
        self._services: dict[str, Programming] = {}
        self._users: Counter[str] = Counter()  # of each chain

    def change(self, wanted: Mapping[str, Programming]) -> str:
        """Return the transaction that makes *wanted* true, "" if it is; the rest stays.

        It is assumed to be applied: where it is not, begin again from an empty Table.
        """
        chains: dict[str, tuple[str, ...]] = {}
        gone: dict[str, list[str]] = defaultdict(list)
        come: dict[str, list[str]] = defaultdict(list)
        released: Counter[str] = Counter()
        for name, after in wanted.items():
            before = self._services.get(name, Programming())
            if before == after:
                continue
            for (table, key), verdict in before.elements.items():
                if after.elements.get((table, key)) != verdict:
                    gone[table].append(key)
            for (table, key), verdict in after.elements.items():
                if before.elements.get((table, key)) != verdict:
                    come[table].append(f"{key} : {verdict}")
            chains.update({c: r for c, r in after.chains.items() if not self._users[c]})
            released.update(before.chains.keys())
            self._users.update(after.chains.keys())
            self._remember(name, after)
        self._users.subtract(released)
        unused = [chain for chain in released if not self._users[chain]]
        for chain in unused:
            del self._users[chain]
        new = {chain: rules for chain, rules in chains.items() if self._users[chain] > 0}
        return "".join(f"{line}\n" for line in _commands(new, unused, gone, come))

    def _remember(self, name: str, programmed: Programming) -> None:
        if programmed == Programming():
            self._services.pop(name, None)
        else:
            self._services[name] = programmed


def _commands(
    new: Mapping[str, tuple[str, ...]],
    unused: Sequence[str],
    gone: Mapping[str, Sequence[str]],
    come: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    for table, keys in gone.items():
        yield f"delete element {TABLE} {table} {{ {', '.join(keys)} }}"
    for chain in new:  # all of them first: a rule may go to any
        yield f"add chain {TABLE} {chain}"
    for chain, rules in new.items():
        yield from (f"add rule {TABLE} {chain} {rule}" for rule in rules)
    for table, entries in come.items():
        yield f"add element {TABLE} {table} {{ {', '.join(entries)} }}"
    yield from (f"flush chain {TABLE} {chain}" for chain in unused)
    yield from (f"delete chain {TABLE} {chain}" for chain in unused)
