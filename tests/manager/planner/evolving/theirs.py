"""What users and the cluster's controllers do to Services and their EndpointSlices."""

from dataclasses import replace
from typing import Any

from manager.snapshot import EndpointSlice, Ingress, Service
from pointsman.model.names import OUR_ANNOTATIONS
from tests.manager.planner.evolving.life import Life, named, slices_of, with_slices


class Theirs(Life):
    """A life in which Services come, go, change their minds and are spoilt."""

    def _put(self, service: Service) -> None:
        self._become(services={**self.snapshot.services, service.key: service})

    def _service(self) -> None:
        made = self._make.service()
        self._put(made)
        for family in made.families:
            if self.rng.random() < 0.8:
                self._put_slice(self._make.slice_of(made.namespace, made.name, family))

    def _other_wishes(self) -> None:
        """A Service is edited: what we wrote on it stays."""
        key = self._key(self.snapshot.services)
        if key is None:
            return
        now, other = self.snapshot.services[key], self._make.service()
        ours = {name: text for name, text in now.annotations.items() if name in OUR_ANNOTATIONS}
        edits: dict[str, Any] = {
            "annotations": {**other.annotations, **ours},
            "policy": other.policy,
            "ports": other.ports,
            "families": other.families,
            "family_policy": other.family_policy,
            "labels": other.labels,
            "type": other.type,
            "load_balancer_class": other.load_balancer_class,
            "load_balancer_ip": other.load_balancer_ip,
            "selector": other.selector,
            "deleting": other.deleting,
        }
        names = self.rng.sample(sorted(edits), self.rng.choice([1, 2]))
        edited = {name: edits[name] for name in names}
        self._put(replace(now, resource_version=self._make.version(), **edited))

    def _no_service(self) -> None:
        key = self._key(self.snapshot.services)
        self._become(services={k: one for k, one in self.snapshot.services.items() if k != key})

    def _touched(self) -> None:
        """Somebody wrote what is none of our business: only versions differ."""
        key, name = self._key(self.snapshot.services), self._key(self.snapshot.eips)
        if key is not None:
            version = self._make.version()
            self._put(replace(self.snapshot.services[key], resource_version=version))
        if name is not None:
            eip = replace(self.snapshot.eips[name], resource_version=self._make.version())
            self._become(eips={**self.snapshot.eips, name: eip})

    def _status_edited(self) -> None:
        """Somebody wipes or overwrites what we wrote on a Service."""
        key = self._key(self.snapshot.services)
        if key is None:
            return
        now, foreign = self.snapshot.services[key], Ingress(self._make.address(), ip_mode="VIP")
        left = {name: text for name, text in now.annotations.items() if self.rng.random() < 0.5}
        edits: list[dict[str, Any]] = [
            {"ingress": ()},
            {"ingress": (foreign,)},
            {"ingress": (*now.ingress, foreign)},
            {"ingress": (Ingress(hostname="lb.example.com"),)},
            {"conditions": ()},
            {"ingress": (), "conditions": ()},
            {"annotations": left, "hints_are_ours": self.rng.choice([None, False])},
        ]
        self._put(replace(now, resource_version=self._make.version(), **self.rng.choice(edits)))

    def _slices(self) -> None:
        key = self._key(self.snapshot.services)
        namespace, _, name = (key or "a/s0").partition("/")
        if self.rng.random() < 0.1:
            name = "nobody"
        self._put_slice(self._make.slice_of(namespace, name))

    def _put_slice(self, put: EndpointSlice) -> None:
        others = [one for one in slices_of(self.snapshot) if named(one) != named(put)]
        self.snapshot = with_slices(self.snapshot, [*others, put])

    def _no_slices(self) -> None:
        found = slices_of(self.snapshot)
        if found:
            gone = self.rng.choice(found)
            left = [one for one in found if one is not gone]
            self.snapshot = with_slices(self.snapshot, left)
