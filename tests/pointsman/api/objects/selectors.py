"""Label selectors, wherever they stand: bad ones, and the sentence each gets."""

from collections.abc import Mapping

from tests.pointsman.api.objects.base import Bad
from tests.pointsman.api.objects.eips import eip
from tests.pointsman.api.objects.peers import peer

NEEDS_VALUES = "In and NotIn compare with values: add at least one to values"
NO_VALUES = "Exists and DoesNotExist take no values: remove values, or use In or NotIn"
NO_KEY = (
    "names no label: write NAME or PREFIX/NAME, with at most 63 letters, digits, dashes, "
    "underscores and dots in NAME, a letter or digit first and last, and a DNS name in lower case "
    "as PREFIX"
)
NO_VALUE = (
    "fits no label: write at most 63 letters, digits, dashes, underscores and dots, a letter or "
    "digit first and last, or nothing"
)
LABEL = "spec.nodeSelector.matchExpressions[0]"


def label(why: str, expression: Mapping[str, object], sentence: str, at: str = "") -> Bad:
    selector = {"matchExpressions": [expression]}
    return eip(why, "nodeSelector", selector, sentence, LABEL + at)


def selector(why: str, labels: Mapping[str, str], sentence: str, at: str = "") -> Bad:
    path = "spec.nextHops.nodeSelector.matchLabels"
    next_hops = {"nodeSelector": {"matchLabels": labels}}
    return peer(why, "nextHops", next_hops, sentence, path + at)


NO_KEYS = (
    ("nothing", ""),
    ("spaces", "my rack"),
    ("a name of 64", "x" * 64),
    ("a dash first", "-rack"),
    ("a dot last", "rack."),
    ("a prefix with capitals", "Example.com/rack"),
    ("a prefix with an underscore", "a_b/rack"),
    ("a prefix and nothing", "example.com/"),
    ("a name without its prefix", "/rack"),
    ("two slashes", "example.com/a/rack"),
    ("a line's end", "rack\n"),
    ("letters that aren't ASCII", "gestöll"),
    ("a prefix of 254", f"{'x' * 254}/rack"),
)
NO_VALUES_OF_A_LABEL = (
    ("a space in it", "r 1"),
    ("a dash last", "r1-"),
    ("a slash in it", "a/b"),
    ("a line's end after it", "r1\n"),
    ("a comma in it", "r1,r2"),
)


def shown(text: str) -> str:
    """Several lines aren't repeated."""
    return "the value" if "\n" in text else f'"{text}"'


def no_key(why: str, key: str) -> Bad:
    expression = {"key": key, "operator": "Exists"}
    return label(f"a key: {why}", expression, f"{shown(key)} {NO_KEY}", ".key")


def no_value(why: str, value: str) -> Bad:
    return label(
        f"a value: {why}",
        {"key": "rack", "operator": "In", "values": ["r1", value]},
        f"{shown(value)} {NO_VALUE}",
        ".values[1]",
    )


BAD = (
    label("In without values", {"key": "rack", "operator": "In"}, NEEDS_VALUES),
    label("NotIn of nothing", {"key": "rack", "operator": "NotIn", "values": []}, NEEDS_VALUES),
    label("Exists with values", {"key": "r", "operator": "Exists", "values": ["1"]}, NO_VALUES),
    label(
        "an unknown operator",
        {"key": "rack", "operator": "Gt", "values": ["1"]},
        'Unsupported value: "Gt": supported values: "In", "NotIn", "Exists", "DoesNotExist"',
        ".operator",
    ),
    label("no key", {"operator": "Exists"}, "Required value", ".key"),
    *(no_key(*case) for case in NO_KEYS if len(case[1]) <= 64),  # longer ones aren't repeated whole
    *(no_value(*case) for case in NO_VALUES_OF_A_LABEL),
    selector(
        "a label's endless value",
        {"rack": "x" * 64},
        "Too long: may not be more than 63 bytes",
        ".rack",
    ),
    *(
        selector(f"a label's name: {why}", {"rack": "1", key: "1"}, f"one of these {NO_KEY}")
        for why, key in NO_KEYS
    ),
    *(
        selector(f"a label's value: {why}", {"rack": value}, f"{shown(value)} {NO_VALUE}", "[rack]")
        for why, value in NO_VALUES_OF_A_LABEL
    ),
    selector(
        "33 labels",
        {f"a{n}": "b" for n in range(33)},
        "Too many: 33: must have at most 32 items",
    ),
)
