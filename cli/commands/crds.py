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

CHECKOUT = Path(__file__).resolve().parents[2] / "crds"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="exit 1 if a file is stale")
    mode.add_argument("--write", action="store_true", help="write the files")
    parser.add_argument(
        "--dir", type=Path, default=CHECKOUT, help="folder of the files (default: the checkout's)"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 if --check found a stale file, or 2 if there is no folder to look at."""
    if not (args.check or args.write):
        print(_printed(args.output), end="")
        return 0
    if not args.dir.is_dir():
        print(
            f"{args.dir} is not a folder: run in a checkout, or name it with --dir", file=sys.stderr
        )
        return 2
    stale = differences(args.dir, crd.files())
    for name, fault in stale.items():
        if args.check:
            print(f"{args.dir / name} {fault}: run `make update`", file=sys.stderr)
        else:
            _put(args.dir / name, crd.files().get(name))
    return 1 if args.check and stale else 0


def differences(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with each YAML file in *folder*, by name, sorted."""
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.yaml")}
    faults: dict[str, str] = {}
    for name in sorted(there.keys() | wanted.keys()):
        if name not in there:
            faults[name] = "is missing"
        elif name not in wanted:
            faults[name] = "belongs to no kind"
        elif there[name] != wanted[name]:
            faults[name] = "is stale"
    return faults


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        print(f"removed {path}")
    else:
        path.write_text(text, "utf-8")
        print(f"wrote {path}")


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
