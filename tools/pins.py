"""`make pins`: resolve pyproject.toml into requirements/*.txt, hashes included.

pyproject.toml says what is needed, these files say which exactly; edit the
former only. What is written holds no index and no host, so it works with
whatever index pip is configured for.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "build" / "pins"
OLDEST_PYTHON = "3.11"
NETBOX_PYTHON = "3.12"  # the oldest that NetBox runs on

# Output -> what of pyproject.toml it pins.
FILES: dict[str, tuple[str, ...]] = {
    "dev.txt": ("pyproject.toml", "--all-extras", "--group", "dev"),
    "manager.txt": ("pyproject.toml", "--extra", "manager"),
    "agent.txt": ("pyproject.toml", "--extra", "agent"),
    "build.txt": ("--group", "build"),
    "pins.txt": ("--group", "pins"),
    "netbox.txt": ("--group", "netbox"),
}


def uv() -> Path:
    """Return the pinned uv in a venv of its own: it is no part of development."""
    program = TOOL / "bin" / "uv"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", TOOL], check=True)
        pins = ROOT / "requirements" / "pins.txt"
        pip = [
            str(TOOL / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-qq",
            "--only-binary",
            ":all:",
        ]
        subprocess.run([*pip, "--require-hashes", "-r", str(pins)], check=True)
    return program


def main() -> int:
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    for name, what in FILES.items():
        python = NETBOX_PYTHON if name == "netbox.txt" else OLDEST_PYTHON
        options = ["--universal", "--python-version", python, "--generate-hashes"]
        clean = ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "-q"]
        # What the images install must be what was tested.
        same = (
            [] if name in {"dev.txt", "netbox.txt", "pins.txt"} else ["-c", "requirements/dev.txt"]
        )
        where = ["--custom-compile-command", "make pins", "-o", f"requirements/{name}"]
        words = [*options, *clean, *same, *where, *upgrade, *what]
        if subprocess.run([uv(), "pip", "compile", *words], cwd=ROOT).returncode:
            return 1
        print(f"pins: requirements/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
