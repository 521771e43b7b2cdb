"""What a write brings: who writes and how carefully, a body to decode, a patch to apply.

Refuses to store anything, and to know the order of checks: that is `standin.writes`'.
"""

from dataclasses import dataclass
from typing import Any

from standin.grammar import patch
from standin.grammar.errors import (
    bad_request,
    dumps,
    invalid,
    invalid_object,
    unsupported_media,
)
from standin.grammar.gotypes import STRUCTS, TOP
from standin.kinds.kind import Kind, Object


@dataclass(slots=True)
class Caller:
    """Who writes, and how carefully; *warnings* are sent back as headers."""

    manager: str
    dry_run: bool = False
    field_validation: str = "Warn"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Patch:
    media_type: str
    body: Any


def decode(kind: Kind, body: Object, caller: Caller, *, patched: bool = False) -> Object:
    """Return *body* as its kind reads it; *patched* words a refusal.

    Raises:
        ApiError: 400 or 422; unknown fields else are among *caller*'s warnings.
    """
    if not isinstance(body, dict):
        raise bad_request("the body of the request is not an object")
    for name, expected in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        given = body.get(name)
        if not given and kind.builtin:
            body = body | {name: expected}
        elif not given:
            raise bad_request(
                f"Object '{name[:1].upper()}{name[1:]}' is missing in '{dumps(body)}'"
            )
        elif given != expected:
            words = {"apiVersion": "API version", "kind": "kind"}[name]
            raise bad_request(
                f"the {words} in the data ({given}) does not match "
                f"the expected {words} ({expected})"
            )
    new, unknown = kind.rules.decode(body)
    if unknown and caller.field_validation == "Strict":
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        why = f"strict decoding error: {listed}"
        if patched:
            raise invalid_object("", "", "", [invalid("patch", dumps(body), why)])
        what = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
        raise bad_request(f"{what}: {why}")
    if caller.field_validation == "Warn":
        caller.warnings += tuple(f'unknown field "{path}"' for path in unknown)
    return new


def apply_patch(kind: Kind, old: Object, change: Patch) -> Any:
    """Return *old* with *change* applied, which need not be an object any more.

    Raises:
        ApiError: 400, 415 or 422.
    """
    if change.media_type == patch.MERGE:
        if not isinstance(change.body, dict):
            raise bad_request("error decoding patch: a merge patch is an object")
        return patch.merge_patch(old, change.body)
    if change.media_type == patch.JSON:
        return patch.json_patch(old, change.body)
    accepted = [patch.JSON, patch.MERGE]
    if kind.builtin:
        accepted.append(patch.STRATEGIC)
    if change.media_type not in accepted:
        raise unsupported_media(accepted)
    if not isinstance(change.body, dict):
        raise bad_request("error decoding patch: a strategic merge patch is an object")
    return patch.strategic_merge(old, change.body, TOP | STRUCTS[kind.kind])
