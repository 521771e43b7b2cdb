"""What is sent unasked: in which order, and never faster than the rate."""

from ipaddress import IPv4Address, IPv6Address
from random import Random

from pointsman.model.address import Address
from pointsman.responder.counters import Counters
from pointsman.responder.holding import Holding
from pointsman.responder.timing import ARP_ROUNDS_S
from pointsman.responder.unasked import Unasked
from tests.pointsman.responder.bench import OWN, V4, says

ROUTERS = (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"), IPv6Address("fe80::1"))


def turns(rate: int) -> Unasked:
    made = Unasked(Counters(), Random(1), mac=OWN, link_local=None, rate=rate, now_s=0.0)
    made.follow_gateways(ROUTERS, 0.0)
    return made


def test_a_question_to_each_gateway_costs_a_frame_of_the_rate() -> None:
    made, holding = turns(10), Holding(ARP_ROUNDS_S)  # its burst is two

    def acted(address: Address, one: Holding, now_s: float) -> None:
        made.arrange(address, one, now_s, up=True)

    holding.announce(0.0)
    acted(V4, holding, 0.0)
    assert [says(f)[0] for f in made.due({V4: holding}, 0.0, acted)] == ["announce", "ask"]
    # The second gateway has waited for its frame; then announcements go on.
    kinds = [says(f)[0] for f in made.due({V4: holding}, 5.0, acted)]
    assert kinds == ["ask", "announce"]
    kinds = [says(f)[0] for f in made.due({V4: holding}, 7.0, acted)]
    assert kinds == ["ask", "ask"]


def test_what_is_forgotten_has_no_turn() -> None:
    made, holding = turns(100), Holding(ARP_ROUNDS_S)
    holding.announce(0.0)
    made.arrange(V4, holding, 0.0, up=True)
    made.asks.begin(V4, 0.0)
    assert len(made) == 1
    made.forget(V4)
    assert (len(made), made.next_s(), made.due({}, 9.0, lambda *_: None)) == (0, None, [])
