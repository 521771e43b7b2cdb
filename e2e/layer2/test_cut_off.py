"""Two agents that nobody can tell anything: each believes an address its own, and one gives way."""

import time
from collections.abc import Callable, Iterator

import pytest

from e2e.bed import Bed
from e2e.layer2 import lan

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def heard_again(bed: Bed) -> Iterator[None]:
    yield
    for node in bed.topology.nodes:
        bed.exec(node.name, "nft", "delete table inet deaf", check=False)


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_of_two_that_are_cut_off_one_answers_and_it_stays_that_one(
    bed: Bed, family: int, say: Callable[[str], None]
) -> None:
    lab = bed
    address = lan.serve(lab, "web", family=family)
    owner = lan.owner(lab, address)
    others = [node.name for node in lab.topology.nodes if node.name != owner]
    # The owner hears neither API nor manager; it is drained meanwhile, so another is assigned.
    lab.fail(f"api:{owner}")
    silence(lab, owner)
    lab.api.merge(
        f"/api/v1/nodes/{owner}", {"metadata": {"annotations": {"pointsman.dev/drain": "true"}}}
    )
    began = time.monotonic()
    successor = lab.wait("one answer", lambda: one_of(lab, address, others))
    say(f"IPv{family}: the old owner gave way within {time.monotonic() - began:.1f} s")
    assert stays(lab, address) == successor


def one_of(lab: Bed, address: str, nodes: list[str]) -> str:
    found = lan.owner(lab, address)
    return found if found in nodes else ""


DEAF = (
    "add table inet deaf; add chain inet deaf out { type filter hook output priority 0; }; "
    "add rule inet deaf out udp dport 7470 drop"
)


def silence(lab: Bed, node: str) -> None:
    """Let no heartbeat of *node* through, so that none is acknowledged."""
    lab.exec(node, "nft", DEAF)


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_a_half_that_is_healed_and_knows_nothing_does_not_fight(
    bed: Bed, family: int, say: Callable[[str], None]
) -> None:
    """Its cable was out when the address was given away; now neither is told anything."""
    lab = bed
    address = lan.serve(lab, "web", family=family)
    owner = lan.owner(lab, address)
    lab.cut(owner)
    successor = lan.moved(lab, address, away_from=owner)
    for whom in ("manager", "api"):
        lab.fail(whom)
    lab.mend(owner)
    began = time.monotonic()
    node = lab.wait("one answer", lambda: stays(lab, address))
    say(f"IPv{family}: two cut-off halves: one answers after {time.monotonic() - began:.1f} s")
    assert node in (owner, successor)


def stays(lab: Bed, address: str) -> str:
    """Return the one node that answers each of several questions."""
    found = {lan.owner(lab, address) for _ in range(5)}
    return found.pop() if len(found) == 1 else ""
