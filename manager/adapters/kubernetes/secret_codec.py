"""A Secret, reduced to what may be a password. Pure; no value is ever shown.

Read from the API server, and from files given to `plan --offline`, where `stringData`
may stand beside `data` and wins, as it would at the server.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.metadata import name_of

LONGEST: Final = 4096  # bytes; whatever is longer is a file, no password


@dataclass(frozen=True, slots=True)
class Secret:
    """The text entries of one Secret."""

    name: str
    entries: Mapping[str, str] = field(default_factory=dict, repr=False)


def secret(raw: Json) -> Secret:
    """Return what in a Secret may be a password; an entry that is no text is left out.

    Raises:
        Malformed: it has no name, or what should be text in its metadata is not.
    """
    meta = Fields(name_of(raw), raw).at("metadata")
    name = meta.text("name")
    if not name:
        where = meta.text("namespace", "default")
        raise Malformed(f"A Secret in namespace {where} has no metadata.name; give it one.")
    meta.text("namespace")
    found = {str(key): _text(value) for key, value in _entries(raw, "data").items()}
    entries = {key: text for key, text in found.items() if text is not None}
    plain = {str(key): str(value) for key, value in _entries(raw, "stringData").items()}
    return Secret(name, entries | plain)


def _entries(raw: Json, field_name: str) -> Mapping[Any, Any]:
    found = raw.get(field_name)
    return found if isinstance(found, Mapping) else {}


def _text(encoded: object) -> str | None:
    try:
        data = base64.b64decode(str(encoded), validate=True)
        return data.decode() if len(data) <= LONGEST else None
    except ValueError:  # no base64, not even ASCII, or bytes that are no text
        return None
