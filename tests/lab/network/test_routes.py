"""Next hops are read from what `ip` prints, whatever form the route has."""

import pytest

from lab.network.routes import next_hops

SEVERAL = """[{"dst": "198.51.100.0", "nexthops": [
  {"gateway": "192.0.2.11", "weight": 1}, {"gateway": "192.0.2.12", "weight": 1}]}]"""


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        pytest.param("", set(), id="ip prints nothing at all for no route"),
        pytest.param("[]", set(), id="no route"),
        pytest.param('[{"dst": "default", "gateway": "192.0.2.1"}]', {"192.0.2.1"}, id="one"),
        pytest.param(SEVERAL, {"192.0.2.11", "192.0.2.12"}, id="several"),
        pytest.param(
            '[{"dst": "192.0.2.0/24", "via": {"family": "inet6", "host": "2001:db8::1"}}]',
            {"2001:db8::1"},
            id="an IPv4 route over an IPv6 hop",
        ),
        pytest.param('[{"type": "unreachable", "dst": "198.51.100.0/28"}]', set(), id="no hop"),
    ],
)
def test_every_gateway_of_a_route_is_a_next_hop(text: str, hops: set[str]) -> None:
    assert next_hops(text) == hops
