"""Read apt's sources: which archive serves this machine's Debian, and how it is trusted.

Both forms of sources.list(5) are names. It refuses to guess an archive, and
to take somebody else's for Debian's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pointsman.runtime.errors import Failed


@dataclass(frozen=True, slots=True)
class Source:
    """One archive of apt's sources: where, and the lines that say how it is trusted."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...]  # deb822 names: Signed-By, Trusted, Architectures, ...

    def stanza(self, suites: Iterable[str]) -> str:
        lines = [f"{name}: {value}" for name, value in self.options]
        first = ("Types: deb", f"URIs: {self.uri}", f"Suites: {' '.join(suites)}")
        return "\n".join((*first, "Components: main", *lines)) + "\n"


def read_deb822(text: str) -> Iterator[Source]:
    """Yield the binary archives of a `.sources` file (sources.list(5))."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", text):
        # A continuation line starts with a blank; an inline key has many of them.
        fields = {
            name.lower(): value
            for name, value in re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.M)
        }
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").strip().lower() in {"no", "false"}:
            continue
        names = {
            "signed-by": "Signed-By",
            "trusted": "Trusted",
            "architectures": "Architectures",
        }
        options = tuple((names[n], v) for n, v in fields.items() if n in names)
        suites, components = fields.get("suites", ""), fields.get("components", "")
        for uri in fields.get("uris", "").split():
            yield Source(uri, tuple(suites.split()), tuple(components.split()), options)


def read_one_line(text: str) -> Iterator[Source]:
    """Yield the binary archives of a one-line `.list` file (sources.list(5))."""
    names = {"signed-by": "Signed-By", "trusted": "Trusted", "arch": "Architectures"}
    for line in text.splitlines():
        form = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if not form:
            continue
        pairs = (o.partition("=") for o in (form[1] or "").split())
        options = tuple((names[n], v.replace(",", " ")) for n, _, v in pairs if n in names)
        yield Source(form[2], (form[3],), tuple(form[4].split()), options)


def machine_sources(etc: Path) -> Iterator[Source]:
    """Yield what apt reads under *etc*, Debian's own files before anybody else's."""
    parts = etc / "sources.list.d"
    files = [etc / "sources.list", *sorted(parts.glob("*.sources")), *sorted(parts.glob("*.list"))]
    files.sort(key=lambda f: f.name not in {"sources.list", "debian.sources", "debian.list"})
    for file in files:
        if file.is_file():
            read = read_deb822 if file.suffix == ".sources" else read_one_line
            yield from read(file.read_text())


def main_archive(sources: Iterable[Source], codename: str) -> Source:
    """Return the archive that serves *codename* itself: not its security, not its updates.

    Raises:
        Failed: there is none.
    """
    names = {codename, "stable", "oldstable", "testing", "unstable"}
    for source in sources:
        if names.intersection(source.suites) and "main" in source.components:
            return source
    raise Failed(
        f"apt's sources hold no Debian archive with suite {codename!r} and component 'main'. "
        "Add one under /etc/apt/sources.list.d, then run this again."
    )


def codename() -> str:
    """Return this Debian's code name.

    Raises:
        Failed: the machine is something else.
    """
    release = Path("/etc/os-release").read_text()
    fields: dict[str, str] = dict(re.findall(r'^(\w+)="?([^"\n]*)', release, re.M))
    if fields.get("ID") != "debian":
        raise Failed(
            f"This is {fields.get('PRETTY_NAME', 'not Debian')}; the parts are Debian packages. "
            "Run this on Debian 12 or newer, or in a container of it."
        )
    return fields.get("VERSION_CODENAME", "sid")
