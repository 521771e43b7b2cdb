"""What every Kubernetes object has: a name, metadata, perhaps conditions. Pure."""

import re
from typing import Final

from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.snapshot import Condition
from pointsman.model.printable import clipped

# RFC 1123 section 2.1, as Kubernetes takes it for names: labels with dots in between.
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAME_MAX: Final = 253


def name_of(raw: object) -> str:
    """Return how people call an object: `Service default/web`, `Node node1`."""
    if not isinstance(raw, dict):
        return "object"
    meta = raw.get("metadata")
    if not isinstance(meta, dict):
        meta = {}
    names = [clipped(str(meta[key])) for key in ("namespace", "name") if _is_name(meta.get(key))]
    kind = raw.get("kind")
    called = clipped(kind) if isinstance(kind, str) and kind else "object"
    return f"{called} {'/'.join(names) or '(without a name)'}"


def _is_name(value: object) -> bool:
    # In a file a name may be a number by mistake; what is no scalar names nothing.
    return isinstance(value, (str, int, float)) and bool(value)


def opened(raw: Json, *, namespaced: bool = False) -> tuple[Fields, Fields]:
    """Return an object and its metadata; every object has a name."""
    doc = Fields(name_of(raw), raw)
    meta = doc.at("metadata")
    if not meta.text("name"):
        kind = doc.text("kind", "object")
        where = f" in namespace {clipped(meta.text('namespace', 'default'))}" if namespaced else ""
        raise Malformed(f"A {clipped(kind)}{where} has no metadata.name; give it one.")
    for part in ("name", "namespace"):  # of an API server always so; a file may hold anything
        value = meta.text(part)
        if value and (len(value) > NAME_MAX or not NAME.fullmatch(value)):
            raise Malformed(
                f'{doc.what}: metadata.{part}: Invalid value: "{clipped(value)}": a lowercase '
                "RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                "'.', and must start and end with an alphanumeric character."
            )
    return doc, meta


def conditions(status: Fields) -> tuple[Condition, ...]:
    """Return `status.conditions`, in their order."""
    return tuple(
        Condition(
            type=entry.text("type"),
            status=entry.text("status"),
            reason=entry.text("reason"),
            message=entry.text("message"),
            last_transition_time=entry.text("lastTransitionTime"),
            observed_generation=entry.integer("observedGeneration")
            if entry.has("observedGeneration")
            else None,
        )
        for entry in status.each("conditions")
    )
