"""What `ip -j route show` says of next hops. Pure."""

import json


def next_hops(text: str) -> set[str]:
    """Return the gateways of all routes in *text*; an IPv6 one of an IPv4 route too (RFC 8950)."""
    hops: set[str] = set()
    for route in json.loads(text or "[]"):
        several = route.get("nexthops") or [route]
        hops |= {hop["gateway"] for hop in several if "gateway" in hop}
        hops |= {hop["via"]["host"] for hop in several if "via" in hop}
    return hops
