"""Lists and watches: options, pages, selectors, the stream of changes."""

import asyncio
import base64
import json
import random
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from standin.grammar import selection
from standin.grammar.errors import ApiError, bad_request, expired, invalid, invalid_object
from standin.kinds.kind import Kind, Object
from standin.store import Event, Gone, Record, Selected, Store, Table, encode, transition

PAGES_KEPT: Final = 256
BEFORE_END_S: Final = 2.0  # the last bookmark of a watch comes this long before it ends
CONTINUE_GONE: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Options:
    """The query of a list or watch, checked."""

    selected: Selected | None  # None = everything
    watch: bool
    rv: str
    match: str
    limit: int
    token: str
    timeout_s: float | None
    bookmarks: bool
    initial: bool  # sendInitialEvents


def truth(text: str | None) -> bool:
    """Return a query flag the way Kubernetes reads it: anything but false and 0 is true."""
    return text is not None and text.lower() not in ("false", "0")


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def parse(query: Mapping[str, str], kind: Kind, name: str = "") -> Options:
    """Raises:
    ApiError: 400 or 422, an option means nothing here.
    """
    tests: list[Selected] = []
    if text := query.get("labelSelector"):
        tests.append(selection.labels(text))
    if text := query.get("fieldSelector"):
        tests.append(selection.fields(text, kind.selectable, f"{kind.api_version} {kind.kind}"))
    if name:
        tests.append(lambda obj: bool(obj["metadata"]["name"] == name))
    rv, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    watch, initial = truth(query.get("watch")), truth(query.get("sendInitialEvents"))
    if rv and not rv.isdigit():
        fault = f'Invalid value: "{rv}": strconv.ParseUint: parsing "{rv}": invalid syntax'
        if watch:  # the real server takes this one for its own mistake
            raise ApiError(500, "", f"resourceVersion: {fault}")
        raise bad_request(f"invalid resource version: resourceVersion: {fault}")
    if watch and "sendInitialEvents" in query and match != "NotOlderThan":
        detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise _bad_options("sendInitialEvents", query["sendInitialEvents"], detail)
    if match and not watch and not rv:
        detail = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _bad_options("resourceVersionMatch", match, detail)
    seconds = _number(query, "timeoutSeconds")
    return Options(
        selected=(lambda obj: all(test(obj) for test in tests)) if tests else None,
        watch=watch,
        rv=rv,
        match=match,
        limit=_number(query, "limit"),
        token=query.get("continue", ""),
        timeout_s=float(seconds) if seconds else None,
        bookmarks=truth(query.get("allowWatchBookmarks")),
        initial=initial,
    )


def _bad_options(name: str, value: Any, detail: str) -> ApiError:
    return invalid_object("meta.k8s.io", "ListOptions", "", [invalid(name, value, detail)])


@dataclass(frozen=True, slots=True)
class Page:
    records: list[Record]
    rv: int
    token: str
    remaining: int | None


class Reader:
    def __init__(self, store: Store, *, bookmark_s: float = 60.0) -> None:
        self._store = store
        self._bookmark_s = bookmark_s
        # What is left of lists that were begun with a limit: later pages show the first's moment.
        self._pages: OrderedDict[str, tuple[list[Record], int]] = OrderedDict()

    def page(self, kind: Kind, namespace: str, options: Options) -> Page:
        """Return the records asked for, in key order.

        Raises:
            ApiError: 410, the token or the exact version is too old; 504, it is in the future.
        """
        if options.token:
            records, rv = self._resumed(options.token)
        else:
            rv = self._store.rv
            self._check_version(options, rv)
            records = self._store.table((kind.group, kind.plural)).items(namespace)
            if options.selected:
                records = [r for r in records if options.selected(r.obj)]
        if not options.limit or len(records) <= options.limit:
            return Page(records, rv, "", None)
        rest = records[options.limit :]
        token = base64.urlsafe_b64encode(
            json.dumps({"v": "meta.k8s.io/v1", "rv": rv, "id": secrets.token_hex(8)}).encode()
        ).decode()
        self._pages[token] = (rest, rv)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)
        # The server doesn't know how many a selector would leave.
        return Page(records[: options.limit], rv, token, None if options.selected else len(rest))

    def forget_pages(self) -> None:
        self._pages.clear()

    def _resumed(self, token: str) -> tuple[list[Record], int]:
        if token in self._pages:
            return self._pages[token]
        try:
            json.loads(base64.urlsafe_b64decode(token))["rv"]
        except (ValueError, KeyError, TypeError) as error:
            raise bad_request(f"continue key is not valid: {error}") from error
        raise expired(CONTINUE_GONE)

    def _check_version(self, options: Options, now: int) -> None:
        wanted = int(options.rv or 0)
        if wanted > now:
            cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            details = {"causes": [cause], "retryAfterSeconds": 1}
            text = f"Timeout: Too large resource version: {wanted}, current: {now}"
            raise ApiError(504, "Timeout", text, details)
        if options.match == "Exact" and wanted != now:
            raise expired(f"The resourceVersion for the provided list is too old: {wanted}")

    async def watch(
        self, kind: Kind, namespace: str, options: Options
    ) -> AsyncGenerator[list[tuple[str, Event | Record | Object]], None]:
        """Yield batches of (type, what): Events, Records of the beginning, a Status or bookmark."""
        table = self._store.table((kind.group, kind.plural))
        selected = _within(namespace, options.selected)
        first: list[tuple[str, Event | Record | Object]] = []
        start, rv = int(options.rv or 0), self._store.rv
        if options.initial or not start:
            first += [("ADDED", r) for r in table.items(namespace) if selected(r.obj)]
            if options.initial:
                first.append(("BOOKMARK", self._bookmark(kind, rv, done=True)))
        else:
            try:
                first += _transitions(table.since(start), selected)
            except Gone:
                text = f"too old resource version: {start} ({table.floor})"
                yield [("ERROR", expired(text).status())]
                return
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        table.listeners[queue] = max(start, rv)
        try:
            if first:
                yield first
            async for batch in self._follow(kind, table, queue, selected, options):
                yield batch
        finally:
            table.listeners.pop(queue, None)

    async def _follow(
        self,
        kind: Kind,
        table: Table,
        queue: "asyncio.Queue[Event | None]",
        selected: Selected,
        options: Options,
    ) -> AsyncGenerator[list[tuple[str, Event | Record | Object]], None]:
        lasts = options.timeout_s or random.uniform(1800, 3600)
        ends = time.monotonic() + lasts
        mark = self._next_mark(ends) if options.bookmarks else ends
        while (now := time.monotonic()) < ends:
            try:
                async with asyncio.timeout(min(mark, ends) - now):
                    events = [await queue.get()]
            except TimeoutError:
                # A bookmark promises that everything up to it was told; none goes backwards.
                current = self._store.rv >= table.listeners.get(queue, 0)
                if options.bookmarks and current and queue.empty() and time.monotonic() < ends:
                    yield [("BOOKMARK", self._bookmark(kind, self._store.rv))]
                    mark = self._next_mark(ends)
                continue
            while not queue.empty():
                events.append(queue.get_nowait())
            if batch := _transitions([c for c in events if c], selected):
                yield batch
            if None in events:
                return

    def _next_mark(self, ends: float) -> float:
        now = time.monotonic()
        last = ends - BEFORE_END_S
        return min(now + self._bookmark_s, last) if last > now else ends

    def _bookmark(self, kind: Kind, rv: int, *, done: bool = False) -> Object:
        own: Object = {"resourceVersion": str(rv), "creationTimestamp": None}
        if done:
            own["annotations"] = {"k8s.io/initial-events-end": "true"}
        head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": own}
        return head | kind.rules.bookmark()


def _within(namespace: str, selected: Selected | None) -> Selected:
    def matches(obj: Object) -> bool:
        if namespace and obj["metadata"].get("namespace") != namespace:
            return False
        return selected is None or selected(obj)

    return matches


def _transitions(
    events: list[Event], selected: Selected
) -> list[tuple[str, Event | Record | Object]]:
    found = ((transition(event, selected), event) for event in events)
    return [(kind, event) for kind, event in found if kind]


def line(kind: str, what: Event | Record | Object) -> bytes:
    """Return one line of the stream."""
    if isinstance(what, Event):
        return what.line(kind)
    raw = what.raw if isinstance(what, Record) else encode(what)
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), raw)
