"""Objects in memory, one global resourceVersion, and the recent past of every kind.

An object is serialised once, when it is written; lists and every watcher share those bytes.
Records are never changed, so a snapshot is a tuple of references. Nothing is written to disk.
"""

import asyncio
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Object = dict[str, Any]
Key = tuple[str, str]  # namespace ("" when cluster-scoped), name
Resource = tuple[str, str]  # group, plural
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
BACKLOG: Final = 65_536  # events a watcher may lag behind before it is cut off


def encode(obj: Any) -> bytes:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Record:
    """One stored version of an object: as a value, and as the bytes clients get."""

    obj: Object
    rv: int
    head: bytes  # `"kind":…,"apiVersion":…`: built-ins' list items go without it
    rest: bytes  # the other members

    @property
    def raw(self) -> bytes:
        return b"{" + self.head + b"," + self.rest + b"}"

    def item(self, *, bare: bool) -> bytes:
        return b"{" + self.rest + b"}" if bare else self.raw


def make_record(obj: Object, rv: int) -> Record:
    head = {"kind": obj["kind"], "apiVersion": obj["apiVersion"]}
    rest = {k: v for k, v in obj.items() if k not in head}
    return Record(head | rest, rv, encode(head)[1:-1], encode(rest)[1:-1])


@dataclass(frozen=True, slots=True)
class Event:
    """A change. *before* is absent for a creation; a deletion's *after* carries its own rv."""

    rv: int
    type: EventType
    after: Record
    before: Record | None
    lines: dict[str, bytes] = field(default_factory=dict)

    def line(self, kind: str) -> bytes:
        """Return the watch line that calls this change *kind*, made once for all watchers."""
        if kind not in self.lines:
            # Leaving a selector is told with the object as it was, under the change's version.
            record = self.after
            if kind == "DELETED" and self.type == "MODIFIED" and self.before:
                obj = self.before.obj
                meta = obj["metadata"] | {"resourceVersion": str(self.rv)}
                record = make_record(obj | {"metadata": meta}, self.rv)
            self.lines[kind] = b'{"type":"%s","object":%s}\n' % (kind.encode(), record.raw)
        return self.lines[kind]


class Gone(Exception):
    """The ring no longer reaches back to the version asked for."""


class Table:
    """One resource: what exists, what happened lately, who is listening."""

    def __init__(self, ring: int) -> None:
        self.records: dict[Key, Record] = {}
        self._sorted: list[Key] | None = []
        self._events: list[Event] = []
        self._ring = ring
        self.floor = 0  # events up to here are forgotten
        # Who listens, and the version up to which each was told, or says it was: a version of
        # the future is believed, and nothing is sent until it has been passed.
        self.listeners: dict[asyncio.Queue[Event | None], int] = {}

    def items(self, namespace: str) -> list[Record]:
        """Return the records of *namespace* ("" for all) in the order of their keys."""
        if self._sorted is None:
            self._sorted = sorted(self.records)
        keys: Iterable[Key] = self._sorted
        if namespace:
            keys = (k for k in keys if k[0] == namespace)
        return [self.records[k] for k in keys]

    def apply(self, key: Key, event: Event) -> None:
        if event.type == "DELETED":
            del self.records[key]
            self._sorted = None
        else:
            if key not in self.records:
                self._sorted = None
            self.records[key] = event.after
        self._events.append(event)
        if len(self._events) >= 2 * self._ring:  # halving keeps appending O(1)
            self.forget(self._events[-self._ring - 1].rv)
        for listener, since in list(self.listeners.items()):
            if listener.qsize() >= BACKLOG:
                self.cut(listener)
            elif event.rv > since:
                listener.put_nowait(event)

    def forget(self, rv: int) -> None:
        """Drop every event up to *rv*: what compaction does."""
        self.floor = max(self.floor, rv)
        self._events = [e for e in self._events if e.rv > rv]

    def since(self, rv: int) -> list[Event]:
        """Return the events after *rv*.

        Raises:
            Gone: some of them are forgotten.
        """
        if rv < self.floor:
            raise Gone
        return self._events[bisect_right(self._events, rv, key=lambda e: e.rv) :]

    def cut(self, listener: "asyncio.Queue[Event | None]") -> None:
        self.listeners.pop(listener, None)
        listener.put_nowait(None)

    def restore(self, records: dict[Key, Record], *, rv: int, was: int) -> None:
        """Become *records*, with no past before *rv*; watches go on from *was*, as they believe."""
        self.records, self._sorted = dict(records), None
        self._events, self.floor = [], rv
        self.listeners = {listener: max(was, since) for listener, since in self.listeners.items()}


@dataclass(frozen=True, slots=True)
class Saved:
    """All that a backup holds: records are never changed, so references are enough."""

    rv: int
    tables: dict[Resource, dict[Key, Record]]


class Store:
    def __init__(self, *, ring: int = 4096) -> None:
        self.rv = 1
        self._ring = ring
        self._tables: dict[Resource, Table] = {}

    def table(self, resource: Resource) -> Table:
        if resource not in self._tables:
            self._tables[resource] = Table(self._ring)
            self._tables[resource].floor = self.rv
        return self._tables[resource]

    def tables(self) -> dict[Resource, Table]:
        return self._tables

    def drop_watches(self, plural: str | None) -> None:
        """Cut off the watchers of *plural*, or of everything."""
        for (_, name), table in self._tables.items():
            if plural in (None, name):
                for listener in list(table.listeners):
                    table.cut(listener)

    def drop(self, resource: Resource) -> None:
        """Forget a resource altogether (its CRD is gone); its watchers are cut off."""
        if table := self._tables.pop(resource, None):
            for listener in list(table.listeners):
                table.cut(listener)

    def saved(self) -> Saved:
        tables = {resource: dict(table.records) for resource, table in self._tables.items()}
        return Saved(self.rv, tables)

    def restore(self, saved: Saved) -> None:
        """Go back to *saved*: contents and resourceVersion. Watches stay, and hear nothing."""
        was, self.rv = self.rv, saved.rv
        for resource in set(saved.tables) | set(self._tables):
            records = saved.tables.get(resource, {})
            self.table(resource).restore(records, rv=saved.rv, was=was)

    def put(self, resource: Resource, obj: Object) -> Record:
        """Store *obj* under the next resourceVersion and tell the watchers."""
        table, key = self.table(resource), key_of(obj)
        before = table.records.get(key)
        record = self._next(obj)
        table.apply(key, Event(self.rv, "MODIFIED" if before else "ADDED", record, before))
        return record

    def delete(self, resource: Resource, key: Key) -> Record:
        table = self.table(resource)
        before = table.records[key]
        record = self._next(before.obj)
        table.apply(key, Event(self.rv, "DELETED", record, before))
        return record

    def _next(self, obj: Object) -> Record:
        self.rv += 1
        meta = obj["metadata"] | {"resourceVersion": str(self.rv)}
        return make_record(obj | {"metadata": meta}, self.rv)


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


Selected = Callable[[Object], bool]


def transition(event: Event, selected: Selected) -> str | None:
    """Return what *event* means to a watcher that sees only *selected* objects."""
    was = event.before is not None and selected(event.before.obj)
    now = event.type != "DELETED" and selected(event.after.obj)
    if now:
        return "MODIFIED" if was else "ADDED"
    return "DELETED" if was else None
