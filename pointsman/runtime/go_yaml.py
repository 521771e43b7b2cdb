"""What kubectl's YAML reads as a number or a boolean, and PyYAML as text: `08`, `1e3`, `y`.

Written without quotes, such a text of ours becomes something else on its way to the API server,
which refuses it; read as text, a file is taken that it refuses. It refuses to know any document.

Source: resolve.go of goyaml.v2 in sigs.k8s.io/yaml; tried with kubectl 1.32.
"""

import re
from typing import Any, Final

_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final = (
    ("bool", r"[yYnN]", "yYnN"),
    ("int", r"[-+]?0[oO][0-7_]*[0-7]_*", "-+0"),
    ("float", r"[-+]?(?:\._*[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]*[0-9]_*)?",
     "-+.0123456789"),
)  # fmt: skip


def teach(schema: Any) -> None:
    """Have *schema*, a Loader or Dumper class of PyYAML, take these words for what they are."""
    for kind, pattern, first in _WORDS:
        schema.add_implicit_resolver(_TAG + kind, re.compile(rf"(?:{pattern})\Z"), list(first))
