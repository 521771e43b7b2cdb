"""Generate `pointsman/gobgp_api/`, the Python face of gobgpd's gRPC API.

The .proto files come from the Debian package whose version is that of the
daemon in `build/parts`, or from the folder named by `GOBGP_PROTO` (the one that
holds `api/gobgp.proto`). Neither they nor what comes out is committed.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import shutil
import sys
from pathlib import Path

from pointsman.runtime.errors import Failed
from tools.children import spoken

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "pointsman" / "gobgp_api"
INIT = '"""Made from GoBGP\'s .proto files by tools/stubs.py; never edited, never committed."""\n'


def proto_root() -> Path:
    """Return the folder that holds `api/*.proto`.

    Raises:
        Failed: there is none yet.
    """
    named = os.environ.get("GOBGP_PROTO")
    parts = ROOT / "build" / "parts.json"
    if named:
        root = Path(named)
    elif parts.exists():
        root = ROOT / json.loads(parts.read_text())["gobgp-proto"]["path"]
    else:
        raise Failed("GoBGP's .proto files are not here: run `make setup`, or name GOBGP_PROTO.")
    if not (root / "api" / "gobgp.proto").exists():
        raise Failed(f"{root} holds no api/gobgp.proto: GoBGP 4 keeps its API there.")
    return root


def relative(text: str) -> str:
    """Return generated code that imports its siblings from its own package.

    protoc names them by their path below its root (`api`), which would need a
    top-level package of that name.
    """
    text = re.sub(r"^from api import ", "from . import ", text, flags=re.M)
    text = re.sub(r"^import api\.(\w+) as ", r"from . import \1 as ", text, flags=re.M)
    text = re.sub(r"^from api\.(\w+) import ", r"from .\1 import ", text, flags=re.M)
    # mypy-protobuf writes both the import and every use by full path.
    text = re.sub(r"^import api\.(\w+)$", r"from . import \1", text, flags=re.M)
    return re.sub(r"\bapi\.(\w+_pb2(?:_grpc)?)\b", r"\1", text)


def generate(protos: Path, target: Path) -> None:
    """Fill *target* with modules and type stubs for every file of *protos*/api.

    Raises:
        Failed: protoc failed; it has printed why.
    """
    from grpc_tools import protoc  # only in the venv

    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    known = importlib.resources.files("grpc_tools") / "_proto"
    kinds = {"python": "", "grpc_python": "", "mypy": "quiet:", "mypy_grpc": "quiet:"}
    outs = [f"--{kind}_out={option}{fresh}" for kind, option in kinds.items()]
    files = sorted(f"api/{path.name}" for path in (protos / "api").glob("*.proto"))
    # protoc looks for its plugins on PATH; a venv need not be active.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    if protoc.main(["protoc", f"-I{protos}", f"-I{known}", *outs, *files]) != 0:
        raise Failed("protoc refused GoBGP's .proto files; its words are above.")
    for module in (fresh / "api").iterdir():
        text = relative(module.read_text())
        (fresh / module.name).write_text(text)
    shutil.rmtree(fresh / "api")
    (fresh / "__init__.py").write_text(INIT)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def work() -> int:
    generate(proto_root(), TARGET)
    print(f"stubs: {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(spoken("stubs", work))
