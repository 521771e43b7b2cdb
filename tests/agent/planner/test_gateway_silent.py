"""The condition Unacknowledged: a gateway that was asked as an address, and did not answer."""

from dataclasses import replace
from ipaddress import ip_address

from agent.planner.report import report
from agent.snapshot import Unacknowledged
from tests.agent.planner.test_report import link, on, snapshot


def test_a_gateway_that_does_not_acknowledge_is_said_while_it_is_so() -> None:
    gateway, others = ip_address("192.0.2.1"), [ip_address(f"192.0.2.{n}") for n in range(200, 249)]
    silent = tuple(Unacknowledged(one, "eth0", gateway) for one in reversed(others))
    made = replace(snapshot(link(2, "eth0"), on(2, "192.0.2.11/24")), unacknowledged=silent)
    condition = report(made).conditions["Unacknowledged"]
    assert (condition.status, condition.reason) == ("True", "GatewaySilent")
    assert "answers for 192.0.2.200, " in condition.message
    assert "and others, asked 192.0.2.1 on eth0 in that name" in condition.message
    assert len(condition.message) < 600
    assert "Unacknowledged" not in report(replace(made, unacknowledged=())).conditions
