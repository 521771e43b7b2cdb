"""BgpPeers: how far off, by how many sessions, over which next hops; bad ones alone."""

from tests.pointsman.api.objects.base import Bad
from tests.pointsman.api.objects.peers import ROUTER, peer

BAD = (
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
