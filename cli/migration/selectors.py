"""Several label selectors of which one must match, as the one selector that we have."""

from collections.abc import Iterable, Mapping
from typing import Any

from pointsman.api import parse
from pointsman.api.selector import LabelSelector
from pointsman.model.names import NAMESPACE_NAME

Json = dict[str, Any]


def any_of(selectors: list[Json]) -> tuple[Json | None, bool]:
    """Return a selector that matches what any of *selectors* does, and whether there is one.

    None: everything matches. (None, False): one selector cannot say it.
    """
    if not selectors or any(not one for one in selectors):
        return None, True
    different = [one for at, one in enumerate(selectors) if one not in selectors[:at]]
    if len(different) == 1:
        return different[0], True
    pairs = [_values(one) for one in different]
    keys = {pair[0] for pair in pairs if pair is not None}
    if None in pairs or len(keys) != 1:
        return None, False
    values = sorted({value for pair in pairs if pair is not None for value in pair[1]})
    return {"matchExpressions": [_is_in(keys.pop(), values)]}, True


def names_as_selector(names: Iterable[str]) -> Json:
    """Return a selector of namespaces by name: Kubernetes labels each with its own."""
    return {"matchExpressions": [_is_in(NAMESPACE_NAME, sorted(names))]}


def matches(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether *labels* satisfy *selector*; what is no selector matches nothing."""
    found, _ = parse(LabelSelector, selector)
    return found is not None and found.matches(labels)


def _is_in(key: str, values: list[str]) -> Json:
    return {"key": key, "operator": "In", "values": values}


def _values(selector: Json) -> tuple[str, list[str]] | None:
    """Return (label, values) of a selector that asks for one of some values of one label."""
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    if isinstance(labels, Mapping) and len(labels) == 1 and not expressions:
        ((key, value),) = labels.items()
        return str(key), [str(value)]
    if isinstance(expressions, list) and len(expressions) == 1 and not labels:
        one = expressions[0]
        if isinstance(one, Mapping) and one.get("operator") == "In":
            values = one.get("values")
            if isinstance(values, list):
                return str(one.get("key")), [str(value) for value in values]
    return None
