"""Which kinds of router the row that runs speaks with: what `make routers` puts into its table.

Every lab here has an FRR, and it counts where no other does alone.
"""

FRR, BIRD, OPENBGPD = "frr", "bird", "openbgpd"
PROPERTY = "router"
_kinds: set[str] = set()


def begin() -> None:
    """Forget what the row before spoke with."""
    _kinds.clear()


def note(*kinds: str) -> None:
    """Have it known that the row speaks with routers of *kinds*."""
    _kinds.update(kinds)


def kinds() -> list[str]:
    """Return the kinds of router that the row spoke with, sorted."""
    return sorted(_kinds if OPENBGPD in _kinds else {FRR, *_kinds})
