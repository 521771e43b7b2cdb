"""What we write takes effect: all of a plan, some Services of it, one speaker, the statuses."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from manager.planner.desired import Plan
from manager.planner.whatif import applied, assigned
from manager.snapshot import Condition, NodeName, Resource, Service, ServiceKey
from pointsman.model.names import FINALIZER
from pointsman.model.record import StatusRecord
from tests.manager.planner.evolving.life import Life

K = TypeVar("K")


class Ours(Life):
    """A life in which plans are carried out, whole and by halves."""

    def _all_applied(self, decided: Plan) -> None:
        self._take(decided, self.snapshot.services, range(len(self.snapshot.speakers)))
        self._statuses_applied(decided)
        self._announcers_written(decided, self.snapshot.announcers)

    def _announcers_applied(self, decided: Plan) -> None:
        names = [name for name in sorted(self.snapshot.announcers) if self.rng.random() < 0.5]
        self._announcers_written(decided, names)

    def _announcers_written(self, decided: Plan, names: Iterable[NodeName]) -> None:
        """Let the specs of these Announcers be what the plan says."""
        found = dict(self.snapshot.announcers)
        for name in names:
            if (one := found.get(name)) is not None:
                found[name] = assigned(one, decided.announcers.get(name))
        self._become(announcers=found)

    def _some_applied(self, decided: Plan) -> None:
        keys = [key for key in sorted(self.snapshot.services) if self.rng.random() < 0.5]
        self._take(decided, keys, ())

    def _speaker_applied(self, decided: Plan) -> None:
        self._take(decided, (), [self.rng.randrange(len(self.snapshot.speakers))])

    def _take(self, decided: Plan, keys: Iterable[ServiceKey], indices: Iterable[int]) -> None:
        """Let *decided* take effect at these Services and speakers; others keep what they have."""
        now = self.snapshot
        # Services that came since are not in the plan, and a speaker may hold more by now.
        known = {key: one for key, one in now.services.items() if key in decided.services}
        after = applied(replace(now, services=known), decided)
        services = dict(now.services)
        for key in keys:
            if key in after.services and after.services[key] is not services[key]:
                services[key] = self._stamped(services[key], after.services[key])
        speakers = list(now.speakers)
        for index in indices:
            speakers[index] = after.speakers[index]
        self._become(services=services, speakers=tuple(speakers))

    def _stamped(self, before: Service, after: Service) -> Service:
        """Return *after* with the times of its conditions, and a version of its own."""
        since = {(one.type, one.status): one.last_transition_time for one in before.conditions}
        now = self._make.stamp()
        conditions = tuple(
            replace(one, last_transition_time=since.get((one.type, one.status)) or now)
            for one in after.conditions
        )
        ours = self.rng.choice([None, True, True])
        return replace(
            after,
            conditions=conditions,
            hints_are_ours=ours,
            resource_version=self._make.version(),
        )

    def _statuses_applied(self, decided: Plan) -> None:
        now, records = self.snapshot, decided.statuses

        def stated(kind: str, found: Mapping[K, Resource[Any]]) -> dict[K, Resource[Any]]:
            by_name = {key.name: record for key, record in records.items() if key.kind == kind}
            return {
                name: self._stated(one, by_name[one.name]) if one.name in by_name else one
                for name, one in found.items()
            }

        eips = stated("Eip", now.eips)
        self._become(
            eips={n: one for n, one in eips.items() if not one.deleting or one.finalizers},
            bgp_confs=stated("BgpConf", now.bgp_confs),
            bgp_peers=stated("BgpPeer", now.bgp_peers),
        )

    def _stated(self, before: Resource[Any], record: StatusRecord) -> Resource[Any]:
        since = {(one.type, one.status): one.last_transition_time for one in before.conditions}
        conditions = tuple(
            Condition(
                name,
                one.status,
                one.reason,
                one.message,
                since.get((name, one.status)) or self._make.stamp(),
            )
            for name, one in sorted(record.conditions.items())
        )
        after = replace(
            before,
            conditions=conditions,
            status={**before.status, **record.fields},
            finalizers=(FINALIZER,) if record.has_finalizer else (),
        )
        return before if after == before else replace(after, resource_version=self._make.version())
