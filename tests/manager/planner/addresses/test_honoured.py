"""Other people's annotations: understood where they are honoured, and never before ours."""

from __future__ import annotations

import pytest

from manager.planner.addresses.honoured import Honour, requests
from manager.snapshot import EipName, Service
from pointsman.model.dialects import DIALECTS, listed
from pointsman.model.names import ADDRESSES, EIP, SHARE_KEY, SHARE_NAMESPACES

ALL = Honour(tuple(DIALECTS), frozenset({EipName("public"), EipName("private")}))
UNDERSTOOD = [
    pytest.param(dialect, name, ours, id=name)
    for dialect, known in DIALECTS.items()
    for ours, those in (
        (EIP, known.pools), (ADDRESSES, known.addresses), (SHARE_KEY, known.share_keys),
    )
    for name in those
]  # fmt: skip


def asked(honour: Honour = ALL, **more: dict[str, str]):
    return requests(Service("default", "web", annotations=more["notes"]), honour)


@pytest.mark.parametrize(("dialect", "name", "ours"), UNDERSTOOD)
def test_each_is_understood_by_its_dialect_alone(dialect: str, name: str, ours: str) -> None:
    alone = Honour((dialect,), ALL.eips)
    found = asked(alone, notes={name: " public "})
    assert (found.text(ours), found.annotation(ours)) == ("public", name)
    others = Honour(tuple(d for d in DIALECTS if d != dialect), ALL.eips)
    assert asked(others, notes={name: "public"}).text(ours) == ""
    assert asked(Honour(), notes={name: "public"}).text(ours) == ""


@pytest.mark.parametrize(("dialect", "name", "ours"), UNDERSTOOD)
def test_ours_wins_and_nothing_is_said(dialect: str, name: str, ours: str) -> None:
    found = asked(notes={name: "public", ours: "mine"})
    assert (found.text(ours), found.annotation(ours)) == ("mine", ours)
    assert (found.conflict, found.ignored) == ("", "")


def test_an_empty_annotation_of_ours_asks_for_nothing() -> None:
    found = asked(notes={"metallb.io/address-pool": "public", EIP: " "})
    assert found.text(EIP) == "public"


def test_two_that_disagree_are_a_conflict_with_what_to_do() -> None:
    found = asked(notes={"metallb.io/address-pool": "public", "purelb.io/service-group": "private"})
    assert found.text(EIP) == ""
    assert "'public'" in found.conflict
    assert "'private'" in found.conflict
    assert EIP in found.about


def test_two_that_agree_are_none() -> None:
    found = asked(notes={
        "metallb.io/loadBalancerIPs": "198.51.100.1, 2001:db8::1",
        "purelb.io/addresses": "2001:db8::1,198.51.100.1",
    })  # fmt: skip
    assert found.text(ADDRESSES) == "198.51.100.1, 2001:db8::1"
    assert found.conflict == ""


def test_a_pool_that_is_no_eip_counts_for_nothing_and_that_is_said() -> None:
    found = asked(notes={"metallb.io/address-pool": "x\x1b[2J"})
    assert found.text(EIP) == ""
    assert "no Eip of that name" in found.ignored
    assert found.ignored.isprintable()


@pytest.mark.parametrize("text", ["0.0.0.0", "::"])
def test_any_address_is_no_request(text: str) -> None:
    assert asked(notes={"kube-vip.io/loadbalancerIPs": text}).text(ADDRESSES) == ""


def test_their_key_is_shared_from_any_namespace_unless_ours_says_with_whom() -> None:
    key = {"metallb.io/allow-shared-ip": "front"}
    assert asked(notes=key).text(SHARE_NAMESPACES) == "*"
    assert asked(notes={**key, SHARE_NAMESPACES: "shop"}).text(SHARE_NAMESPACES) == "shop"
    assert asked(notes={SHARE_KEY: "front"}).text(SHARE_NAMESPACES) == ""


def test_a_list_names_whom_to_honour() -> None:
    assert listed(" metallb ,openelb,metallb,") == ("metallb", "openelb")
    assert listed("") == ()
    with pytest.raises(ValueError, match=r"'metalb'.*openelb, metallb, purelb, kube-vip"):
        listed("metalb")
