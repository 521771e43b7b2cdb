"""An API server in memory, for one event loop: strict, stateful, with faults on demand.

It stands behind the same methods as `KubeApi` of manager.adapters.kubernetes.client, so that
informers, writers and electors run on a virtual clock. Both pass tests/conformance/apiclient:
one global resourceVersion, 409 for a stale one, 404, 410 for what asks too far back, pages that
come from one moment, finalizers, `/status` apart from the rest. Beyond that it grants no right
but the manager's own. It knows no schema: it neither checks an object nor fills in defaults.
"""

import asyncio
import itertools
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from manager.adapters.kubernetes.client import EVENTS, LEASES, Kind, Refused
from manager.adapters.kubernetes.fields import Json
from pointsman.model.names import API_PATH
from pointsman.runtime.target import Unavailable
from tests.copying import copied
from tests.fakes import rights
from tests.merging import merged

PAGES_KEPT = 100  # of lists that were begun
STAMP = "%Y-%m-%dT%H:%M:%SZ"
Fault = Callable[[str, str, str], Exception | None]  # (verb, plural, name) -> what to raise
_at: Callable[[tuple[Any, ...]], int] = itemgetter(0)  # of what happened: the version it made


def _selected(params: Mapping[str, str]) -> Callable[[Json], bool]:
    """Return whether metadata are as the field selector wants; other fields are refused."""
    selector = params.get("fieldSelector", "")
    wanted = dict(one.split("=") for one in selector.split(",") if one)
    if not wanted.keys() <= {"metadata.name", "metadata.namespace", "spec.nodeName"}:
        raise Refused(400, "BadRequest", f"field label not supported: {selector}")
    paths = [(*field.split("."), value) for field, value in wanted.items()]
    return lambda raw: all(raw[part].get(field, "") == value for part, field, value in paths)


def _meant(known: Json, wanted: Mapping[str, str | None]) -> None:
    """Refuse an object that is another than *wanted*, or in another version."""
    for key, value in wanted.items():
        if value not in (None, known["metadata"][key]):
            name = known["metadata"]["name"]
            raise Refused(409, "Conflict", f"{name}: the object has been modified ({key})")


async def _too_old(version: str) -> AsyncIterator[Json]:
    message = f"too old resource version: {version}"
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": message}
    yield {"type": "ERROR", "object": status}


class FakeKube:
    def __init__(self) -> None:
        self.version = 1
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.history: list[tuple[int, str, str, dict[str, Any]]] = []
        self.oldest = 0  # watches from before this are 410
        self.requests: list[tuple[str, str, str]] = []
        self.watched_from: list[int] = []
        self.fault: Fault = lambda verb, plural, name: None
        self.latency_s = 0.0
        self.request_timeout_s = 5.0
        self.missing_namespaces: set[str] = set()
        self.deaf: set[str] = set()  # kinds whose watches say nothing, and do not end
        self._changed = asyncio.Event()
        self._cut = 0
        self._tokens = itertools.count()
        self._pages: dict[str, tuple[list[Json], str]] = {}  # what is left of lists begun
        self._gone: set[str] = set()  # the tokens of those that were forgotten

    # --- what a test does to it ---------------------------------------------------------

    def put(self, kind: Kind, raw: dict[str, Any]) -> dict[str, Any]:
        """Create or replace an object, whole, and tell the watches."""
        raw = copied(raw)
        meta = raw.setdefault("metadata", {})
        key = kind.plural, meta.get("namespace", ""), meta["name"]
        known = self.objects.get(key)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        meta.setdefault("uid", known["metadata"]["uid"] if known else f"uid-{self.version}")
        if kind.root == API_PATH:  # a Service has no generation
            before = known["metadata"]["generation"] if known else 0
            changed = known is None or raw.get("spec") != known.get("spec")
            meta.setdefault("generation", before + changed)
        raw.setdefault("kind", kind.name)
        self.objects[key] = raw
        self._record("MODIFIED" if known else "ADDED", kind.plural, raw)
        return copied(raw)

    def remove(self, kind: Kind, name: str, namespace: str = "") -> None:
        raw = copied(self.objects.pop((kind.plural, namespace, name)))
        self.version += 1
        raw["metadata"]["resourceVersion"] = str(self.version)
        self._record("DELETED", kind.plural, raw)

    def forget_history(self) -> None:
        """Make every watch from before now, and every list begun before, answer 410."""
        self.oldest = self.version
        for token in list(self._pages):
            self._forget_page(token)
        self.cut_watches()

    def snapshot(self) -> tuple[int, dict[tuple[str, str, str], dict[str, Any]]]:
        """Return what a backup of the store would hold."""
        return self.version, copied(self.objects)

    def restore(self, backup: tuple[int, dict[tuple[str, str, str], dict[str, Any]]]) -> None:
        """Put the store back to *backup*, as a restored etcd does.

        Versions count on from there, so they go backwards; a watch from a version that is yet
        to come is accepted, and told nothing until there is something newer.
        """
        self.version, self.objects = backup[0], copied(backup[1])
        self.history = [one for one in self.history if one[0] <= self.version]
        self.cut_watches()

    def cut_watches(self) -> None:
        self._cut += 1
        self._stir()

    def of(self, kind: Kind) -> dict[str, dict[str, Any]]:
        return {
            f"{ns}/{name}".lstrip("/"): raw
            for (plural, ns, name), raw in self.objects.items()
            if plural == kind.plural
        }

    # --- what an adapter sees -----------------------------------------------------------

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int = 500, after: str = ""
    ) -> Json:
        await self._begin("list", kind, "")
        if after in self._gone:
            raise Refused(410, "Expired", "The provided continue parameter is too old")
        if after and after not in self._pages:
            raise Refused(400, "BadRequest", "continue key is not valid")
        if after:
            rest, version = self._pages[after]
        else:
            selected = _selected(params)
            keys = sorted(key for key in self.objects if key[0] == kind.plural)
            rest = [self.objects[key] for key in keys if selected(self.objects[key])]
            version = str(self.version)
        rest = copied(rest)
        page, rest = rest[:limit], rest[limit:]
        meta: dict[str, Any] = {"resourceVersion": version}
        if rest:
            meta["continue"] = f"page-{version}-{next(self._tokens)}"
            self._pages[meta["continue"]] = rest, version
            if len(self._pages) > PAGES_KEPT:
                self._forget_page(next(iter(self._pages)))
        return {"metadata": meta, "items": page}

    @asynccontextmanager
    async def watch(
        self, kind: Kind, params: Mapping[str, str], *, version: str, timeout_s: int
    ) -> AsyncIterator[AsyncIterator[Json]]:
        await self._begin("watch", kind, "")
        selected, until = _selected(params), asyncio.get_running_loop().time() + timeout_s
        if int(version) < self.oldest:
            yield _too_old(version)
            return
        self.watched_from.append(int(version))
        yield self._events(kind, selected, int(version), until)

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        await self._begin("get", kind, name)
        return copied(self._known(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        name = body["metadata"]["name"]
        await self._begin("create", kind, name)
        if namespace in self.missing_namespaces:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
        if (kind.plural, namespace, name) in self.objects:
            raise Refused(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
        raw = copied(dict(body))
        if kind not in (EVENTS, LEASES):
            raw.pop("status", None)
        raw["metadata"] = {**raw["metadata"], **({"namespace": namespace} if namespace else {})}
        raw["metadata"].setdefault("creationTimestamp", self._now())
        return self.put(kind, raw)

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        body: Json,
        sub: str = "",
        manager: str = "",
    ) -> Json:
        await self._begin(f"patch {sub}".strip(), kind, name)
        known = self._known(kind, namespace, name)
        version = body.get("metadata", {}).get("resourceVersion")
        _meant(known, {"resourceVersion": version})
        new: dict[str, Any] = copied(merged(known, body))
        if sub == "status":
            notes = new["metadata"].get("annotations") if kind.name == "Service" else None
            new = {**known, "status": new.get("status", {})}
            if notes is not None:
                new["metadata"] = {**new["metadata"], "annotations": notes}
        elif "status" in known:
            new["status"] = known["status"]
        else:
            new.pop("status", None)
        if new == known:
            return copied(known)
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            self.remove(kind, name, namespace)
            return new
        if new.get("spec") != known.get("spec"):
            new["metadata"].pop("generation", None)  # put counts it
        return self.put(kind, new)

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        await self._begin("delete", kind, name)
        known = self._known(kind, namespace, name)
        _meant(known, body.get("preconditions", {}))
        if known["metadata"].get("finalizers"):
            if not known["metadata"].get("deletionTimestamp"):
                going = {**known["metadata"], "deletionTimestamp": self._now()}
                return self.put(kind, {**known, "metadata": going})
            return copied(known)
        self.remove(kind, name, namespace)
        return {"kind": "Status", "status": "Success"}

    def _now(self) -> str:
        """Return the time of the event loop as API servers write it."""
        return datetime.fromtimestamp(asyncio.get_running_loop().time(), UTC).strftime(STAMP)

    def _known(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        known = self.objects.get((kind.plural, namespace, name))
        if known is None:
            raise Refused(404, "NotFound", f'{kind.plural} "{name}" not found')
        return known

    async def _begin(self, verb: str, kind: Kind, name: str) -> None:
        rights.check(verb, kind.plural)
        self.requests.append((verb, kind.plural, name))
        await asyncio.sleep(self.latency_s)
        error = self.fault(verb, kind.plural, name)
        if error is not None:
            raise error

    async def _events(
        self, kind: Kind, selected: Callable[[Json], bool], version: int, until: float
    ) -> AsyncIterator[Json]:
        cut = self._cut
        position = bisect_right(self.history, version, key=_at)  # in order: `restore` cuts it
        while True:
            changed = self._changed
            while position < len(self.history):
                at, plural, change, raw = self.history[position]
                position += 1
                if plural != kind.plural or at <= version or plural in self.deaf:
                    continue
                if selected(raw):
                    yield {"type": change, "object": copied(raw)}
            if cut != self._cut:
                raise Unavailable("the watch was cut")
            try:
                async with asyncio.timeout_at(until):
                    await changed.wait()
            except TimeoutError:
                return

    def _forget_page(self, token: str) -> None:
        del self._pages[token]
        self._gone.add(token)

    def _record(self, change: str, plural: str, raw: dict[str, Any]) -> None:
        self.history.append((self.version, plural, change, copied(raw)))
        self._stir()

    def _stir(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
