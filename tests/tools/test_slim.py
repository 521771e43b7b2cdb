"""tools.slim: what an image is spared is imported by no program in it."""

import json
import subprocess
import sys
from pathlib import Path

from tools import slim
from tools.setup import ROOT

ROOMS = ("pointsman", "manager", "agent", "cli", "sidecars")
IMPORT_ALL = """
import importlib, json, sys
for name in json.load(sys.stdin):
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def programs() -> list[str]:
    """Return every module of the image's programs but those of which it lacks a package."""
    found = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in found}
    return sorted(names)


def below(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_no_program_imports_what_is_left_out() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        input=json.dumps(programs()),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    loaded = json.loads(done.stdout)
    assert "grpc" in loaded
    assert "kubernetes_asyncio.config" not in loaded  # its readers, and nothing stays of them
    for module in slim.MODULES:
        assert [name for name in loaded if below(name, module)] == [], module


def test_readers_of_kubeconfigs_need_nothing_of_it(tmp_path: Path) -> None:
    """They import the library with an empty package in its place: so they are run without it."""
    blocker = "import sys\nfor name in {}: sys.modules[name] = None\n".format(
        [name for name in slim.MODULES if name != "tools"]
    )
    use = "from manager.adapters.kubernetes.loaders import Configuration; Configuration()\n"
    done = subprocess.run([sys.executable, "-c", blocker + use], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_it_takes_modules_and_what_compilers_read(tmp_path: Path) -> None:
    keep = ["aiohttp/web.py", "kubernetes_asyncio/config/__init__.py", "labels/__init__.py"]
    drop = ["lab/__main__.py", "kubernetes_asyncio/client/models/v1_pod.py", "aiohttp/_find.c"]
    for name in keep + drop:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert slim.main([str(tmp_path)]) == 0
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == sorted(keep)
