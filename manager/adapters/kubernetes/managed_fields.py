"""Who wrote `allocated-from` last: what an API server remembers of it in managedFields.

Annotations are anybody's to edit, so what ours says is evidence only while the field is
ours. Refuses to trust a record older than its object (a backup may carry one along), and to
fail over one that it cannot read. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pointsman.model.names import ALLOCATED_FROM, FIELD_MANAGER

SUBRESOURCE: Final = "status"  # through which addresses are written
# What a server calls those it no longer tells apart: it remembers ten that updated an object.
FORGOTTEN: Final = "ancient-changes"
PATH: Final = ("f:metadata", "f:annotations", f"f:{ALLOCATED_FROM}")


def hints_are_ours(metadata: object) -> bool | None:
    """Return whether the annotation is as we wrote it; None: there is no telling.

    Where an object has had many writers the oldest are merged, and we may be among them.
    """
    if not isinstance(metadata, Mapping):
        return None
    created = str(metadata.get("creationTimestamp") or "")
    owners = list(_owners(metadata.get("managedFields")))
    if not owners:
        return None
    if any(
        one.get("manager") == FIELD_MANAGER
        and one.get("subresource") == SUBRESOURCE
        and str(one.get("time") or "") >= created
        for one in owners
    ):
        return True
    return None if any(one.get("manager") == FORGOTTEN for one in owners) else False


def trim(metadata: object) -> None:
    """Take out of *metadata* what nobody reads of its managedFields, which are bulky."""
    if not isinstance(metadata, dict):
        return
    owners = list(_owners(metadata.pop("managedFields", None)))
    if owners:
        field: object = {}
        for key in reversed(PATH):
            field = {key: field}
        metadata["managedFields"] = [{**one, "fieldsV1": field} for one in owners]


def _owners(entries: object) -> Iterator[Mapping[str, object]]:
    """Yield the entries that own the annotation."""
    for entry in entries if isinstance(entries, list) else ():
        field = entry.get("fieldsV1") if isinstance(entry, Mapping) else None
        for key in PATH:
            field = field.get(key) if isinstance(field, Mapping) else None
        if isinstance(field, Mapping):
            yield entry
