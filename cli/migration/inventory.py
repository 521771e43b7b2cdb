"""A pile of raw objects, sorted: theirs by group and kind, Services, and what both may look at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from manager.inspect.cluster import flattened
from pointsman.model.names import LOAD_BALANCER
from pointsman.model.printable import clipped

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Object:
    """One object that has a name; everything else of it may be missing or nonsense."""

    raw: Json
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def subject(self) -> str:
        where = f"{clipped(self.namespace)}/" if self.namespace else ""
        return f"{clipped(self.kind)} {where}{clipped(self.name)}"

    @property
    def annotations(self) -> dict[str, str]:
        return self._texts("annotations")

    @property
    def labels(self) -> dict[str, str]:
        return self._texts("labels")

    @property
    def spec(self) -> Json:
        found = self.raw.get("spec")
        return found if isinstance(found, Mapping) else {}

    def _texts(self, name: str) -> dict[str, str]:
        meta = self.raw.get("metadata")
        found = meta.get(name) if isinstance(meta, Mapping) else None
        if not isinstance(found, Mapping):
            return {}
        return {str(k): v for k, v in found.items() if isinstance(v, str)}


@dataclass(slots=True)
class Inventory:
    """Every object once; of two with one name the later counts, as with `kubectl apply`."""

    objects: dict[tuple[str, str, str, str], Object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def of_group(self, group: str) -> Iterator[Object]:
        """Yield the objects of an API group, in order of kind and name."""
        for key in sorted(self.objects):
            if key[0] == group:
                yield self.objects[key]

    def of(self, group: str, kind: str) -> Iterator[Object]:
        return (one for one in self.of_group(group) if one.kind == kind)

    def services(self) -> Iterator[Object]:
        """Yield the Services of type LoadBalancer."""
        found = self.of("", "Service")
        return (one for one in found if one.spec.get("type") == LOAD_BALANCER)


def inventory(sources: Iterable[tuple[str, object]]) -> Inventory:
    """Return what *sources*, pairs of (file, document), hold."""
    found = Inventory()
    for where, document in sources:
        for raw in flattened(document):
            one = _object(raw)
            if one is None:
                found.problems.append(f"{where}: something in it is no object with kind and name.")
                continue
            group = one.version.rpartition("/")[0]
            found.objects[group, one.kind, one.namespace, one.name] = one
    return found


def _object(raw: object) -> Object | None:
    if not isinstance(raw, Mapping):
        return None
    meta, kind, version = raw.get("metadata"), raw.get("kind"), raw.get("apiVersion")
    name = meta.get("name") if isinstance(meta, Mapping) else None
    if not isinstance(kind, str) or not isinstance(version, str) or not isinstance(name, str):
        return None
    assert isinstance(meta, Mapping)
    namespace = meta.get("namespace")
    return Object(raw, version, kind, namespace if isinstance(namespace, str) else "", name)
