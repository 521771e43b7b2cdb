"""BgpConfs: good ones, bad ones, and the sentence each bad one gets."""

from tests.pointsman.api.objects.base import Bad, Good, of_type

CONF = {
    "listenPort": 0,
    "gracefulRestart": {"enabled": "Auto", "restartSeconds": 120},
    "gracefulShutdownSeconds": 5,
}
NOT_AN_ID = "is not a router id: write an IPv4 address other than 0.0.0.0, such as 198.18.0.1"
NOT_ORIGINAL = (
    "is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, numbers up to "
    "4294967295) or a well-known name such as no-export"
)
NO_ALIAS = (
    "an alias has lower-case letters, digits and dashes, at most 63 of them, begins with a "
    "letter, and is not a well-known name such as no-export"
)


def conf(why: str, field: str, value: object, sentence: str) -> Bad:
    return Bad(why, "BgpConf", {"as": 64501, field: value}, f"spec.{field}", sentence)


GOOD = (
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
            "confederation": {"identifier": 64500, "members": [64496, 64505]},
            "gracefulRestart": {"enabled": "Never", "restartSeconds": 4095},
            "gracefulShutdownSeconds": 600,
            "communityAliases": {"customers": "65000:1:2", "quiet": "no-export", "a": "0:0"},
        },
    ),
)


BAD = (
    Bad(
        "a confederation without members",
        "BgpConf",
        {"as": 64501, "confederation": {"identifier": 64500, "members": []}},
        "spec.confederation.members",
        "Invalid value: 0: spec.confederation.members in body should have at least 1 items",
    ),
    Bad(
        "a member that is no AS",
        "BgpConf",
        {"as": 64501, "confederation": {"identifier": 64500, "members": [0]}},
        "spec.confederation.members[0]",
        "Invalid value: 0: spec.confederation.members[0] in body should be greater than or equal "
        "to 1",
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
    conf(
        "a drain of more than ten minutes",
        "gracefulShutdownSeconds",
        601,
        "Invalid value: 601: spec.gracefulShutdownSeconds in body should be less than or equal "
        "to 600",
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
)
