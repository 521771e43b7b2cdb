"""The comma list of --drain-taints: what it names, and what no taint has for its key."""

import pytest

from pointsman.api.taint_keys import taint_keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("", set(), id="nothing: no taint drains"),
        pytest.param(" a/b, ,c", {"a/b", "c"}, id="spaces and empty items count for nothing"),
        pytest.param("ToBeDeletedByClusterAutoscaler", None, id="capitals, and no prefix"),
        pytest.param("node.kubernetes.io/out-of-service", None, id="with a prefix"),
    ],
)
def test_keys_are_listed(text: str, keys: set[str] | None) -> None:
    assert taint_keys(text) == ({text} if keys is None else keys)


@pytest.mark.parametrize(
    "wrong", ["rack/off=yes:NoSchedule", "rack/off:NoExecute", "a b", "a/b/c", "-a", "Rack/off"]
)
def test_what_no_taint_has_for_its_key_is_refused(wrong: str) -> None:
    """It would match no node, and nobody would learn of it before a node is to drain."""
    with pytest.raises(ValueError, match=f"^'{wrong}' is no key of a taint: write keys alone"):
        taint_keys(f"rack/on,{wrong}")


def test_what_a_terminal_acts_upon_is_escaped() -> None:
    with pytest.raises(ValueError, match=r"^'\\x1b\[31m' is no key"):
        taint_keys("\x1b[31m")
