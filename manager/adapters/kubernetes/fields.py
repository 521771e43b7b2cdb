"""Typed access to one raw JSON object; every error names the object and the field.

Refuses to guess: a number where text belongs is an error with a sentence, absent and null
are the default. It knows no kind; the codecs do.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pointsman.model.printable import clipped, sentence
from pointsman.model.timestamps import format_time

Json = Mapping[str, Any]
MOST: Final = 2**63 - 1  # Kubernetes' integers have 64 bits


class Malformed(ValueError):
    """One object cannot be read. Its text is the sentence: what is so, for whom, what to do.

    It repeats what was read, so it is made one printable line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(sentence(message))


class Fields:
    """A JSON object being read, and where it lies inside which Kubernetes object."""

    __slots__ = ("_path", "_raw", "what")

    def __init__(self, what: str, raw: object, *, path: str = "") -> None:
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            raise Malformed(
                f"{what}: {path or 'the object'} is {_shown(raw)}; write an object (key: value)."
            )
        self.what, self._raw, self._path = what, raw, path

    @property
    def raw(self) -> Json:
        """The object itself, as it came."""
        return self._raw

    def has(self, key: str) -> bool:
        """Return whether *key* is present and not null."""
        return self._raw.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """Return a string. An unquoted YAML time is the one other thing accepted."""
        value = self._raw.get(key)
        if value is None:
            return default
        return _text(value, self.what, self._at(key))

    def integer(self, key: str, default: int = 0) -> int:
        value = self._raw.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MOST:
            raise Malformed(f"{self.what}: {self._at(key)} is {_shown(value)}; write a number.")
        return value

    def flag(self, key: str) -> bool | None:
        """Return a boolean, or None when it is absent."""
        value = self._raw.get(key)
        if value is not None and not isinstance(value, bool):
            raise Malformed(
                f"{self.what}: {self._at(key)} is {_shown(value)}; write true or false."
            )
        return value

    def at(self, key: str) -> "Fields":
        """Return the object below *key*; an empty one when it is absent."""
        return Fields(self.what, self._raw.get(key), path=self._at(key))

    def each(self, key: str) -> Iterator["Fields"]:
        """Yield the objects of the list below *key*."""
        for index, item in enumerate(self._list(key)):
            yield Fields(self.what, item, path=f"{self._at(key)}[{index}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of the list below *key*."""
        return tuple(
            _text(item, self.what, f"{self._at(key)}[{index}]")
            for index, item in enumerate(self._list(key))
        )

    def mapping(self, key: str) -> dict[str, str]:
        """Return a map of text to text: labels, annotations, a selector."""
        inner = self.at(key)
        for name in inner.raw:
            if not isinstance(name, str):  # of YAML, where it may be a number, or nothing
                raise Malformed(
                    f"{self.what}: a key of {self._at(key)} is {_shown(name)}, not text; "
                    "put it in quotes."
                )
        return {name: inner.text(name) for name in inner.raw}

    def _list(self, key: str) -> list[Any]:
        value = self._raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise Malformed(f"{self.what}: {self._at(key)} is {_shown(value)}; write a list.")
        return value

    def _at(self, key: str) -> str:
        return f"{self._path}.{clipped(key)}" if self._path else clipped(key)


def _text(value: object, what: str, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):  # YAML 1.1 makes a date of an unquoted RFC 3339 time
        return format_time(value.replace(tzinfo=UTC) if value.tzinfo is None else value)
    raise Malformed(f"{what}: {where} is {_shown(value)}, not text; put it in quotes.")


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, date)):
        return str(value)[:40]
    if isinstance(value, str):
        return f"'{clipped(value)}'"
    return "a list" if isinstance(value, list) else "an object"
