"""How deep a JSON value is nested: whatever walks one by recursion asks this first."""

from collections.abc import Iterator


def depth_exceeds(value: object, most: int) -> bool:
    """Return whether *value* is nested deeper than *most*; needs no recursion itself."""
    level: list[object] = [value]
    for _ in range(most + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
