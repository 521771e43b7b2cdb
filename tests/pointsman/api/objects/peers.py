"""BgpPeers: good ones, bad ones, and the sentence each bad one gets."""

from tests.pointsman.api.objects.base import Bad, Good, of_type

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
NOT_AN_IP = (
    "is not an IP address: write one such as 192.0.2.1 or 2001:db8::1, without prefix length, "
    "port or zone"
)
NOT_A_ROUTER = (
    "is not the address of a router: write a unicast address such as 192.0.2.1 or 2001:db8::1"
)


def peer(why: str, field: str, value: object, sentence: str, at: str = "") -> Bad:
    return Bad(why, "BgpPeer", {**ROUTER, field: value}, at or f"spec.{field}", sentence)


GOOD = (
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
)


BAD = (
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
)
