"""The table of protocols: every one that an Eip may name has its entry."""

from manager.planner.protocols import PROTOCOLS
from pointsman.api import Protocol
from tests.manager.planner.scene import WEB, condition_of, eip, endpoints, scene, settled


def test_every_protocol_an_eip_may_name_is_served_by_somebody() -> None:
    assert set(PROTOCOLS) == set(Protocol)


def test_none_says_who_announces_and_contributes_no_path() -> None:
    decided = settled(
        scene(
            WEB, eip("x", "203.0.113.0/29", default=True, protocol="none"), endpoints("a/web", "-")
        )
    )
    assert not decided.speech.routes
    assert condition_of(decided).message == (
        "Service a/web is not announced: Eip 'x' has protocol none, so announcing is left to "
        "others."
    )
