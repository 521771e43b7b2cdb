import pytest

from lab.network.topology import Topology
from lab.supervision.faults import Part, parse, possible
from pointsman.runtime.errors import Misuse

LAB = Topology(manager_count=2)


@pytest.mark.parametrize(
    ("text", "part", "which"),
    [
        ("node2", Part.NODE, ("node2",)),
        ("link:node2", Part.LINK, ("node2",)),
        ("manager", Part.PROGRAM, ("manager",)),
        ("sidecar2", Part.PROGRAM, ("sidecar2",)),
        ("agent:node2", Part.PROGRAM, ("agent:node2",)),
        ("proxy:node1", Part.PROXY, ("node1",)),
        ("api", Part.API, ()),
        ("api:manager2", Part.API, ("manager2",)),
    ],
)
def test_what_can_fail(text: str, part: Part, which: tuple[str, ...]) -> None:
    fault = parse(text, LAB)
    assert (fault.part, fault.which) == (part, which)


@pytest.mark.parametrize("text", ["", "node4", "agent", "agent:manager", "link:", "api:moon"])
def test_anything_else_is_answered_with_a_list(text: str) -> None:
    with pytest.raises(Misuse, match=r"use one of node1, .*manager.*api"):
        parse(text, LAB)


def test_the_router_of_a_rack_fails_by_its_name() -> None:
    fault = parse("tor2", Topology(rack_count=2))
    daemons = ("zebra:tor2", "bfdd:tor2", "bgpd:tor2", "bird:tor2")
    assert (fault.part, fault.which) == (Part.PROGRAM, daemons)
    with pytest.raises(Misuse):
        parse("tor2", LAB)


def test_no_two_faults_have_one_name() -> None:
    names = [fault.text for fault in possible(LAB)]
    assert len(set(names)) == len(names)
