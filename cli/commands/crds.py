"""`pointsman crds`: print the CRDs, or compare the files in `crds/` with the models.

Without an option it prints every CRD, for `pointsman crds | kubectl apply -f -`. It asks
no cluster anything.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pointsman.api import crd
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.usage import path

ROOT = Path(__file__).resolve().parents[2]
# For kubectl, and for the chart, whose templates can read its own files alone.
CHECKOUT = (ROOT / "crds", ROOT / "deploy" / "chart" / "files" / "crds")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="exit 1 if a file is stale")
    mode.add_argument("--write", action="store_true", help="write the files")
    parser.add_argument(
        "--dir",
        type=path,
        metavar="DIR",
        help="folder of the files (default: the checkout's, and its chart's)",
    )


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 if --check found a stale file, or 2 if there is no folder to look at."""
    if not (args.check or args.write):
        print(_printed(args.output), end="")
        return 0
    folders = CHECKOUT if args.dir is None else (args.dir,)
    for folder in folders:
        if not folder.is_dir():
            sentence = f"{folder} is not a folder: run in a checkout, or name it with --dir"
            print(sentence, file=sys.stderr)
            return 2
    return max(_brought_up_to_date(folder, only_check=args.check) for folder in folders)


def _brought_up_to_date(folder: Path, *, only_check: bool) -> int:
    """Write what is stale in *folder*, or say it; return the exit status."""
    stale = differences(folder, crd.files())
    for name, fault in stale.items():
        if only_check:
            print(f"{folder / name} {fault}: run `make update`", file=sys.stderr)
        else:
            _put(folder / name, crd.files().get(name))
    return 1 if only_check and stale else 0


def differences(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with each YAML file of ours in *folder*, by name, sorted.

    Ours are those of our kinds and what this command wrote once; nothing else is looked at, let
    alone removed.

    Raises:
        Misuse: one that is to be there cannot be read.
    """
    faults: dict[str, str] = {}
    for name in sorted({one.name for one in folder.glob("*.yaml")} | wanted.keys()):
        there = _content(folder / name, wanted=name in wanted)
        if name not in wanted:
            if there is not None and there.startswith(crd.HEADER.encode()):
                faults[name] = "belongs to no kind"
        elif there is None:
            faults[name] = "is missing"
        elif there != wanted[name].encode():
            faults[name] = "is stale"
    return faults


def _content(file: Path, *, wanted: bool) -> bytes | None:
    """Return what *file* holds; that need not be text, which is stale then. None: no such file."""
    try:
        return file.read_bytes()
    except FileNotFoundError:  # or a link to nowhere
        return None
    except OSError as error:
        if not wanted:
            return None
        raise Misuse(f"{file} cannot be read: {error.strerror}.") from error


def _put(file: Path, text: str | None) -> None:
    try:
        if text is None:
            file.unlink()
        else:
            file.write_text(text, "utf-8")
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from error
    print(f"removed {file}" if text is None else f"wrote {file}")


def _printed(form: str) -> str:
    if form == "yaml":
        return "---\n".join(crd.files().values())
    items = [crd.definition(kind) for kind in crd.KINDS]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="pointsman crds", description="Print or check the CRDs.")
    arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
