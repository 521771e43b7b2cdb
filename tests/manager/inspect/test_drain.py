"""Waiting until no router is told a node: every BgpPeer counts, however many there are.

What the command prints of it: `tests/cli/test_node.py`.
"""

from typing import Any

import pytest

from manager.adapters.kubernetes.client import BGP_PEERS
from manager.adapters.kubernetes.pages import PAGE
from manager.inspect.drain import Drain, missing_of
from tests.fakes.kube import FakeKube

pytestmark = pytest.mark.looptime
DRAINED: dict[str, Any] = {"name": "a", "state": "Established", "drained": ["node1"]}


def peer(name: str, **entry: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {}, "status": {"speakers": [{**DRAINED, **entry}]}}


async def test_a_peer_beyond_the_first_page_is_waited_for_too() -> None:
    kube = FakeKube()
    for number in range(PAGE):
        kube.put(BGP_PEERS, peer(f"peer-{number:03}"))
    kube.put(BGP_PEERS, peer("the-last", drained=[]))
    missing = await Drain(kube, "node1").until_withdrawn(2)
    assert missing == ("BgpPeer the-last: speaker a still tells it node1.",)
    kube.put(BGP_PEERS, peer("the-last"))
    assert await Drain(kube, "node1").until_withdrawn(2) == ()


@pytest.mark.parametrize(
    ("status", "reason", "waits"),
    [
        pytest.param("False", "Duplicate", False, id="a router that another BgpPeer has"),
        pytest.param("False", "SecretNotFound", False, id="no password"),
        pytest.param("False", "NeedsOwnSpeaker", True, id="not Ready, and spoken to"),
        pytest.param("True", "Ready", True, id="a session that nobody reports"),
    ],
)
def test_a_router_that_gets_no_session_is_not_waited_for(
    status: str, reason: str, waits: bool
) -> None:
    ready = {"type": "Ready", "status": status, "reason": reason}
    unheard: dict[str, Any] = {
        "metadata": {"name": "tor-2"},
        "spec": {},
        "status": {"conditions": [ready]},
    }
    assert bool(missing_of([peer("tor-1"), unheard], "node1")) is waits
    live = {**unheard["status"], "speakers": [{**DRAINED, "drained": []}]}  # its end is under way
    assert missing_of([{**unheard, "status": live}], "node1") != ()
