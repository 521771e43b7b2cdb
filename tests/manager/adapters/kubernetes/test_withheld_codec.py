"""What an agent withholds is read as withheld, however many it is, and as little else as can be."""

from ipaddress import IPv4Address, ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.planner.withheld import listed
from agent.snapshot import Assignment, Withheld
from manager.adapters.kubernetes import codec
from manager.snapshot import Announcer
from pointsman.model.assignment import KERNEL, KERNEL_INTERFACE
from pointsman.model.report import MOST_WITHHELD

FIRST = IPv4Address("198.51.100.0")
EVERY = [FIRST + number for number in range(250)]
SIX = ip_address("2001:db8::7")


def read(entries: list[dict[str, str]], *, unreachable: tuple[str, ...] = ()) -> Announcer:
    texts = [str(one) for one in EVERY]
    spec: dict[str, Any] = {
        "assignments": [
            {"interface": KERNEL_INTERFACE, "responder": KERNEL, "addresses": texts},
            {"interface": "eth0", "responder": "Node", "addresses": [str(SIX)]},
        ],
        "unreachable": [{"prefix": one, "redistribute": True} for one in unreachable],
    }
    status = {"withheld": entries}
    return codec.announcer({"metadata": {"name": "node1"}, "spec": spec, "status": status})


def entry(first: object, last: object, reason: str = "No dummy.") -> dict[str, str]:
    return {"address": str(first), "through": str(last), "reason": reason}


def test_a_run_is_every_assigned_address_in_it_and_nothing_else() -> None:
    found = read([entry(FIRST + 3, FIRST + 5)]).withheld
    together = f"withheld together with {FIRST + 3}: No dummy."
    assert found == {FIRST + 3: "No dummy.", FIRST + 4: together, FIRST + 5: together}
    far = read([entry("203.0.113.0", "2001:db7::")]).withheld
    assert list(far) == [ip_address("203.0.113.0")]


def test_a_route_lies_in_a_run_by_its_first_address() -> None:
    found = read([entry("203.0.113.0", "203.0.113.255")], unreachable=("203.0.113.16/28",)).withheld
    assert ip_address("203.0.113.16") in found


def test_what_has_an_entry_of_its_own_has_its_own_reason() -> None:
    one = {"address": str(FIRST + 4), "reason": "It is in use."}
    for entries in ([one, entry(FIRST, FIRST + 9)], [entry(FIRST, FIRST + 9), one]):
        assert read(entries).withheld[FIRST + 4] == "It is in use."


def test_a_run_that_ends_before_it_begins_is_its_first_address() -> None:
    assert list(read([entry(FIRST + 9, FIRST)]).withheld) == [FIRST + 9]


@given(st.sets(st.sampled_from(EVERY)), st.integers(1, 5))
def test_nobody_is_shown_as_having_what_the_agent_withholds(
    withheld: set[IPv4Address], reasons: int
) -> None:
    reported = listed(
        (Withheld(one, f"{one}: {int(one) % reasons}") for one in withheld),
        Assignment(kernel=frozenset(EVERY)),
    )
    assert len(reported) <= MOST_WITHHELD
    found = read([entry(one.address, one.through or one.address, one.reason) for one in reported])
    assert found.withheld.keys() >= withheld
    runs = sum(one in withheld and one - 1 not in withheld for one in EVERY)
    if runs <= MOST_WITHHELD:
        assert found.withheld.keys() == withheld
