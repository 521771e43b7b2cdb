"""Take out of an image's site-packages what none of its programs imports.

A test imports every module of the programs and looks whether anything of this is among them,
so a new use of one is seen before an image is built.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Modules, with all below them. The library's API classes are the largest part of it, and are
# never imported (manager/adapters/kubernetes/loaders.py); `pointsman lab` says what it lacks.
MODULES: Final = (
    "kubernetes_asyncio.client.api",
    "kubernetes_asyncio.client.models",
    "kubernetes_asyncio.dynamic",
    "kubernetes_asyncio.leaderelection",
    "kubernetes_asyncio.stream",
    "kubernetes_asyncio.watch",
    "lab",
    "pycparser",  # cffi needs it to compile, and everything here is compiled
    "tools",
)
# What compilers and type checkers read.
FILES: Final = ("*.pyi", "*.pxd", "*.pyx", "*.c", "*.h", "*.hpp")


def superfluous(packages: Path) -> Iterator[Path]:
    """Yield the folders and files below *packages* that no program needs."""
    for name in MODULES:
        path = packages / name.replace(".", "/")
        yield from (found for found in (path, path.with_suffix(".py")) if found.exists())
    for pattern in FILES:
        yield from packages.rglob(pattern)


def main(arguments: list[str]) -> int:
    (packages,) = (Path(argument) for argument in arguments)
    for path in list(superfluous(packages)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
