"""Which stories are told: the first few, or those that `make sim SEED=n` names."""

import os


def seeds(count: int) -> list[int]:
    """Return 1 to *count*, or what the environment's SEED lists, with commas between."""
    if named := os.environ.get("SEED"):
        return [int(seed) for seed in named.split(",")]
    return list(range(1, count + 1))
