"""What is made must be what an API server takes: judged here by the rules of our CRDs.

A field that it would refuse is taken out, and noted with the server's own words; without it the
object may still serve. One that can't be mended so, or would then serve others than before, is
left out as a whole.
"""

import copy
import re
from typing import Any, Final

from cli.migration.draft import Draft, Json
from cli.source import admission
from pointsman.model.printable import clipped

_PATH: Final = re.compile(r"spec(?:\.\w+|\[\d+\])+")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
# Without these an object would serve others, or elsewhere: then rather not at all.
DECISIVE: Final = (
    "protocol", "namespaces", "namespaceSelector", "serviceSelector", "nodeSelector",
    "passwordSecretRef", "nextHops",
)  # fmt: skip
ROUNDS_MAX: Final = 200  # one fault is taken out in each


def settle(draft: Draft) -> None:
    """Leave in *draft* only what an API server takes."""
    for kind, name in sorted(draft.objects):
        subject, refused = f"{kind} {clipped(name)}", ""
        made: Json | None = draft.objects[kind, name]
        for _ in range(ROUNDS_MAX):
            assert made is not None
            faults = admission.judge(made).refused
            if not faults:
                break
            made, refused = _without(made, faults[0]), faults[0]
            if made is None:
                break
            draft.note(subject, f"{_clause(refused)}; left out", "")
        else:
            made = None
        if made is None:
            draft.note(
                subject, f"it is left out, as no API server would take it: {_clause(refused)}"
            )
            del draft.objects[kind, name]
        else:
            draft.objects[kind, name] = made


def _clause(fault: str) -> str:
    return fault.removesuffix(".")


def _without(made: Json, fault: str) -> Json | None:
    """Return *made* without the field that *fault* is about; None: it is about all of it."""
    found = _PATH.match(fault)
    if found is None or ": Required value" in fault:
        return None
    steps: list[str | int] = [
        name or int(index) for name, index in _STEP.findall(found[0].removeprefix("spec"))
    ]
    changed = copy.deepcopy(made)
    inside: Any = changed["spec"]
    try:
        for step in steps[:-1]:
            inside = inside[step]
        del inside[steps[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    lost = steps[0] in DECISIVE and not changed["spec"].get(steps[0])
    return None if lost or not changed["spec"] else changed
