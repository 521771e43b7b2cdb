"""Which version of the product runs, as its package says. It reads nothing else."""

import importlib.metadata


def version() -> str:
    """Return the version of the installed package; a bare checkout has none."""
    try:
        return importlib.metadata.version("pointsman")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"
