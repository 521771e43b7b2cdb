"""`responder: Central`: what the manager answers for, and what its Eip says of that."""

from dataclasses import replace
from ipaddress import ip_address

from manager.planner.plan import plan
from manager.snapshot import Conflict, NodeName
from pointsman.model.names import ANNOUNCED
from tests.manager.planner.layer2.lan import (
    FIRST,
    WEB,
    entries,
    lan,
    lan_eip,
    owners,
    served,
    settled,
    steps,
)


def test_central_is_assigned_alike_and_the_manager_is_told_the_mac() -> None:
    central = lan_eip(responder="Central")
    rounds = list(steps(lan(*served(WEB), central)))
    assert not rounds[1][1].answers  # planned, and it stands nowhere yet
    seen, decided = rounds[-1]
    (at,) = owners(seen)[FIRST]
    n = int(at.partition("/")[0].removeprefix("node"))
    assert decided.answers == {ip_address(FIRST): bytes([2, 0, 0, 0, 0, n])}
    assert [e["responder"] for e in entries(decided)] == ["Central"]
    heard = {ip_address(FIRST): Conflict("eth0", "02:00:00:00:00:99")}
    node = NodeName(f"node{n}")
    defended = replace(seen.announcers[node], conflicts=heard)
    there = {**seen.announcers, node: defended}
    assert plan(replace(seen, announcers=there)).answers == decided.answers
    withheld = replace(defended, withheld={ip_address(FIRST): "in use"})
    there = {**seen.announcers, node: withheld}
    assert not plan(replace(seen, announcers=there)).answers
    (assigned,) = seen.announcers[node].assignments
    to_probe = replace(assigned, probe=assigned.addresses)
    probing = replace(seen.announcers[node], assignments=(to_probe,), generation=9, executes=8)
    there = {**seen.announcers, node: probing}
    assert not plan(replace(seen, announcers=there)).answers
    assert not settled(lan())[1].answers


def test_what_others_claim_where_only_the_manager_hears_it_is_said() -> None:
    seen, decided = settled(lan(*served(WEB), lan_eip(responder="Central")))
    heard = {ip_address(FIRST): "02:00:00:00:00:99"}
    claimed = plan(replace(seen, claimed=heard))
    record = claimed.services[WEB.key]
    assert record.conditions[ANNOUNCED].reason == "AddressConflict"
    assert "02:00:00:00:00:99 answers for it on the network of eth0 of" in (
        record.conditions[ANNOUNCED].message
    )
    assert claimed.answers == decided.answers, "it is defended"
    for mac, eip in (("02:00:00:00:00:01", "Central"), ("02:00:00:00:00:99", "Node")):
        other, _ = settled(lan(*served(WEB), lan_eip(responder=eip)))
        plain = plan(replace(other, claimed={ip_address(FIRST): mac}))
        assert plain.services[WEB.key].conditions[ANNOUNCED].reason == "Announced"
