"""ObjectMeta: names, labels, stamps; what creating and updating may do to them.

Refuses what the API server refuses; refuses to collect garbage by ownerReferences.
"""

import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from standin.grammar.errors import FieldError, forbidden, invalid, required

DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
DNS_1035: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DNS_SUBDOMAIN: Final = re.compile(
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
LABEL_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
ANNOTATIONS_MAX: Final = 256 * 1024
SUFFIX: Final = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, so that no word appears
SERVER_SET: Final = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")

SUBDOMAIN_MESSAGE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_MESSAGE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
DNS_1035_MESSAGE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
NAME_RULES: Final = {
    "subdomain": (DNS_SUBDOMAIN, 253, SUBDOMAIN_MESSAGE),
    "label": (DNS_LABEL, 63, LABEL_MESSAGE),
    "1035": (DNS_1035, 63, DNS_1035_MESSAGE),
}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def generate_name(meta: dict[str, Any]) -> None:
    if not meta.get("name") and meta.get("generateName"):
        tail = "".join(secrets.choice(SUFFIX) for _ in range(5))
        meta["name"] = meta["generateName"][:58] + tail


def stamp_new(meta: dict[str, Any], namespace: str) -> None:
    """Set what only the server may set on a new object."""
    for name in (*SERVER_SET, "generation", "selfLink", "resourceVersion", "managedFields"):
        meta.pop(name, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = now()
    if namespace:
        meta["namespace"] = namespace


def keep_stamps(new: dict[str, Any], old: dict[str, Any]) -> None:
    """Carry over what no update may change; managedFields are the server's own."""
    for name in (*SERVER_SET, "generation", "generateName", "managedFields", "resourceVersion"):
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)
    new.pop("selfLink", None)


def check_meta(
    meta: dict[str, Any], rule: str, *, old: dict[str, Any] | None = None
) -> list[FieldError]:
    """Return every fault of *meta*, of a new object or of an update of *old*."""
    faults: list[FieldError] = []
    name = meta.get("name", "")
    if old is None:
        if not name:
            return [required("metadata.name", "name or generateName is required")]
        pattern, longest, message = NAME_RULES[rule]
        if len(name) > longest:
            faults.append(
                invalid("metadata.name", name, f"must be no more than {longest} characters")
            )
        if not pattern.fullmatch(name):
            faults.append(invalid("metadata.name", name, message))
    else:
        faults += _check_finalizers(meta, old)
    faults += [f for key, value in meta.get("labels", {}).items() for f in _label(key, value)]
    annotations = meta.get("annotations", {})
    faults += [f for key in annotations for f in _key(key.lower(), "metadata.annotations", key)]
    if sum(len(k) + len(v) for k, v in annotations.items()) > ANNOTATIONS_MAX:
        detail = f"may not be more than {ANNOTATIONS_MAX} bytes"
        faults.append(FieldError("TooLong", "metadata.annotations", detail=detail))
    for n, owner in enumerate(meta.get("ownerReferences", [])):
        path = f"metadata.ownerReferences[{n}]"
        faults += [
            invalid(f"{path}.{key}", owner[key], "must not be empty")
            for key in ("apiVersion", "kind", "name", "uid")
            if not owner[key]
        ]
    return faults


def _check_finalizers(meta: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    if "deletionTimestamp" not in old:
        return []
    added = [f for f in meta.get("finalizers", []) if f not in old.get("finalizers", [])]
    if not added:
        return []
    quoted = ", ".join(f'"{f}"' for f in added)
    detail = (
        "no new finalizers can be added if the object is being deleted, "
        f"found new finalizers []string{{{quoted}}}"
    )
    return [forbidden("metadata.finalizers", detail)]


def _key(key: str, path: str, shown: str) -> list[FieldError]:
    prefix, slash, name = key.rpartition("/")
    if slash and not DNS_SUBDOMAIN.fullmatch(prefix):
        return [invalid(path, shown, f"prefix part {SUBDOMAIN_MESSAGE}")]
    if len(name) > 63:
        return [invalid(path, shown, "name part must be no more than 63 characters")]
    if not QUALIFIED.fullmatch(name):
        detail = (
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start "
            "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
            "'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
        return [invalid(path, shown, detail)]
    return []


def _label(key: str, value: str) -> list[FieldError]:
    faults = _key(key, "metadata.labels", key)
    if len(value) > 63:
        faults.append(invalid("metadata.labels", value, "must be no more than 63 characters"))
    if not LABEL_VALUE.fullmatch(value):
        detail = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', "
            "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  "
            "or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )
        faults.append(invalid("metadata.labels", value, detail))
    return faults
