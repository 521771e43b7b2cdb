"""kubernetes_asyncio's readers of kubeconfigs and service accounts, without its API classes.

To import any part of that library is to run its package, which makes a class for every kind
that Kubernetes has: 36 MiB in each manager, and a quarter of a second in each command, for
what nobody here uses. So its readers are imported with an empty package in its place, which is
gone again afterwards: whoever wants the whole library imports the whole library.
"""

import importlib.util
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kubernetes_asyncio import config
    from kubernetes_asyncio.client import Configuration

__all__ = ["Configuration", "config"]

LIBRARY: Final = "kubernetes_asyncio"
CLIENT: Final = LIBRARY + ".client"


def _without_api_classes() -> tuple[Any, Any]:
    """Return the library's `config` and its `client.Configuration`."""
    spec = importlib.util.find_spec(LIBRARY)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"No module named {LIBRARY!r}", name=LIBRARY)
    root = spec.submodule_search_locations[0]
    _stand_in(LIBRARY, root)
    client: Any = _stand_in(CLIENT, f"{root}/client")
    try:
        client.Configuration = import_module(f"{CLIENT}.configuration").Configuration
        client.ApiClient = None  # of a function that makes one, which nobody calls
        return import_module(f"{LIBRARY}.config"), client.Configuration
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]


def _stand_in(name: str, path: str) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [path]
    sys.modules[name] = package
    return package


if not TYPE_CHECKING:
    if LIBRARY in sys.modules:
        config = import_module(f"{LIBRARY}.config")
        Configuration = import_module(CLIENT).Configuration
    else:
        config, Configuration = _without_api_classes()
