"""The wheel's build hook: it generates the GoBGP stubs if they are not there.

`GOBGP_PROTO` names the folder with the .proto files where `make setup` has not run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Stubs(BuildHookInterface[Any]):
    """Put `pointsman/gobgp_api` into the wheel; git ignores it, hatch would too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # `make setup` has made them
            return
        sys.path.insert(0, self.root)
        from tools import stubs

        target = Path(self.root) / "pointsman" / "gobgp_api"
        if not (target / "__init__.py").exists():
            stubs.generate(stubs.proto_root(), target)
        build_data["artifacts"].append("pointsman/gobgp_api/*")
