"""Which stories are told: the first few, or those that `make sim SEED=n` names."""

import os


def seeds(count: int) -> list[int]:
    """Return 1 to *count*, or what the environment's SEED lists: "3", "1,7", "1-2000"."""
    named = os.environ.get("SEED") or f"1-{count}"
    found: list[int] = []
    for part in named.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
