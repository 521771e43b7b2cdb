"""A cluster as raw objects, a speaker as a value, and the loop that settles them.

What the manager's shell does is done here in the fewest lines: read objects, plan, write
patches, tell the speaker, until nothing changes. Nothing else is remembered, so whatever
a story shows would also be shown by a manager that restarts all the time.
"""

import json
import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from manager.adapters.kubernetes.managed_fields import PATH, SUBRESOURCE
from manager.adapters.kubernetes.objects import snapshot_of
from manager.adapters.kubernetes.record_codec import (
    finalizers,
    service_patch,
    service_release,
    status_patch,
)
from manager.planner.desired import Plan
from manager.planner.whatif import applied
from manager.snapshot import EipName, NodeName, Observed, ServiceKey, Settings, Snapshot
from manager.work import cluster_work
from pointsman.model.delta import Delta
from pointsman.model.liveness import Liveness
from pointsman.model.names import ALLOCATED_FROM, FIELD_MANAGER, OUR_ANNOTATIONS
from pointsman.model.record import AnnouncerRecord, ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.route import PeerName, RouteKey, SessionReport
from tests.manager.planner.evolving.warm import WarmPlanner
from tests.merging import merged
from tests.scripts.ipams import Ipam
from tests.scripts.readings import Assigned, assigned, emitted, event_line, written

Json = dict[str, Any]
Paths = frozenset[RouteKey]
NO: frozenset[str] = frozenset()
Order = Callable[[list[Json]], list[Json]]
USER: Json = {"manager": "kubectl"}
MANAGER: Json = {"manager": FIELD_MANAGER, "subresource": SUBRESOURCE}
START = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 10
OUR_STATUS = ("Service", "Eip", "BgpConf", "BgpPeer")  # their status is written by us


def as_listed(docs: list[Json]) -> list[Json]:
    return docs


def shuffler(seed: int) -> Order:
    """An order of delivery that changes at every look, and repeats for a seed."""
    chance = random.Random(seed)
    return lambda docs: chance.sample(docs, len(docs))


@dataclass(slots=True)
class World:
    """The API's objects by name ("Service default/web"), and what the speaker holds."""

    docs: dict[str, Json] = field(default_factory=dict)
    speakers: tuple[Observed, ...] = ()  # what each holds; none: nobody has told them anything
    now: datetime = START
    down: dict[str, str] = field(default_factory=dict)  # peer -> state of its session
    down_since: dict[str, datetime] = field(default_factory=dict)  # as the manager saw it
    single: set[str] = field(default_factory=set)  # peers that did not negotiate ADD-PATH
    liveness: dict[NodeName, Liveness] = field(default_factory=dict)  # as heartbeats have it
    ipams: dict[EipName, Ipam] = field(default_factory=dict)  # of the Eips that have one
    frozen: tuple[str, ...] = ()  # failure domains whose agents fell silent together
    settings: Settings = field(default_factory=Settings)
    order: Order = as_listed
    writes: list[str] = field(default_factory=list)  # of the last settling, Services only
    events: list[str] = field(default_factory=list)  # of the last settling
    # Of the last settling: at which nodes each address stood, round by round.
    assigned: list[Assigned] = field(default_factory=list)
    holders: dict[str, frozenset[str]] = field(default_factory=dict)  # when it last settled
    planner: WarmPlanner = field(default_factory=WarmPlanner)  # through restarts, too

    # --- what users do ---

    def put(self, doc: Json) -> None:
        """Create, or apply: spec and metadata are the user's, a status of ours stays."""
        doc, name = deepcopy(doc), ident(doc)
        meta = doc.setdefault("metadata", {})
        before = self.docs.get(name)
        if before is None:
            age = timedelta(seconds=len(self.docs))
            meta.setdefault("creationTimestamp", stamp(self.now + age))
            meta.setdefault("uid", f"{name} {stamp(self.now)}")
        else:
            old = before["metadata"]
            notes = old.get("annotations", {}).items()
            ours = {key: text for key, text in notes if key in OUR_ANNOTATIONS}
            meta["annotations"] = meta.get("annotations", {}) | ours
            stable = (
                "creationTimestamp", "uid", "finalizers", "deletionTimestamp", "managedFields"
            )  # fmt: skip
            meta |= {key: old[key] for key in stable if key in old}
            if doc["kind"] in OUR_STATUS:
                doc["status"] = before.get("status", {})
            if doc["kind"] == "Announcer":  # its spec is ours, its status the agent's
                doc["spec"] = before.get("spec", {})
        self.docs[name] = doc

    def merge(self, name: str, patch: Json, *, by: Json = USER) -> None:
        """Merge *patch* in; the API server notes who wrote `allocated-from`."""
        self.docs[name] = merged(self.docs[name], patch)
        if ALLOCATED_FROM in (patch.get("metadata", {}).get("annotations") or {}):
            field: Json = {}
            for key in reversed(PATH):
                field = {key: field}
            meta = self.docs[name]["metadata"]
            when = max(stamp(self.now), meta["creationTimestamp"])
            entry = {**by, "operation": "Update", "time": when, **field}
            left = ALLOCATED_FROM in meta.get("annotations", {})
            meta["managedFields"] = [entry] if left else []

    def delete(self, name: str) -> None:
        if name in self.docs:
            self.docs[name]["metadata"]["deletionTimestamp"] = stamp(self.now)
            self._collect()

    # --- what the manager sees and does ---

    def snapshot(self) -> Snapshot:
        found = _read(json.dumps(self.order(list(self.docs.values()))), self.settings)
        speakers = tuple(map(self._aged, self.speakers or found.speakers))
        return replace(
            found,
            speakers=speakers,
            liveness=dict(self.liveness),
            frozen=self.frozen,
            sources={name: one.reading() for name, one in self.ipams.items()},
            taken_at=self.now,
        )

    def settle(self) -> tuple[Plan, list[Paths]]:
        """Plan and act until nothing changes; return the last plan and every table of paths.

        The tables hold only paths of addresses that stayed with a Service: an address that
        is handed on must be gone in between.
        """
        self.writes.clear()
        self.events.clear()
        held_before = self.holders
        seen, before = self.snapshot(), self._state()
        tables = [frozenset(seen.routes)]
        self.assigned = [assigned(seen)]
        for _ in range(ROUNDS):
            decided = self._stepped(seen)
            seen, old, before = self.snapshot(), before, self._state()
            tables.append(frozenset(seen.routes))
            self.assigned.append(assigned(seen))
            if before == old:
                self.holders = _holders(seen)
                stayed = {ip for ip, keys in self.holders.items() if keys & held_before.get(ip, NO)}
                return decided, [_of(table, stayed) for table in tables]
        raise AssertionError(f"not settled after {ROUNDS} rounds")

    def step(self) -> Plan:
        """One pass: plan, write what differs, tell the speaker."""
        return self._stepped(self.snapshot())

    def _stepped(self, snapshot: Snapshot) -> Plan:
        """The same, of *snapshot*, which is how the world is now: reading it takes longest."""
        decided = self.planner(snapshot)
        for error in decided.failures:
            raise error[1]
        before = written(snapshot)
        work = cluster_work(decided, before)
        self._write_services(snapshot, work.services)
        self._write_statuses(snapshot, work.statuses.put)
        self._write_announcers(work.announcers)
        for name, source in decided.sources.items():
            if name in self.ipams:
                self.ipams[name].converge(source)
        self.events += map(event_line, emitted(snapshot, before, written(self.snapshot()), work))
        self._collect()
        self.speakers = tuple(
            replace(
                one, sessions={n: self._session(n, report) for n, report in one.sessions.items()}
            )
            for one in applied(snapshot, decided).speakers
        )
        return decided

    def restarted(self) -> "World":
        """The world after a crash of the manager: objects as text, the speaker as it was."""
        docs = json.loads(json.dumps(self.docs))
        return replace(
            self,
            docs=docs,
            down=dict(self.down),
            down_since=dict(self.down_since),
            single=set(self.single),
            liveness=dict(self.liveness),
            ipams={name: one.copy() for name, one in self.ipams.items()},
            writes=[],
            events=[],
        )

    def _state(self) -> tuple[object, ...]:
        ipams = {name: one.reading() for name, one in self.ipams.items()}
        return json.dumps(self.docs, sort_keys=True), self.speakers, ipams

    def _aged(self, seen: Observed) -> Observed:
        ages = {name: (self.now - since).total_seconds() for name, since in self.down_since.items()}
        return replace(
            seen, sessions={n: replace(s, down_s=ages.get(n)) for n, s in seen.sessions.items()}
        )

    def _session(self, name: PeerName, report: SessionReport) -> SessionReport:
        if name in self.down:
            self.down_since.setdefault(name, self.now)
            return SessionReport(self.down[name])
        self.down_since.pop(name, None)
        return replace(
            report,
            add_path_negotiated=name not in self.single,
            families=("ipv4-unicast", "ipv6-unicast"),
        )

    def _write_services(self, snapshot: Snapshot, work: Delta[ServiceKey, ServiceRecord]) -> None:
        for key in (*work.put, *work.drop):
            service = snapshot.services[key]
            if key in work.put:
                patch = service_patch(service, work.put[key], now=stamp(self.now))
            else:
                patch = service_release(service)
            patch["metadata"].pop("resourceVersion")
            self.merge(f"Service {key}", patch, by=MANAGER)
            self.writes.append(str(key))

    def _write_announcers(self, work: Delta[NodeName, AnnouncerRecord]) -> None:
        """Write the specs of those that there are; stories say which, and whose agents report."""
        for name, record in work.put.items():
            if (doc := self.docs.get(f"Announcer {name}")) is not None:
                doc["spec"] = json.loads(json.dumps(record.spec))
        for name in work.drop:
            self.delete(f"Announcer {name}")

    def _write_statuses(
        self, snapshot: Snapshot, records: Mapping[ResourceKey, StatusRecord]
    ) -> None:
        for key, record in records.items():
            found: Any = {
                "Eip": snapshot.eips,
                "BgpConf": snapshot.bgp_confs,
                "BgpPeer": snapshot.bgp_peers,
            }[key.kind]
            resource, name = found[key.name], f"{key.kind} {key.name}"
            if patch := status_patch(resource, record, now=stamp(self.now)):
                self.merge(name, {"status": patch})
            left = finalizers(resource, has_finalizer=record.has_finalizer)
            if left is not None:
                self.merge(name, {"metadata": {"finalizers": left or None}})

    def _collect(self) -> None:
        """Forget what is deleted and held by no finalizer, as the API server does."""
        for name, doc in list(self.docs.items()):
            meta = doc["metadata"]
            if "deletionTimestamp" in meta and not meta.get("finalizers"):
                del self.docs[name]


@lru_cache(maxsize=64)  # a settling ends with several looks at the same objects
def _read(docs: str, settings: Settings) -> Snapshot:
    """Return what *docs* make: of the same text and order it is the same, so it is read once."""
    found, problems = snapshot_of(json.loads(docs), settings=settings)
    assert not problems, problems
    return found


def _holders(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for key, service in snapshot.services.items():
        for entry in service.ingress:
            found[entry.ip] = found.get(entry.ip, NO) | {str(key)}
    return found


def _of(table: Paths, addresses: set[str]) -> Paths:
    return frozenset(key for key in table if str(key.prefix.network_address) in addresses)


def ident(doc: Json) -> str:
    meta = doc["metadata"]
    return f"{doc['kind']} " + "/".join(filter(None, (meta.get("namespace"), meta["name"])))


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
