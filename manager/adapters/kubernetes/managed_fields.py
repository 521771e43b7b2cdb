"""Who wrote `allocated-from` last: what an API server remembers of it in managedFields.

Annotations are anybody's to edit, so what ours says is evidence only while the field is
ours. Refuses to trust a record older than its object (a backup may carry one along), and to
fail over one that it cannot read. Pure.
"""

from typing import Any, Final

from pointsman.model.names import ALLOCATED_FROM, FIELD_MANAGER

SUBRESOURCE: Final = "status"  # through which addresses are written
# What a server calls those it no longer tells apart: it remembers ten that updated an object.
FORGOTTEN: Final = "ancient-changes"
PATH: Final = ("fieldsV1", "f:metadata", "f:annotations", f"f:{ALLOCATED_FROM}")


def hints_are_ours(metadata: Any) -> bool | None:
    """Return whether the annotation is as we wrote it; None: there is no telling.

    Where an object has had many writers the oldest are merged, and we may be among them.
    """
    entries = metadata.get("managedFields") if isinstance(metadata, dict) else None
    owners = list(filter(_owns, entries)) if isinstance(entries, list) else None
    if not owners:
        return None
    created = str(metadata.get("creationTimestamp") or "")
    if any(
        one.get("manager") == FIELD_MANAGER
        and one.get("subresource") == SUBRESOURCE
        and str(one.get("time") or "") >= created
        for one in owners
    ):
        return True
    return None if any(one.get("manager") == FORGOTTEN for one in owners) else False


def _owns(entry: object) -> bool:
    """Whether an entry owns the annotation."""
    for key in PATH:
        if not isinstance(entry, dict):
            return False
        entry = entry.get(key)
    return isinstance(entry, dict)
