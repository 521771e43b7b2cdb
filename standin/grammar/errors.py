"""What a Kubernetes API server says when it refuses: Status objects and field errors.

Wording, reasons and codes are those of a 1.36 server, because clients (ours, kubectl) act on
them. Refuses to invent: a failure without a Kubernetes reason is a bug and crashes the request.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

OMIT: Final = object()  # a field error whose value is not repeated (objects, lists)
SILENT_TYPES: Final = frozenset({"Required", "Forbidden", "TooLong"})
WORDS: Final = {
    "Required": "Required value",
    "Forbidden": "Forbidden",
    "TooLong": "Too long",
    "TooMany": "Too many",
    "Invalid": "Invalid value",
    "TypeInvalid": "Invalid value",
    "NotSupported": "Unsupported value",
    "Duplicate": "Duplicate value",
}
# Rules are not evaluated over an object that already fails one of these.
BLOCKING: Final = frozenset({"NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of a 422: kind of fault, path of the field, value as sent, sentence."""

    type: str
    path: str
    value: Any = OMIT
    detail: str = ""

    def body(self) -> str:
        """Return the text without the path, as it stands in `details.causes[].message`."""
        text = WORDS[self.type]
        if self.type not in SILENT_TYPES and self.value is not OMIT:
            text += f": {dumps(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.path}: {self.body()}"


@dataclass
class ApiError(Exception):
    """A refused request; becomes a `Status` object with *code*."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            out["reason"] = self.reason
        if self.details:
            out["details"] = self.details
        return out | {"code": self.code}


def dumps(value: Any) -> str:
    """Return *value* as Go prints it inside messages: compact JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def qualified(name: str, group: str) -> str:
    """Return `eips.pointsman.dev`, or `services` for the core group."""
    return f"{name}.{group}" if group else name


def required(path: str, detail: str = "") -> FieldError:
    return FieldError("Required", path, detail=detail)


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError("Invalid", path, value, detail)


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError("Forbidden", path, detail=detail)


def not_supported(path: str, value: Any, values: list[str]) -> FieldError:
    listed = ", ".join(json.dumps(v, ensure_ascii=False) for v in values)
    return FieldError("NotSupported", path, value, f"supported values: {listed}")


def _named(group: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name} if name else {}
    if group:
        details["group"] = group
    return details | {"kind": kind} | more


def not_found(group: str, plural: str, name: str) -> ApiError:
    text = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", text, _named(group, plural, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(group: str, plural: str, name: str) -> ApiError:
    text = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _named(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    what = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}"'
    return ApiError(409, "Conflict", f"{what}: {why}", _named(group, plural, name))


STALE: Final = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def refused(group: str, plural: str, name: str, why: str) -> ApiError:
    text = f'{qualified(plural, group)} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", text, _named(group, plural, name))


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unsupported_media(accepted: list[str], hint: str = "") -> ApiError:
    text = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError(415, "UnsupportedMediaType", text + ", ".join(accepted) + hint)


def method_not_allowed(group: str, plural: str) -> ApiError:
    return ApiError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        _named(group, plural, ""),
    )


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def invalid_object(group: str, kind: str, name: str, errors: list[FieldError]) -> ApiError:
    """Return the 422 that names every fault of *errors* (equal ones once)."""
    causes = [
        {"reason": f"FieldValue{e.type}", "message": e.body(), "field": e.path} for e in errors
    ]
    texts = list(dict.fromkeys(str(e) for e in errors))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    text = f'{qualified(kind, group)} "{name}" is invalid: {joined}'
    return ApiError(422, "Invalid", text, _named(group, kind, name, causes=causes))
