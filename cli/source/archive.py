"""The archive of `pointsman support-dump`: written whole, and read without unpacking anything.

Only what is below `objects/` is ever read back: the rest is for people.
"""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pointsman.runtime.errors import Misuse

SUFFIXES: Final = (".tar.gz", ".tgz")
OBJECTS: Final = "objects/"
LARGEST: Final = 2 << 30  # bytes of all that is read: a hundred times a large cluster


def is_archive(path: Path) -> bool:
    """Whether *path* is a file with the name of an archive."""
    return path.name.endswith(SUFFIXES) and not os.path.isdir(path)


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file with objects, in the order of the archive.

    Raises:
        Misuse: it cannot be read, or holds no objects.
    """
    left, found = LARGEST, False
    try:
        with tarfile.open(path, "r:gz") as whole:
            for member in whole:
                if not member.isfile() or not member.name.startswith(OBJECTS):
                    continue
                left -= member.size
                if left < 0:
                    raise Misuse(f"{path} holds more than {LARGEST >> 30} GiB of objects.")
                content = whole.extractfile(member)
                assert content is not None, "it is a file"
                found = True
                yield f"{path}:{member.name}", content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Misuse(f"{path} cannot be read: {why}.") from error
    if not found:
        raise Misuse(f"{path} holds no file below {OBJECTS}: is it of `pointsman support-dump`?")


def write(path: Path, files: Mapping[str, Any]) -> int:
    """Write *files*, by name: text as it is, anything else as JSON; return the size in bytes.

    Only the user may read it. A file that is there is not replaced.

    Raises:
        Misuse: there is one, or none can be made there.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Misuse(f"There is {path} already: name another file.") from error
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as whole:
            for name, value in files.items():
                _add(whole, name, value)
    except OSError as error:  # no space left, say
        os.unlink(path)
        raise Misuse(f"{path} cannot be written: {error.strerror}.") from error
    return path.stat().st_size


def _add(whole: tarfile.TarFile, name: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, sort_keys=True) + "\n"
    content = text.encode(errors="replace")
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(content), int(time.time()), 0o600
    whole.addfile(member, io.BytesIO(content))
