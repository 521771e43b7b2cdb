"""Eips: good ones, bad ones, and the sentence each bad one gets."""

from tests.pointsman.api.objects.base import Bad, Good, of_type

EIP_BGP = {
    "aggregationLength": 32,
    "aggregationLengthV6": 128,
    "asPathPrepend": 0,
    "weighting": "Equal",
}
EIP_LAYER2 = {"responder": "Node", "inspection": "none", "conflictCheck": True}
POOL = {"addresses": ["192.0.2.7"]}
EIP = {
    "protocol": "bgp",
    "default": False,
    "priority": 100,
    "disabled": False,
    "publish": False,
    "avoidBuggyIPs": False,
    "bgp": EIP_BGP,
    "layer2": EIP_LAYER2,
}
LONGEST = (
    "2001:0db8:0000:0000:0000:0000:0000:0000-2001:0db8:0000:0000:0000:0000:0000:ffff"  # 79 of 89
)
FORMS = (
    "is neither an address (192.0.2.7), a network (192.0.2.0/24) nor a range "
    "(192.0.2.10-192.0.2.20)"
)
NO_COMMUNITY = (
    "is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, numbers up to "
    "4294967295), a well-known name such as no-export, or a name from communityAliases of the "
    "BgpConf"
)

NO_ADDRESSES = (
    "write the addresses of the pool into addresses, or name the IPAM that they come from in source"
)


def not_a_block(why: str, text: str) -> Bad:
    return Bad(why, "Eip", {"addresses": [text]}, "spec.addresses[0]", f'"{text}" {FORMS}')


def eip(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    spec = {"addresses": ["192.0.2.7"], field: value}
    return Bad(why, "Eip", spec, at or f"spec.{field}", sentence)


def bgp(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    return eip(why, "bgp", {field: value}, sentence, at or f"spec.bgp.{field}")


def no_community(why: str, text: str) -> Bad:
    return bgp(why, "communities", ["no-export", text], f'"{text}" {NO_COMMUNITY}',
               "spec.bgp.communities[1]")  # fmt: skip


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
)


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
    Bad("no addresses", "Eip", {"default": True}, "spec", NO_ADDRESSES),
    Bad("an empty list of addresses", "Eip", {"addresses": []}, "spec", NO_ADDRESSES),
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
        'Unsupported value: "ospf": supported values: "bgp", "layer2", "kernel", "none"',
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
)
