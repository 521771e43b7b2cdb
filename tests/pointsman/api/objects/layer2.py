"""Eips of protocol layer2, and the Announcers that say who answers."""

from tests.pointsman.api.objects.base import Bad, Good, of_type
from tests.pointsman.api.objects.eips import EIP, EIP_LAYER2, POOL, eip

NO_INTERFACE = (
    "is neither the name of an interface (eth0; at most 15 characters, without spaces, slashes "
    "and colons) nor can_reach: with an address (can_reach:192.0.2.1); leave it out for the "
    "interface whose subnet holds the address"
)
ADDRESS = "^[0-9a-fA-F:.]{2,45}$"
ON_ETH0 = {"interface": "eth0", "responder": "Node", "addresses": ["192.0.2.7", "2001:db8:2::7"]}


def layer2(why: str, field: str, value: object, sentence: str) -> Bad:
    return eip(why, "layer2", {field: value}, sentence, f"spec.layer2.{field}")


def no_interface(why: str, text: str) -> Bad:
    return layer2(why, "interface", text, f'"{text}" {NO_INTERFACE}')


def assigned(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    at = f"spec.assignments[0].{at or field}"
    return Bad(why, "Announcer", {"assignments": [{**ON_ETH0, field: value}]}, at, sentence)


GOOD = (
    Good(
        "everything of layer2",
        "Eip",
        {
            "addresses": ["192.0.2.0/28", "2001:db8:2::/120"],
            "protocol": "layer2",
            "layer2": {
                "interface": "can_reach:192.0.2.1",
                "responder": "Central",
                "preferredNodes": {"matchLabels": {"rack": "a"}},
                "inspection": "strict",
                "conflictCheck": False,
            },
        },
    ),
    Good(
        "an interface alone; the rest by default",
        "Eip",
        {**POOL, "protocol": "layer2", "layer2": {"interface": "eth0.7"}},
        {
            **POOL,
            **EIP,
            "protocol": "layer2",
            "layer2": {**EIP_LAYER2, "interface": "eth0.7"},
        },
    ),
    Good("layer2 of another protocol", "Eip", {**POOL, "layer2": {"inspection": "strict"}}),
    Good("no interface in particular", "Eip", {**POOL, "layer2": {"interface": ""}}),
    Good("a name of 15 characters", "Eip", {**POOL, "layer2": {"interface": "br-0123456789ab"}}),
    Good("an IPv6 router", "Eip", {**POOL, "layer2": {"interface": "can_reach:2001:db8:2::1"}}),
    Good("an announcer", "Announcer", {}),
    Good(
        "an announcer with addresses",
        "Announcer",
        {
            "assignments": [
                {**ON_ETH0, "probe": ["192.0.2.7"], "announceRate": 10},
                {**ON_ETH0, "responder": "Central", "addresses": ["192.0.2.8"]},
                {**ON_ETH0, "interface": "eth1", "addresses": []},
                {**ON_ETH0, "interface": "dummy-pointsman", "responder": "Kernel"},
            ]
        },
    ),
    Good(
        "an announcer with routes and what is watched",
        "Announcer",
        {
            "unreachable": [
                {"prefix": "192.0.2.0/24", "redistribute": True},
                {"prefix": "2001:db8:2::/64", "redistribute": False},
            ],
            "watched": ["192.0.2.0/24", "2001:db8:2::7/128"],
        },
    ),
)

BAD = (
    no_interface("a name of 16 characters", "br-0123456789abc"),
    no_interface("a name with a space", "eth 0"),
    no_interface("a path", "net/eth0"),
    no_interface("an alias of an address", "eth0:1"),
    no_interface("a router without an address", "can_reach:"),
    no_interface("a router's name", "can_reach:gw"),
    no_interface("a router's network", "can_reach:192.0.2.0/24"),
    no_interface("a router with a zone", "can_reach:fe80::1%eth0"),
    no_interface("a hyphen where none is", "can-reach:192.0.2.1"),
    layer2(
        "an unknown responder",
        "responder",
        "Kernel",
        'Unsupported value: "Kernel": supported values: "Node", "Central"',
    ),
    layer2(
        "an unknown inspection",
        "inspection",
        "dai",
        'Unsupported value: "dai": supported values: "none", "strict"',
    ),
    layer2(
        "a word for a bool of layer2",
        "conflictCheck",
        "no",
        of_type("spec.layer2.conflictCheck", "boolean", "string"),
    ),
    assigned(
        "a network for an address",
        "addresses",
        ["192.0.2.7", "192.0.2.0/24"],
        'Invalid value: "192.0.2.0/24": spec.assignments[0].addresses[1] in body should match '
        f"'{ADDRESS}'",
        "addresses[1]",
    ),
    assigned(
        "an unknown responder of an address",
        "responder",
        "Switch",
        'Unsupported value: "Switch": supported values: "Node", "Central", "Kernel"',
    ),
    Bad(
        "a route without a length",
        "Announcer",
        {"unreachable": [{"prefix": "192.0.2.0", "redistribute": True}]},
        "spec.unreachable[0].prefix",
        'Invalid value: "192.0.2.0": spec.unreachable[0].prefix in body should match '
        "'^[0-9a-fA-F:.]{2,39}/[0-9]{1,3}$'",
    ),
    Bad(
        "a route of which nobody knows who picks it up",
        "Announcer",
        {"unreachable": [{"prefix": "192.0.2.0/24"}]},
        "spec.unreachable[0].redistribute",
        "Required value",
    ),
    assigned(
        "no announcements at all",
        "announceRate",
        0,
        "Invalid value: 0: spec.assignments[0].announceRate in body should be greater than or "
        "equal to 1",
    ),
)
