"""Good and bad custom resources, and the sentence each bad one gets.

One table for everything that judges them: the models, the stand-in API and a real API
server. A sentence is what follows `FIELD: ` in the model's answer, and what the API
server's cause for that field ends in (it puts `Invalid value: "string": ` before ours).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.api import AnnouncerSpec, BgpConfSpec, BgpPeerSpec, EipSpec
from pointsman.api.base import ApiModel

SPECS: Mapping[str, type[ApiModel]] = {
    "Eip": EipSpec,
    "BgpConf": BgpConfSpec,
    "BgpPeer": BgpPeerSpec,
    "Announcer": AnnouncerSpec,
}


@dataclass(frozen=True, slots=True)
class Good:
    """A spec that is accepted. `stored` is what defaults make of it, where it is checked."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    stored: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A spec that is refused, with the field and the sentence."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    field: str
    sentence: str


EIP_BGP = {
    "aggregationLength": 32,
    "aggregationLengthV6": 128,
    "asPathPrepend": 0,
    "weighting": "Equal",
}
POOL = {"addresses": ["192.0.2.7"]}
EIP = {
    "protocol": "bgp",
    "default": False,
    "priority": 100,
    "disabled": False,
    "avoidBuggyIPs": False,
    "bgp": EIP_BGP,
}
CONF = {"listenPort": 0, "gracefulRestart": {"enabled": "Auto", "restartSeconds": 120}}
PEER = {
    "port": 179,
    "ttlSecurity": False,
    "passive": False,
    "timers": {"holdSeconds": 9, "keepaliveSeconds": 3, "connectRetrySeconds": 5},
    "families": ["ipv4-unicast", "ipv6-unicast"],
    "addPath": {"enabled": True},
    "nextHops": {"scope": "Auto"},
    "disabled": False,
}
ROUTER = {"address": "192.0.2.1", "as": 64500}

LONGEST = (
    "2001:0db8:0000:0000:0000:0000:0000:0000-2001:0db8:0000:0000:0000:0000:0000:ffff"  # 79 of 89
)

LABELS = {
    "matchLabels": {
        "rack": "",
        "a": "R-1_x.y",
        "example.com/rack.1_A-b": "x" * 63,
        f"{'x' * 253}/{'y' * 63}": "1",
    },
    "matchExpressions": [
        {"key": f"{'x' * 253}/{'y' * 63}", "operator": "In", "values": ["", "A", "0.1"]}
    ],
}
GOOD = (
    Good(
        "a pool of every form",
        "Eip",
        {"addresses": ["192.0.2.7", "198.51.100.0/24", "192.0.2.10-192.0.2.20", "2001:db8::/64"]},
    ),
    Good(
        "defaults of a pool",
        "Eip",
        {"addresses": ["198.51.100.0/28"]},
        {"addresses": ["198.51.100.0/28"], **EIP},
    ),
    Good("host bits are masked, not refused", "Eip", {"addresses": ["198.51.100.7/24"]}),
    Good("the longest range", "Eip", {"addresses": [LONGEST]}),
    Good("64 entries", "Eip", {"addresses": [f"192.0.2.{n}" for n in range(64)]}),
    Good("a reversed range is the planner's", "Eip", {"addresses": ["192.0.2.9-192.0.2.1"]}),
    Good("a null is as good as absent", "Eip", {"addresses": ["192.0.2.7"], "priority": None}),
    Good(
        "a pool with everything set",
        "Eip",
        {
            "addresses": ["192.0.2.0/24"],
            "exclude": ["192.0.2.1", "192.0.2.250-192.0.2.255"],
            "protocol": "none",
            "default": True,
            "priority": -5,
            "disabled": True,
            "avoidBuggyIPs": True,
            "namespaces": ["default", "team-1"],
            "namespaceSelector": {"matchLabels": {"team": "a"}},
            "serviceSelector": {
                "matchExpressions": [
                    {"key": "pointsman.dev/service-name", "operator": "In", "values": ["web"]},
                    {"key": "internal", "operator": "DoesNotExist"},
                ]
            },
            "nodeSelector": {},
            "bgp": {
                "aggregationLength": 24,
                "aggregationLengthV6": 64,
                "communities": ["65000:100", "65000:1:4294967295", "no-export", "customers"],
                "localPref": 4_294_967_295,
                "med": 0,
                "asPathPrepend": 3,
                "peers": ["tor-1", "tor-2.example.com"],
                "weighting": "Endpoints",
            },
        },
    ),
    Good(
        "one attribute; the rest by default",
        "Eip",
        {"addresses": ["192.0.2.7"], "bgp": {"med": 5}},
        {"addresses": ["192.0.2.7"], **EIP, "bgp": {**EIP_BGP, "med": 5}},
    ),
    Good("leading zeros of a community", "Eip", {**POOL, "bgp": {"communities": ["06500:001"]}}),
    Good("the smallest AS", "BgpConf", {"as": 1}),
    Good("the largest AS", "BgpConf", {"as": 4_294_967_295}),
    Good("a router id", "BgpConf", {"as": 64501, "routerId": "198.18.0.1"}),
    Good("defaults of a speaker", "BgpConf", {"as": 64501}, {"as": 64501, **CONF}),
    Good(
        "a speaker with everything set",
        "BgpConf",
        {
            "as": 64501,
            "routerId": "198.18.0.1",
            "listenPort": 1790,
            "listenAddresses": ["192.0.2.10", "2001:db8:2::10"],
            "gracefulRestart": {"enabled": "Never", "restartSeconds": 4095},
            "communityAliases": {"customers": "65000:1:2", "quiet": "no-export", "a": "0:0"},
        },
    ),
    Good("defaults of a peer", "BgpPeer", ROUTER, {**ROUTER, **PEER}),
    Good("an IPv6 peer", "BgpPeer", {"address": "2001:db8:2::1", "as": 64500}),
    Good("a peer on a loopback address, for labs", "BgpPeer", {"address": "127.0.0.1", "as": 1}),
    Good("a cloud's link-local IPv4 peer", "BgpPeer", {"address": "169.254.0.1", "as": 64500}),
    Good("no hold time", "BgpPeer", {**ROUTER, "timers": {"holdSeconds": 0}}),
    Good(
        "the shortest hold time; other timers by default",
        "BgpPeer",
        {**ROUTER, "timers": {"holdSeconds": 3}},
        {
            **ROUTER,
            **PEER,
            "timers": {"holdSeconds": 3, "keepaliveSeconds": 3, "connectRetrySeconds": 5},
        },
    ),
    Good(
        "a peer with everything set",
        "BgpPeer",
        {
            "address": "2001:db8::1",
            "as": 64500,
            "port": 1790,
            "localAs": 64777,
            "sourceAddress": "2001:db8::2",
            "passwordSecretRef": {"name": "routers", "key": "tor-1"},
            "ttlSecurity": True,
            "passive": True,
            "timers": {"holdSeconds": 90, "keepaliveSeconds": 30, "connectRetrySeconds": 1},
            "gracefulRestart": {"enabled": "Always", "restartSeconds": 1},
            "bfd": {
                "enabled": True,
                "transmitMilliseconds": 10,
                "receiveMilliseconds": 60_000,
                "multiplier": 255,
            },
            "families": ["ipv6-unicast"],
            "addPath": {"enabled": False},
            "nextHops": {
                "scope": "Connected",
                "nodeSelector": {"matchLabels": {"rack": "1"}},
                "maxPaths": 4,
            },
            "disabled": True,
        },
    ),
    Good(
        "labels of every form",
        "BgpPeer",
        {**ROUTER, "nextHops": {"nodeSelector": LABELS}},
        {**ROUTER, **PEER, "nextHops": {"scope": "Auto", "nodeSelector": LABELS}},
    ),
    Good(
        "a distant router",
        "BgpPeer",
        {**ROUTER, "ebgpMultihop": {"ttl": 255}, "bfd": {"multiplier": 5}},
        {
            **ROUTER,
            **PEER,
            "ebgpMultihop": {"ttl": 255},
            "bfd": {
                "enabled": False,
                "transmitMilliseconds": 300,
                "receiveMilliseconds": 300,
                "multiplier": 5,
            },
        },
    ),
    Good(
        "a router with parallel sessions",
        "BgpPeer",
        {**ROUTER, "parallelSessions": {"sourceAddresses": ["192.0.2.101", "192.0.2.102"]}},
        {
            **ROUTER,
            **PEER,
            "parallelSessions": {"sourceAddresses": ["192.0.2.101", "192.0.2.102"]},
        },
    ),
    Good("an announcer", "Announcer", {}),
)

FORMS = (
    "is neither an address (192.0.2.7), a network (192.0.2.0/24) nor a range "
    "(192.0.2.10-192.0.2.20)"
)
NOT_AN_IP = (
    "is not an IP address: write one such as 192.0.2.1 or 2001:db8::1, without prefix length, "
    "port or zone"
)
NOT_A_ROUTER = (
    "is not the address of a router: write a unicast address such as 192.0.2.1 or 2001:db8::1"
)
NOT_AN_ID = "is not a router id: write an IPv4 address other than 0.0.0.0, such as 198.18.0.1"
NO_COMMUNITY = (
    "is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, numbers up to "
    "4294967295), a well-known name such as no-export, or a name from communityAliases of the "
    "BgpConf"
)
NOT_ORIGINAL = (
    "is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, numbers up to "
    "4294967295) or a well-known name such as no-export"
)
NO_ALIAS = (
    "an alias has lower-case letters, digits and dashes, at most 63 of them, begins with a "
    "letter, and is not a well-known name such as no-export"
)
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


def not_a_block(why: str, text: str) -> Bad:
    return Bad(why, "Eip", {"addresses": [text]}, "spec.addresses[0]", f'"{text}" {FORMS}')


def eip(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    spec = {"addresses": ["192.0.2.7"], field: value}
    return Bad(why, "Eip", spec, at or f"spec.{field}", sentence)


def conf(why: str, field: str, value: object, sentence: str) -> Bad:
    return Bad(why, "BgpConf", {"as": 64501, field: value}, f"spec.{field}", sentence)


def peer(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    return Bad(why, "BgpPeer", {**ROUTER, field: value}, at or f"spec.{field}", sentence)


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


def bgp(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    return eip(why, "bgp", {field: value}, sentence, at or f"spec.bgp.{field}")


def no_community(why: str, text: str) -> Bad:
    return bgp(why, "communities", ["no-export", text], f'"{text}" {NO_COMMUNITY}',
               "spec.bgp.communities[1]")  # fmt: skip


def of_type(path: str, wanted: str, found: str) -> str:
    return f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'


BAD = (
    not_a_block("an octet over 255", "10.0.0.300"),
    not_a_block("leading zeros", "192.0.2.007"),
    not_a_block("a dotted mask", "192.0.2.0/255.255.255.0"),
    not_a_block("a prefix length over 32", "192.0.2.0/33"),
    not_a_block("a prefix length with a zero before it", "192.0.2.0/024"),
    not_a_block("a slash and nothing", "192.0.2.0/"),
    not_a_block("IPv4-mapped IPv6", "::ffff:192.0.2.1"),
    not_a_block("a zone", "fe80::1%eth0"),
    not_a_block("a zone in a network", "fe80::%eth0/64"),
    not_a_block("spaces around the dash", "192.0.2.10 - 192.0.2.20"),
    not_a_block("half a range", "192.0.2.10-"),
    not_a_block("a short range", "192.0.2.10-20"),
    not_a_block("a range of networks", "192.0.2.0/28-192.0.2.16/28"),
    not_a_block("two dashes", "192.0.2.1-192.0.2.2-192.0.2.3"),
    not_a_block("a host name", "lb.example.com"),
    not_a_block("nothing", ""),
    not_a_block("two addresses in one entry", "192.0.2.1,192.0.2.2"),
    Bad(
        "a mixed range",
        "Eip",
        {"addresses": ["192.0.2.7", "192.0.2.1-2001:db8::1"]},
        "spec.addresses[1]",
        '"192.0.2.1-2001:db8::1" mixes IPv4 and IPv6: write one range for each family',
    ),
    Bad("no addresses", "Eip", {"default": True}, "spec.addresses", "Required value"),
    Bad(
        "an empty list of addresses",
        "Eip",
        {"addresses": []},
        "spec.addresses",
        "Invalid value: 0: spec.addresses in body should have at least 1 items",
    ),
    Bad(
        "65 entries",
        "Eip",
        {"addresses": [f"192.0.2.{n}" for n in range(65)]},
        "spec.addresses",
        "Too many: 65: must have at most 64 items",
    ),
    Bad(
        "an endless entry",
        "Eip",
        {"addresses": ["1" * 90]},
        "spec.addresses[0]",
        "Too long: may not be more than 89 bytes",
    ),
    Bad(
        "one address instead of a list",
        "Eip",
        {"addresses": "192.0.2.7"},
        "spec.addresses",
        of_type("spec.addresses", "array", "string"),
    ),
    eip("a bad exclusion", "exclude", ["10.0.0.300"], f'"10.0.0.300" {FORMS}', "spec.exclude[0]"),
    eip(
        "an unknown protocol",
        "protocol",
        "ospf",
        'Unsupported value: "ospf": supported values: "bgp", "none"',
    ),
    eip("a word for a bool", "default", "yes", of_type("spec.default", "boolean", "string")),
    eip("a number in quotes", "priority", "1", of_type("spec.priority", "integer", "string")),
    eip(
        "a priority beyond 32 bits",
        "priority",
        2_147_483_648,
        "Invalid value: 2147483648: spec.priority in body should be less than or equal to "
        "2147483647",
    ),
    eip(
        "not a namespace's name",
        "namespaces",
        ["Team A"],
        'Invalid value: "Team A": spec.namespaces[0] in body should match '
        "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
        "spec.namespaces[0]",
    ),
    eip(
        "a namespace twice",
        "namespaces",
        ["a", "b", "a"],
        'Duplicate value: "a"',
        "spec.namespaces[2]",
    ),
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
    no_community("a half over two octets", "65536:1"),
    no_community("a half too long to count", "100000:1"),
    no_community("a third over four octets", "1:2:4294967296"),
    no_community("four numbers", "1:2:3:4"),
    no_community("one number", "65000"),
    no_community("a negative half", "-1:5"),
    no_community("capitals", "NO_EXPORT"),
    no_community("a space", "65000: 100"),
    bgp(
        "a community twice",
        "communities",
        ["1:1", "1:1"],
        'Duplicate value: "1:1"',
        "spec.bgp.communities[1]",
    ),
    bgp(
        "an aggregate of everything",
        "aggregationLength",
        0,
        "Invalid value: 0: spec.bgp.aggregationLength in body should be greater than or equal to 1",
    ),
    bgp(
        "an aggregate narrower than a host",
        "aggregationLength",
        33,
        "Invalid value: 33: spec.bgp.aggregationLength in body should be less than or equal to 32",
    ),
    bgp(
        "an IPv6 aggregate narrower than a host",
        "aggregationLengthV6",
        129,
        "Invalid value: 129: spec.bgp.aggregationLengthV6 in body should be less than or equal "
        "to 128",
    ),
    bgp(
        "a preference of five octets",
        "localPref",
        4_294_967_296,
        "Invalid value: 4294967296: spec.bgp.localPref in body should be less than or equal "
        "to 4294967295",
    ),
    bgp(
        "a negative metric",
        "med",
        -1,
        "Invalid value: -1: spec.bgp.med in body should be greater than or equal to 0",
    ),
    bgp(
        "an endless path",
        "asPathPrepend",
        33,
        "Invalid value: 33: spec.bgp.asPathPrepend in body should be less than or equal to 32",
    ),
    bgp("a peer twice", "peers", ["a", "a"], 'Duplicate value: "a"', "spec.bgp.peers[1]"),
    bgp(
        "an unknown weighting",
        "weighting",
        "Random",
        'Unsupported value: "Random": supported values: "Equal", "Endpoints"',
    ),
    conf(
        "a port beyond 16 bits",
        "listenPort",
        65_536,
        "Invalid value: 65536: spec.listenPort in body should be less than or equal to 65535",
    ),
    Bad(
        "a host name to listen on",
        "BgpConf",
        {"as": 1, "listenAddresses": ["node1"]},
        "spec.listenAddresses[0]",
        '"node1" is not an IP address: write one of the host, such as 192.0.2.10, without prefix '
        "length, port or zone",
    ),
    Bad(
        "a restart beyond 12 bits",
        "BgpConf",
        {"as": 1, "gracefulRestart": {"restartSeconds": 4096}},
        "spec.gracefulRestart.restartSeconds",
        "Invalid value: 4096: spec.gracefulRestart.restartSeconds in body should be less than or "
        "equal to 4095",
    ),
    Bad(
        "graceful restart as a bool",
        "BgpConf",
        {"as": 1, "gracefulRestart": {"enabled": "Yes"}},
        "spec.gracefulRestart.enabled",
        'Unsupported value: "Yes": supported values: "Auto", "Always", "Never"',
    ),
    Bad(
        "an alias of an alias",
        "BgpConf",
        {"as": 1, "communityAliases": {"a": "b"}},
        "spec.communityAliases[a]",
        f'"b" {NOT_ORIGINAL}',
    ),
    conf("an alias with capitals", "communityAliases", {"Customers": "1:1"}, NO_ALIAS),
    conf("an alias like a well-known name", "communityAliases", {"no-export": "1:1"}, NO_ALIAS),
    Bad("no AS", "BgpConf", {"routerId": "198.18.0.1"}, "spec.as", "Required value"),
    conf(
        "AS 0",
        "as",
        0,
        "Invalid value: 0: spec.as in body should be greater than or equal to 1",
    ),
    conf(
        "an AS of five octets",
        "as",
        4_294_967_296,
        "Invalid value: 4294967296: spec.as in body should be less than or equal to 4294967295",
    ),
    conf("an AS in asdot", "as", "1.10", of_type("spec.as", "integer", "string")),
    conf("an IPv6 router id", "routerId", "2001:db8::1", f'"2001:db8::1" {NOT_AN_ID}'),
    conf("router id 0", "routerId", "0.0.0.0", f'"0.0.0.0" {NOT_AN_ID}'),
    conf("a name for a router id", "routerId", "tor-1", f'"tor-1" {NOT_AN_ID}'),
    Bad("no address", "BgpPeer", {"as": 64500}, "spec.address", "Required value"),
    Bad("no AS of the peer", "BgpPeer", {"address": "192.0.2.1"}, "spec.as", "Required value"),
    peer("a host name", "address", "tor-1", f'"tor-1" {NOT_AN_IP}'),
    peer("a prefix length", "address", "192.0.2.1/24", f'"192.0.2.1/24" {NOT_AN_IP}'),
    peer("a port", "address", "192.0.2.1:179", f'"192.0.2.1:179" {NOT_AN_IP}'),
    peer("a zone", "address", "fe80::1%eth0", f'"fe80::1%eth0" {NOT_AN_IP}'),
    peer("IPv4-mapped", "address", "::ffff:192.0.2.1", f'"::ffff:192.0.2.1" {NOT_AN_IP}'),
    peer("unspecified IPv4", "address", "0.0.0.0", f'"0.0.0.0" {NOT_A_ROUTER}'),
    peer("unspecified IPv6", "address", "::", f'"::" {NOT_A_ROUTER}'),
    peer("multicast IPv4", "address", "224.0.0.5", f'"224.0.0.5" {NOT_A_ROUTER}'),
    peer("broadcast", "address", "255.255.255.255", f'"255.255.255.255" {NOT_A_ROUTER}'),
    peer("multicast IPv6", "address", "ff02::5", f'"ff02::5" {NOT_A_ROUTER}'),
    peer(
        "link-local IPv6",
        "address",
        "fe80::1",
        '"fe80::1" is link-local, which does not say on which link: write an address of the '
        "router that is not from fe80::/10",
    ),
    peer(
        "port 0",
        "port",
        0,
        "Invalid value: 0: spec.port in body should be greater than or equal to 1",
    ),
    peer(
        "port 65536",
        "port",
        65_536,
        "Invalid value: 65536: spec.port in body should be less than or equal to 65535",
    ),
    peer(
        "hold 2",
        "timers",
        {"holdSeconds": 2},
        "a hold time of 1 or 2 seconds is not allowed: use 0 (off) or at least 3",
        "spec.timers.holdSeconds",
    ),
    peer(
        "hold beyond two octets",
        "timers",
        {"holdSeconds": 65_536},
        "Invalid value: 65536: spec.timers.holdSeconds in body should be less than or equal to "
        "65535",
        "spec.timers.holdSeconds",
    ),
    peer(
        "keepalive longer than hold",
        "timers",
        {"holdSeconds": 9, "keepaliveSeconds": 10},
        "keepaliveSeconds is longer than holdSeconds, so every session would expire: use at most "
        "a third of holdSeconds",
        "spec.timers",
    ),
    peer(
        "keepalive 0",
        "timers",
        {"keepaliveSeconds": 0},
        "Invalid value: 0: spec.timers.keepaliveSeconds in body should be greater than or equal "
        "to 1",
        "spec.timers.keepaliveSeconds",
    ),
    peer("timers as a number", "timers", 9, of_type("spec.timers", "object", "integer")),
    peer(
        "no family",
        "families",
        [],
        "Invalid value: 0: spec.families in body should have at least 1 items",
    ),
    peer(
        "a family twice",
        "families",
        ["ipv4-unicast", "ipv4-unicast"],
        'Duplicate value: "ipv4-unicast"',
        "spec.families[1]",
    ),
    peer(
        "an unknown family",
        "families",
        ["evpn"],
        'Unsupported value: "evpn": supported values: "ipv4-unicast", "ipv6-unicast"',
        "spec.families[0]",
    ),
    peer(
        "a number for a bool",
        "addPath",
        {"enabled": 1},
        of_type("spec.addPath.enabled", "boolean", "integer"),
        "spec.addPath.enabled",
    ),
    peer(
        "local AS 0",
        "localAs",
        0,
        "Invalid value: 0: spec.localAs in body should be greater than or equal to 1",
    ),
    peer("a host name as source", "sourceAddress", "me", f'"me" {NOT_AN_IP}'),
    peer(
        "a source of the other family",
        "sourceAddress",
        "2001:db8::1",
        "sourceAddress and address are of different families: a session runs over one of them",
        "spec",
    ),
    peer(
        "a password without its key",
        "passwordSecretRef",
        {"name": "routers"},
        "Required value",
        "spec.passwordSecretRef.key",
    ),
    peer(
        "multihop without a distance", "ebgpMultihop", {}, "Required value", "spec.ebgpMultihop.ttl"
    ),
    peer(
        "a TTL of two octets",
        "ebgpMultihop",
        {"ttl": 256},
        "Invalid value: 256: spec.ebgpMultihop.ttl in body should be less than or equal to 255",
        "spec.ebgpMultihop.ttl",
    ),
    Bad(
        "one hop away and further off",
        "BgpPeer",
        {**ROUTER, "ebgpMultihop": {"ttl": 2}, "ttlSecurity": True},
        "spec",
        "ttlSecurity asks for a router one hop away, ebgpMultihop for one further off: set one "
        "of the two",
    ),
    Bad(
        "BFD over several hops",
        "BgpPeer",
        {**ROUTER, "ebgpMultihop": {"ttl": 2}, "bfd": {"enabled": True}},
        "spec",
        "BFD works over one hop only: remove bfd, or ebgpMultihop",
    ),
    Bad(
        "parallel sessions over another family",
        "BgpPeer",
        {**ROUTER, "parallelSessions": {"sourceAddresses": ["192.0.2.9", "2001:db8:2::9"]}},
        "spec",
        "parallelSessions.sourceAddresses and address are of different families: a session runs "
        "over one of them",
    ),
    *(
        Bad(
            f"parallel sessions and {field}",
            "BgpPeer",
            {**ROUTER, "parallelSessions": {"sourceAddresses": ["192.0.2.9"]}, field: value},
            "spec",
            "parallelSessions open one session from each of their own sourceAddresses: remove "
            "sourceAddress, passive and bfd, which are for a single session",
        )
        for field, value in (
            ("sourceAddress", "192.0.2.9"),
            ("passive", True),
            ("bfd", {"enabled": True}),
        )
    ),
    peer(
        "one source for two sessions",
        "parallelSessions",
        {"sourceAddresses": ["192.0.2.9", "192.0.2.9"]},
        'Duplicate value: "192.0.2.9"',
        "spec.parallelSessions.sourceAddresses[1]",
    ),
    peer(
        "parallel sessions from nowhere",
        "parallelSessions",
        {"sourceAddresses": []},
        "Invalid value: 0: spec.parallelSessions.sourceAddresses in body should have at least 1 "
        "items",
        "spec.parallelSessions.sourceAddresses",
    ),
    peer(
        "BFD in microseconds",
        "bfd",
        {"transmitMilliseconds": 300_000},
        "Invalid value: 300000: spec.bfd.transmitMilliseconds in body should be less than or "
        "equal to 60000",
        "spec.bfd.transmitMilliseconds",
    ),
    peer(
        "an unknown scope",
        "nextHops",
        {"scope": "Rack"},
        'Unsupported value: "Rack": supported values: "Auto", "Connected", "All"',
        "spec.nextHops.scope",
    ),
    peer(
        "no path at all",
        "nextHops",
        {"maxPaths": 0},
        "Invalid value: 0: spec.nextHops.maxPaths in body should be greater than or equal to 1",
        "spec.nextHops.maxPaths",
    ),
    peer(
        "more paths than one byte counts",
        "nextHops",
        {"maxPaths": 256},
        "Invalid value: 256: spec.nextHops.maxPaths in body should be less than or equal to 255",
        "spec.nextHops.maxPaths",
    ),
)
