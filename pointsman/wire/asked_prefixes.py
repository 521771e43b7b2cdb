"""The prefixes in an Announcer's spec, read entry by entry: routes to keep, flows to look at. Pure.

One reading for both programs. What cannot be read is passed over alone; of two entries with one
prefix the first counts.
"""

from typing import Any, Final

from pointsman.model.address import Address, Prefix, host_prefix
from pointsman.model.assignment import MOST_UNREACHABLE, MOST_WATCHED, Unreachable
from pointsman.model.printable import clipped
from pointsman.model.ranges import address_of, read_address, read_block

UNREACHABLE: Final = "unreachable"
WATCHED: Final = "watched"


def read_prefix(text: str) -> Prefix:
    """Return the prefix that *text* spells, such as 192.0.2.0/24.

    Raises:
        ValueError: it has no prefix length, or bits of hosts, or is none.
    """
    if "/" not in text:
        raise ValueError(f"'{clipped(text)}' has no prefix length: write one such as 192.0.2.0/24")
    family, (first, last) = read_block(text)
    address: Address = address_of(family, first)
    length = address.max_prefixlen - (last - first).bit_length()
    prefix = host_prefix(address).supernet(new_prefix=length)
    if read_address(text.partition("/")[0]) != address:
        raise ValueError(f"'{clipped(text)}' has bits of hosts: write {prefix}")
    return prefix


def unreachable_in(spec: object) -> tuple[Unreachable, ...]:
    """Return the `unreachable` routes of *spec*, in its order."""
    found: dict[Prefix, Unreachable] = {}
    for entry in _entries(spec, UNREACHABLE, MOST_UNREACHABLE):
        if not isinstance(entry, dict) or not isinstance(entry.get("redistribute"), bool):
            continue
        if (prefix := _read(entry.get("prefix"))) is not None:
            found.setdefault(prefix, Unreachable(prefix, entry["redistribute"]))
    return tuple(found.values())


def watched_in(spec: object) -> tuple[Prefix, ...]:
    """Return the prefixes of *spec* whose arriving flows the agent looks at, in its order."""
    found = map(_read, _entries(spec, WATCHED, MOST_WATCHED))
    return tuple(dict.fromkeys(prefix for prefix in found if prefix is not None))


def unreachable_entry(route: Unreachable) -> dict[str, Any]:
    """Return *route* as an entry of `spec.unreachable`."""
    return {"prefix": str(route.prefix), "redistribute": route.redistribute}


def _read(text: object) -> Prefix | None:
    try:
        return read_prefix(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _entries(spec: object, key: str, most: int) -> list[Any]:
    listed = spec.get(key) if isinstance(spec, dict) else None
    return listed[:most] if isinstance(listed, list) else []
