"""What the server must know of a kind, and the rules every kind starts from."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from standin.grammar.errors import FieldError
from standin.grammar.gotypes import Decoder

Object = dict[str, Any]
META_FIELDS: Final = {"metadata.name": "metadata.name", "metadata.namespace": "metadata.namespace"}


class Rules:
    """Decoding, preparing, checking and allocating for one kind; a kind overrides what differs.

    The order is the real server's: decode, prepare, validate, allocate, commit. Only
    `committed` may remember anything, so that a refused or dry-run write leaves no trace.
    """

    name_rule = "subdomain"
    generation = False  # does the kind count changes of its spec?

    def __init__(self, kind: str, version: str) -> None:
        self._kind, self._version = kind, version

    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        """Return *obj* in the server's form, and the paths of fields it doesn't know."""
        decoder = Decoder(self._kind, self._version)
        return decoder.top(obj), decoder.unknown

    def create(self, new: Object) -> None:
        """Clear and default what the caller may not choose."""
        if self.generation:
            new["metadata"]["generation"] = 1

    def update(self, new: Object, old: Object) -> None:
        """Undo what a write to the main resource may not change."""
        if "status" in old:
            new["status"] = copy.deepcopy(old["status"])
        else:
            new.pop("status", None)
        self.bump(new, old)

    def bump(self, new: Object, old: Object) -> None:
        if not self.generation:
            return
        ignored = ("metadata", "status")
        before = {k: v for k, v in old.items() if k not in ignored}
        changed = before != {k: v for k, v in new.items() if k not in ignored}
        new["metadata"]["generation"] = old["metadata"].get("generation", 1) + changed

    def update_status(self, new: Object, old: Object) -> None:
        """Undo what a write to /status may not change; built-ins take metadata there too."""
        if "spec" in old:
            new["spec"] = copy.deepcopy(old["spec"])

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        return []

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return []

    def allocate(self, new: Object, old: Object | None) -> None:
        """Fill in what is handed out of a shared stock (addresses, ports).

        Raises:
            ApiError: the stock is empty, or what was asked for is taken.
        """

    def committed(self, new: Object | None, old: Object | None) -> None:
        """The write happened; None stands for absent."""

    def bookmark(self) -> Object:
        """Return what a bookmark carries besides kind and metadata: Go's zero value."""
        obj, _ = self.decode({"metadata": {}})
        return {k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")}


@dataclass(frozen=True, slots=True)
class Kind:
    group: str
    version: str
    plural: str
    kind: str
    rules: Rules
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False
    selectable: Mapping[str, str] = field(default_factory=lambda: META_FIELDS)
    columns: tuple[Mapping[str, Any], ...] = ()  # a CRD's additionalPrinterColumns
    schema: Mapping[str, Any] | None = None  # a CRD's; None = a built-in
    create_on_update: bool = False
    unconditional_update: bool = True
    returns_deleted: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def builtin(self) -> bool:
        return self.schema is None
