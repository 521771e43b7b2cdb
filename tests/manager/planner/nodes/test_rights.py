"""Of which nodes nothing can be asked, and what to do about it."""

from dataclasses import replace

import pytest

from manager.planner.nodes.rights import PATCH, unable
from manager.snapshot import Announcer, NodeName
from tests.docs.pages import ROOT
from tests.manager.planner.scene import announcer, nic, node

REPORTING = announcer("node1", nic("eth0", "192.0.2.11/24"))


@pytest.mark.parametrize(
    ("one", "clause"),
    [
        (None, "has not reported"),
        (Announcer(NodeName("node1")), "has not reported"),
        (REPORTING, "is too old"),
        (replace(REPORTING, net_admin=False), f"lacks NET_ADMIN: apply {PATCH}"),
    ],
)
def test_who_cannot_is_named(one: Announcer | None, clause: str) -> None:
    found = unable(None, node("node1"), one)
    assert found is not None
    assert found.startswith("the agent of node1 ")
    assert clause in found


def test_an_agent_that_says_so_can() -> None:
    assert unable(None, node("node1"), replace(REPORTING, net_admin=True)) is None
    assert PATCH.startswith("deploy/patches/")
    assert (ROOT / "deploy" / "patches").is_dir()
