"""Tables of other people's fields: each field has one row, and none is passed over.

A row is a function of (value, part): it carries the value into the part, or notes what is
nearest. A field without a row is noted as unknown, so nothing is lost in silence; a value of
the wrong shape is noted, and costs only itself.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from cli.migration.draft import Part, Unusable
from pointsman.model.printable import clipped

Row = Callable[[Any, Part], None]
Table = Mapping[str, Row]
Convert = Callable[[Any], Any]
NOTHING: Final[tuple[object, ...]] = (None, "", False, 0, (), [], {})
UNKNOWN: Final = "pointsman migrate doesn't know this field, so nothing came of it"
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", re.ASCII)
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def walk(raw: object, table: Table, part: Part, at: str = "spec") -> None:
    """Read *raw*, which stands at the field *at*, by the rows of *table*."""
    row = table.get(at)
    if row is not None:
        _read(row, raw, part, at)
    elif isinstance(raw, Mapping) and (raw == {} or _below(table, f"{at}.")):
        for key in sorted(raw, key=str):
            walk(raw[key], table, part, f"{at}.{clipped(str(key))}")
    elif isinstance(raw, list) and _below(table, f"{at}[]"):
        for item in raw:
            walk(item, table, part, f"{at}[]")
    elif raw is not None:
        text = UNKNOWN
        if _below(table, f"{at}.") or _below(table, f"{at}[]"):
            text = f"it is {_shown(raw)}, not what this field takes, so nothing came of it"
        part.note(at, text)


def _below(table: Table, prefix: str) -> bool:
    return any(path.startswith(prefix) for path in table)


def _read(row: Row, raw: object, part: Part, at: str) -> None:
    before = len(part.notes)
    try:
        row(raw, part)
    except Unusable as error:
        part.note(at, f"{error}, so nothing came of it")
    for index in range(before, len(part.notes)):  # a row doesn't know where it stands
        if not part.notes[index].field:
            found = part.notes[index]
            part.notes[index] = type(found)(found.subject, at, found.text)


# --- rows ------------------------------------------------------------------------------------


def to(path: str, convert: Convert) -> Row:
    """Return the row of a field that becomes the field *path* of ours."""

    def row(value: Any, part: Part) -> None:
        part.put(path, convert(value))

    return row


def fact(name: str, convert: Convert) -> Row:
    """Return the row of a field that decides together with other objects."""

    def row(value: Any, part: Part) -> None:
        part.facts[name] = convert(value)

    return row


def lost(nearest: str, *, unless: Collection[object] = NOTHING) -> Row:
    """Return the row of a field we have nothing like; *unless*: values that mean nothing."""

    def row(value: Any, part: Part) -> None:
        if not any(value == one and type(value) is type(one) for one in unless):
            part.note("", nearest)

    return row


# --- values ----------------------------------------------------------------------------------


def text(value: object) -> str:
    if not isinstance(value, str):
        raise Unusable(f"it is {_shown(value)} and not a text")
    return value.strip()


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unusable(f"it is {_shown(value)} and neither true nor false")
    return value


def integer(value: object) -> int:
    """Return a whole number; some write it as a text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unusable(f"it is {_shown(value)} and no whole number")
    return value


def texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Unusable(f"it is {_shown(value)} and no list")
    return [text(one) for one in value]


def mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unusable(f"it is {_shown(value)} and has no fields")
    return {str(key): one for key, one in value.items()}


def selector(value: object) -> dict[str, Any]:
    """Return a label selector; whether its parts are right is the API server's to say."""
    found = mapping(value)
    return {k: v for k, v in found.items() if k in ("matchLabels", "matchExpressions") and v}


def selectors(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise Unusable(f"it is {_shown(value)} and no list of selectors")
    return [selector(one) for one in value]


def seconds(value: object) -> int:
    """Return whole seconds of "90s", "1m30s", "9" or 9."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    written = text(value)
    if re.fullmatch(r"[0-9]{1,9}(\.0*)?", written):
        return int(written.partition(".")[0])
    pieces = _DURATION.findall(written)
    if not pieces or "".join(a + b for a, b in pieces) != written:
        raise Unusable(f"it is {_shown(value)} and no length of time")
    return round(sum(float(number) * _UNITS[unit] for number, unit in pieces))


def blocks(value: object) -> list[str]:
    """Return addresses as an Eip takes them: without blanks around a range's dash."""
    found = [value] if isinstance(value, str) else value
    return ["-".join(end.strip() for end in one.split("-")) for one in texts(found) if one]


def _shown(value: object) -> str:
    return f"'{clipped(value)}'" if isinstance(value, str) else clipped(str(value))
