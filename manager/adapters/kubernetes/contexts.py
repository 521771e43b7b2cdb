"""Which context of a kubeconfig is meant, and what to say if there is none of that name. Pure.

Of several files together, as $KUBECONFIG may name them: the contexts of all of them, and the
first current one. What else is wrong with a kubeconfig is its loader's to say.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pointsman.model.printable import clipped, quoted, some

NAMED: Final = 8  # contexts that a sentence names


def absent(documents: Iterable[object], chosen: str | None) -> str:
    """Return the clause about a context that is not there; "": it is, or nobody can say.

    *chosen*: the name of it; None: the current one.
    """
    read = [one for one in documents if isinstance(one, Mapping)]
    names = list(dict.fromkeys(name for one in read for name in _names(one)))
    if not names:
        return ""
    current = (one.get("current-context") for one in read)
    name = chosen or next((str(one) for one in current if one), "")
    if name in names:
        return ""
    which = f"context '{clipped(name)}'" if name else "current context"
    return f"there is no {which}, but {', '.join(some(quoted(names), NAMED))}"


def _names(document: Mapping[str, object]) -> Iterator[str]:
    listed = document.get("contexts")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str) and one["name"]:
            yield one["name"]
