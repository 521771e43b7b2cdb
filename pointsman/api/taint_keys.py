"""Keys of taints, as a flag lists them; the manager and the commands take the same list."""

from pointsman.api.selector import is_key
from pointsman.model.printable import clipped


def taint_keys(text: str) -> frozenset[str]:
    """Return the keys that *text*, a comma list, names.

    A key has the form of a label's (Kubernetes, "Taints and Tolerations"). What no taint can
    have for its key would match nothing, and no node would ever drain by it.

    Raises:
        ValueError: one is no key; the text is a sentence.
    """
    keys = [one for one in map(str.strip, text.split(",")) if one]
    for key in keys:
        if not is_key(key):
            raise ValueError(
                f"'{clipped(key)}' is no key of a taint: write keys alone, without value and "
                "effect, such as example.com/maintenance, comma separated."
            )
    return frozenset(keys)
