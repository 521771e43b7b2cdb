from typing import Any

import pytest

from pointsman.api import LabelSelector

NODE = {"rack": "r1", "zone": "a"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        pytest.param({}, True, id="an empty selector matches everything"),
        pytest.param({"matchLabels": {"rack": "r1"}}, True, id="a label that is there"),
        pytest.param({"matchLabels": {"rack": "r2"}}, False, id="another value"),
        pytest.param({"matchLabels": {"disk": ""}}, False, id="absent is not the empty value"),
        pytest.param({"matchLabels": {"rack": "r1", "zone": "b"}}, False, id="all labels count"),
        pytest.param([("rack", "In", ["r2", "r1"])], True, id="In, one of several"),
        pytest.param([("rack", "In", ["r2"])], False, id="In, none of them"),
        pytest.param([("disk", "In", ["ssd"])], False, id="In, label absent"),
        pytest.param([("rack", "NotIn", ["r1"])], False, id="NotIn, it is"),
        pytest.param([("rack", "NotIn", ["r2"])], True, id="NotIn, it is not"),
        pytest.param([("disk", "NotIn", ["ssd"])], True, id="NotIn, label absent"),
        pytest.param([("rack", "Exists", [])], True, id="Exists"),
        pytest.param([("disk", "Exists", [])], False, id="Exists, label absent"),
        pytest.param([("rack", "DoesNotExist", [])], False, id="DoesNotExist"),
        pytest.param([("disk", "DoesNotExist", [])], True, id="DoesNotExist, label absent"),
        pytest.param(
            [("rack", "Exists", []), ("zone", "In", ["b"])], False, id="all expressions count"
        ),
        pytest.param(
            {
                "matchLabels": {"rack": "r1"},
                "matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}],
            },
            False,
            id="labels and expressions both count",
        ),
    ],
)
def test_a_selector_matches_as_kubernetes_does(selector: Any, matches: bool) -> None:
    if isinstance(selector, list):
        keys = ("key", "operator", "values")
        selector = {"matchExpressions": [dict(zip(keys, e, strict=True)) for e in selector]}
    assert LabelSelector.model_validate(selector).matches(NODE) is matches
