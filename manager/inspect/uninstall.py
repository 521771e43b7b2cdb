"""Taking our part off a cluster's objects, when no manager is left to do so.

It writes what a manager would write to a Service that stops being ours, and takes our finalizer
off Eips. Each object is written by itself: one that may not be written stops no other. Nothing
is deleted. Refuses to judge whether a Service should stay: everything goes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.client import EIPS, LEASES, SERVICES, Kind, KubeApi, Refused
from manager.adapters.kubernetes.codec import service
from manager.adapters.kubernetes.fields import Malformed
from manager.adapters.kubernetes.pages import whole_list
from manager.adapters.kubernetes.record_codec import service_release
from manager.inspect.reach import WRITER
from manager.inspect.refusals import refusal
from manager.planner.addresses.own_record import bears_mark
from pointsman.model.names import FINALIZER, LEASE
from pointsman.model.printable import clipped
from pointsman.runtime.target import Unavailable

Json = Mapping[str, Any]
AT_ONCE: Final = 16  # writes under way
TRIES: Final = 4  # of one object, when somebody else writes it meanwhile
UNREACHABLE: Final = 3  # writes in a row without an answer: the server is away
LOOK_S: Final = 0.5
BEYOND_S: Final = 3.0  # a replica takes over within a third of a Lease's duration
OUR_KINDS: Final = (EIPS, client.BGP_CONFS, client.BGP_PEERS, client.ANNOUNCERS)


@dataclass(frozen=True, slots=True)
class Marked:
    """What bears something of ours, as it was listed."""

    services: tuple[Json, ...] = ()
    eips: tuple[Json, ...] = ()
    kinds: tuple[Kind, ...] = ()  # of ours that the cluster has
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of every object; a sentence for each that could not be written."""

    services: list[str] = field(default_factory=list)
    eips: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def marked(api: KubeApi) -> Marked:
    """Return the Services that bear our mark and the Eips that bear our finalizer.

    A kind that is gone has none. What cannot be listed or read is said.

    Raises:
        Unavailable: the API server does not answer.
    """
    problems: list[str] = []
    services = []
    for raw in await _listed(api, SERVICES, problems) or ():
        try:
            if bears_mark(service(raw)):
                services.append(raw)
        except Malformed as error:
            problems.append(f"{error} It is left as it is.")
    kinds = {kind: await _listed(api, kind, problems) for kind in OUR_KINDS}
    return Marked(
        tuple(services),
        tuple(one for one in kinds[EIPS] or () if FINALIZER in _finalizers(one)),
        tuple(kind for kind, found in kinds.items() if found is not None),
        tuple(problems),
    )


async def _listed(api: KubeApi, kind: Kind, problems: list[str]) -> list[Json] | None:
    """Return the objects of *kind*; None: there is no such kind, or it can't be listed."""
    try:
        pages = await whole_list(api, kind)
    except Refused as error:
        if error.code != 404:
            problems.append(refusal(error, "list", kind))
        return None
    own = {"apiVersion": kind.root.removeprefix("/api/").removeprefix("/apis/"), "kind": kind.name}
    items = (item for page in pages for item in page.get("items") or ())
    return [{**own, **item} for item in items if isinstance(item, Mapping)]


async def cleaned(api: KubeApi, found: Marked, *, addresses: str) -> Outcome:
    """Take our part off what was *found*; *addresses*: "leave" or "release" them.

    Services first: an Eip's finalizer says that some of them may still have its addresses.
    """
    outcome, work = Outcome(problems=list(found.problems)), _Writes(api)
    release = _release if addresses == "release" else _leave
    await work.all(SERVICES, found.services, release, outcome.services, outcome.problems)
    await work.all(EIPS, found.eips, _without_finalizer, outcome.eips, outcome.problems)
    return outcome


def _release(raw: Json) -> tuple[dict[str, Any], str] | None:
    """Return the patch that takes our part off a Service, and of what; None: there is none."""
    one = service(raw)
    return (service_release(one), "status") if bears_mark(one) else None


def _leave(raw: Json) -> tuple[Json, str] | None:
    """Return the same, but with the addresses left in the status."""
    if (found := _release(raw)) is None:
        return None
    body, sub = found
    body.get("status", {}).pop("loadBalancer", None)
    return body, sub


def _without_finalizer(raw: Json) -> tuple[Json, str] | None:
    names = _finalizers(raw)
    if FINALIZER not in names:
        return None
    version = raw["metadata"].get("resourceVersion")
    others = [name for name in names if name != FINALIZER]
    return {"metadata": {"resourceVersion": version, "finalizers": others or None}}, ""


def _finalizers(raw: Json) -> list[str]:
    names = (raw.get("metadata") or {}).get("finalizers")
    return [str(name) for name in names] if isinstance(names, list) else []


Change = Callable[[Json], tuple[Json, str] | None]


class _Writes:
    """Writes of many objects, a few at a time, until the server is seen to be away."""

    def __init__(self, api: KubeApi) -> None:
        self._api, self._silent = api, 0
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def all(
        self, kind: Kind, objects: tuple[Json, ...], change: Change, done: list[str],
        problems: list[str],
    ) -> None:  # fmt: skip
        """Write each of *objects*; names go to *done*, sentences to *problems*, both in order."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._in_turn(kind, raw, change)) for raw in objects]
        for raw, task in zip(objects, tasks, strict=True):
            problem = task.result()
            if problem is None:
                done.append(_name(raw))
            else:
                problems.append(f"{kind.name} {_name(raw)} is not written: {problem}")

    async def _in_turn(self, kind: Kind, raw: Json, change: Change) -> str | None:
        async with self._slots:
            if self._silent >= UNREACHABLE:
                return "the API server no longer answers; run this again."
            try:
                problem = await self._write(kind, raw, change)
            except Unavailable as error:
                self._silent += 1
                return f"{error}; run this again."
            self._silent = 0
            return problem

    async def _write(self, kind: Kind, raw: Json, change: Change) -> str | None:
        """Write one object; return why not, or None: it is done, or gone."""
        meta = raw["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        for _ in range(TRIES):
            wanted = change(raw)
            if wanted is None:
                return None
            body, sub = wanted
            try:
                await self._api.patch(kind, namespace, name, body=body, sub=sub, manager=WRITER)
                return None
            except Refused as error:
                if error.code == 404:
                    return None
                if error.code != 409:
                    return refusal(error, "patch", kind, sub)
            try:
                raw = await self._api.get(kind, namespace, name)
            except Refused as error:
                return None if error.code == 404 else refusal(error, "get", kind)
        return "somebody else writes it all the time: does a manager run? Run this again."


def _name(raw: Json) -> str:
    meta = raw["metadata"]
    return clipped("/".join(filter(None, (meta.get("namespace"), meta.get("name")))), 320)


async def leader(
    api: KubeApi, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> str | None:
    """Return the sentence on a manager that leads, or may lead; None: none does.

    A Lease counts by having changed between two looks, so clocks need not agree; one that is
    as it was for its whole duration and a replica's pause is nobody's.

    Raises:
        Unavailable: the API server does not answer.
    """
    try:
        before = await _leases(api)
        # A renewal is waited for no longer than the Lease lasts, and some seconds more.
        patience_s = max([_duration_s(one) for one in before.values()], default=-BEYOND_S)
        waited_s = 0.0
        while waited_s < patience_s + BEYOND_S:
            await sleep(LOOK_S)
            waited_s += LOOK_S
            for name, lease in (await _leases(api)).items():
                if _stamp(lease) != _stamp(before.get(name, {})) and (who := _holder(lease)):
                    return (
                        f"The manager {who} leads (Lease {name}) and would write everything back: "
                        "delete its Deployment first, or scale it to 0."
                    )
    except Refused as error:
        return f"Whether a manager leads can't be known: {refusal(error, 'list', LEASES)}"
    return None


async def _leases(api: KubeApi) -> dict[str, Json]:
    """Return every Lease that managers compete for, in whatever namespace they run."""
    found = await api.list_page(LEASES, {"fieldSelector": f"metadata.name={LEASE}"})
    return {_name(one): one for one in _items(found)}


def _items(page: Json) -> Iterator[Json]:
    for one in page.get("items") or ():
        if isinstance(one, Mapping) and (one.get("metadata") or {}).get("name") == LEASE:
            yield one


def _spec(lease: Json) -> Json:
    spec = lease.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _stamp(lease: Json) -> tuple[object, ...]:
    return tuple(_spec(lease).get(key) for key in ("holderIdentity", "renewTime"))


def _holder(lease: Json) -> str:
    return clipped(str(_spec(lease).get("holderIdentity") or ""))


def _duration_s(lease: Json) -> float:
    value = _spec(lease).get("leaseDurationSeconds")
    return float(min(value, 60)) if isinstance(value, int) else 15.0
