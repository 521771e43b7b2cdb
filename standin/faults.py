"""Trouble on demand, and a count of what clients asked: not part of the contract.

`POST /_faults` takes one fault; `GET` lists what is pending; `DELETE` clears. `GET /_stats`
counts requests by verb and resource, writes by object, and refused writes by field manager;
`DELETE` starts again from zero.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from standin.grammar.errors import STALE, ApiError, bad_request
from standin.store import Store

REASONS: Final = {
    409: ("Conflict", STALE),
    410: ("Expired", "The provided continue parameter is too old"),
    429: ("TooManyRequests", "the server has received too many requests, please try again later"),
    500: ("InternalError", "Internal error occurred: a fault was asked for"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}  # fmt: skip


@dataclass(slots=True)
class Fault:
    """Answer *code* to the next *count* requests whose verb and path match.

    *verb* is an HTTP method or `watch`; empty matches any. For a watch, 410 comes as an ERROR
    event inside a 200, as a real server sends it, unless *http* says to fail the request itself.
    """

    code: int
    verb: str = ""
    path: str = ""
    count: int = 1
    retry_after: int = 1
    http: bool = False


@dataclass(slots=True)
class Faults:
    pending: list[Fault] = field(default_factory=list)

    def order(self, fields: dict[str, Any]) -> None:
        """Add the fault that a request body describes.

        Raises:
            ApiError: 400, it describes none.
        """
        try:
            fault = Fault(**fields)
        except TypeError as error:
            raise bad_request(f"not a fault: {error}") from error
        self.add(fault)

    def add(self, fault: Fault) -> None:
        if fault.code not in REASONS:
            raise bad_request(f"no fault {fault.code}: use one of {sorted(REASONS)}")
        self.pending.append(fault)

    def take(self, verb: str, path: str, *, in_stream: bool = False) -> ApiError | None:
        """Return the error this request must get, and count it off.

        *in_stream*: ask for what a watch tells inside its stream, not as its HTTP status.
        """
        for fault in self.pending:
            as_event = verb == "watch" and fault.code == 410 and not fault.http
            if as_event is not in_stream or not path.startswith(fault.path):
                continue
            if fault.verb and fault.verb.lower() != verb.lower():
                continue
            fault.count -= 1
            if fault.count <= 0:
                self.pending.remove(fault)
            reason, message = REASONS[fault.code]
            details = {"retryAfterSeconds": fault.retry_after} if fault.code == 429 else {}
            return ApiError(fault.code, reason, message, details)
        return None

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(f) for f in self.pending]


@dataclass(slots=True)
class Stats:
    requests: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def request(self, verb: str, resource: str) -> None:
        self.requests[f"{verb} {resource}"] += 1

    def write(self, verb: str, resource: str, name: str) -> None:
        self.writes[f"{verb} {resource} {name}"] += 1

    def refuse(self, verb: str, resource: str, manager: str) -> None:
        """Count a write that failed, by the field manager whose it was."""
        self.refused[f"{verb} {resource} {manager}"] += 1

    def shown(self, store: Store) -> dict[str, Any]:
        """Return the counts, how many watch what, and where the store stands."""
        tables = sorted(store.tables().items())
        return {
            "requests": dict(self.requests),
            "writes": dict(self.writes),
            "refused": dict(self.refused),
            "codes": dict(self.codes),
            "watchers": {name: len(t.listeners) for (_, name), t in tables if t.listeners},
            "resourceVersion": store.rv,
        }

    def clear(self) -> None:
        self.requests.clear()
        self.writes.clear()
        self.refused.clear()
        self.codes.clear()
