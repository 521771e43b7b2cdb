"""Which kinds are served, what a path means, and what the API says about itself."""

from collections.abc import Callable
from dataclasses import dataclass

from standin.crds.crd import GROUP, PLURAL, declared
from standin.grammar.errors import no_such_path
from standin.kinds.kind import Kind, Object
from standin.kubectl import discovery, openapi
from standin.store import Key, Record, Store


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names."""

    kind: Kind
    namespace: str
    name: str
    subresource: str

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


class Registry:
    """The built-in kinds, and those of the CRDs that exist."""

    def __init__(self, fixed: list[Kind], store: Store) -> None:
        self.store = store
        self._kinds = {(k.group, k.version, k.plural): k for k in fixed}
        self._fixed = dict(self._kinds)
        for kind in fixed:
            store.table((kind.group, kind.plural)).floor = 0

    def kinds(self) -> list[Kind]:
        return list(self._kinds.values())

    def serve_crd(self, crd: Object) -> None:
        """Make what *crd* declares known; called after each write of it."""
        spec = crd["spec"]
        group, plural = spec["group"], spec["names"]["plural"]
        for key in [k for k in self._kinds if (k[0], k[2]) == (group, plural)]:
            del self._kinds[key]
        for kind in declared(crd):
            self._kinds[kind.group, kind.version, kind.plural] = kind
        self.store.table((group, plural))

    def redeclare(self) -> None:
        """Serve what the stored CRDs declare, and nothing else: they were all replaced."""
        self._kinds = dict(self._fixed)
        for record in self.store.table((GROUP, PLURAL)).items(""):
            self.serve_crd(record.obj)

    def forget_crd(self, crd: Object, remove: Callable[[Kind, Key], Record]) -> None:
        """Remove a CRD's objects, then the kind: what deleting a CRD does."""
        spec = crd["spec"]
        group, plural = spec["group"], spec["names"]["plural"]
        kinds = [k for k in self._kinds.values() if (k.group, k.plural) == (group, plural)]
        for key in list(self.store.table((group, plural)).records) if kinds else []:
            remove(kinds[0], key)
        for kind in kinds:
            del self._kinds[kind.group, kind.version, kind.plural]
        self.store.drop((group, plural))

    def target(self, path: str) -> Target:
        """Raises:
        ApiError: 404, nothing has this path.
        """
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            raise no_such_path()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and (group, version, rest[2]) in self._kinds:
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.get((group, version, rest[0]))
        if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
            raise no_such_path()
        name, sub = [*rest, "", ""][1:3]
        if sub and (sub != "status" or not kind.has_status):
            raise no_such_path()
        if name and kind.namespaced and not namespace:
            raise no_such_path()
        return Target(kind, namespace, name, sub)

    def document(self, path: str) -> Object | None:
        """Return what a path says about the API itself; None when it names something else."""
        parts = path.strip("/").split("/")
        kinds = self.kinds()
        if path == "/version":
            return dict(discovery.VERSION)
        if parts == ["api"]:
            return discovery.core_versions()
        if parts == ["apis"]:
            return discovery.groups(kinds)
        if parts == ["openapi", "v3"]:
            return openapi.index(kinds)
        if parts[:2] == ["openapi", "v3"]:
            parts = parts[2:]
            gv = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[-1])
            return openapi.document(*gv, kinds) if self._serves(*gv) else None
        if parts[0] == "api" and len(parts) == 2 and self._serves("", parts[1]):
            return discovery.resources("", parts[1], kinds)
        if parts[0] == "apis" and len(parts) == 2 and any(k.group == parts[1] for k in kinds):
            return {"kind": "APIGroup", "apiVersion": "v1"} | discovery.group(parts[1], kinds)
        if parts[0] == "apis" and len(parts) == 3 and self._serves(parts[1], parts[2]):
            return discovery.resources(parts[1], parts[2], kinds)
        return None

    def _serves(self, group: str, version: str) -> bool:
        return any((k.group, k.version) == (group, version) for k in self._kinds.values())
