"""Refuse what must not be in a tracked file: this machine, registries, foreign or generated text.

A registry's host in a file would send a user's machine somewhere its owner did
not choose; a local path works for one person. Generated stubs and .proto files
are other people's text and go stale.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Written in pieces, or this file would refuse itself.
_HOSTS = (
    r"[\w-]+\.debian" + r"\.org",
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "npmjs" + r"\.org",
    "proxy.golang" + r"\.org",
    "ghcr" + r"\.io",
    "quay" + r"\.io",
    "docker" + r"\.io/",
    "registry.k8s" + r"\.io",
    "gcr" + r"\.io",
)
RULES = {
    "names a package registry's host": re.compile("|".join(_HOSTS)),
    "names a path outside the repository": re.compile(
        r"(?<![\w.])/(?:work|farm|home/\w+|root)/|/tmp/" + r"(?:brief|boot)|\.lib" + "rary"
    ),
    "holds a conflict marker": re.compile(r"^(?:<{7}|>{7}) "),
}
FOREIGN = re.compile(r"_pb2(?:_grpc)?\.pyi?$|\.proto$|\.deb$|\.so(?:\.\d+)*$|uv\.lock$")


def complaints(name: str, text: str) -> Iterator[str]:
    """Yield one `file:line: sentence` per thing in *text* that must not be there."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in RULES.items():
            if found := pattern.search(line):
                yield f"{name}:{number}: {what}: {found[0]!r}"


def tracked() -> list[str]:
    """Return what git tracks and what it would add: a new file is judged before its commit."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted({name for name in done.stdout.split("\0") if name})


def main() -> int:
    wrong: list[str] = []
    for name in tracked():
        path = ROOT / name
        if not path.is_file():  # deleted, not yet committed
            continue
        if FOREIGN.search(name):
            wrong.append(f"{name}: generated or foreign files are made by `make setup`, not kept")
            continue
        try:
            wrong += complaints(name, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            wrong.append(f"{name}: is not text; only text is kept here")
    print("\n".join(wrong) or "tidy: nothing local, foreign or generated is tracked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
