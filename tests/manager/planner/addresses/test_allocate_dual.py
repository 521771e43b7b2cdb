import pytest

from tests.manager.planner.addresses.addressing import (
    BOTH,
    DUAL,
    V6,
    cluster,
    eip,
    given,
    one,
    plan,
    reasons,
    service,
)

FOUR, SIX = eip("four", "192.0.2.0/30", default=True), eip("six", "2001:db8::/64", default=True)


@pytest.mark.parametrize(
    ("held", "stack", "eips", "expected", "reason"),
    [
        pytest.param(
            [],
            DUAL,
            [FOUR, SIX],
            ["192.0.2.0", "2001:db8::"],
            "Allocated",
            id="the families may come from different Eips",
        ),
        pytest.param(
            [], {"families": (V6,)}, [FOUR, SIX], ["2001:db8::"], "Allocated", id="IPv6 alone"
        ),
        pytest.param(
            [],
            {**DUAL, "families": DUAL["families"][::-1]},
            [FOUR, SIX],
            ["2001:db8::", "192.0.2.0"],
            "Allocated",
            id="in the Service's order of families",
        ),
        pytest.param(
            [], DUAL, [FOUR], ["192.0.2.0"], "Allocated", id="Prefer takes what can be had"
        ),
        pytest.param(
            ["192.0.2.3"],
            DUAL,
            [FOUR, SIX],
            ["192.0.2.3", "2001:db8::"],
            "Allocated",
            id="the missing family is added, the first not touched",
        ),
        pytest.param([], BOTH, [FOUR], [], "WaitingForFamily", id="Require gets none without both"),
        pytest.param(
            [], BOTH, [], [], "NoDefaultEip", id="Require without either says what is missing"
        ),
        pytest.param(
            [], BOTH, [FOUR, SIX], ["192.0.2.0", "2001:db8::"], "Allocated", id="Require gets both"
        ),
        pytest.param(
            ["192.0.2.3"],
            BOTH,
            [FOUR],
            ["192.0.2.3"],
            "WaitingForFamily",
            id="Require keeps the family it has",
        ),
        pytest.param(
            ["192.0.2.3", "2001:db8::5"],
            {},
            [FOUR, SIX],
            ["192.0.2.3"],
            "Allocated",
            id="to SingleStack: the other family goes",
        ),
        pytest.param(
            ["2001:db8::5", "192.0.2.3"],
            DUAL,
            [FOUR, SIX],
            ["192.0.2.3", "2001:db8::5"],
            "Allocated",
            id="a changed order changes nothing but the order",
        ),
        pytest.param(
            ["192.0.2.3"],
            {"families": (V6,)},
            [FOUR, SIX],
            ["2001:db8::"],
            "Allocated",
            id="another family alone replaces it",
        ),
    ],
)
def test_dual_stack(held, stack, eips, expected, reason) -> None:
    allocations = plan(cluster(service("a/web", *held, **stack), *eips))
    assert given(allocations) == {"a/web": expected}
    assert reasons(allocations) == {"a/web": reason}


def test_prefer_dual_stack_says_what_the_other_family_waits_for() -> None:
    verdict = one(plan(cluster(service("a/web", **DUAL), FOUR)), "a/web").verdict
    assert verdict.status == "True"
    assert str(verdict) == (
        "Service a/web has 192.0.2.0 from Eip 'four'. An IPv6 address follows when there is one: "
        "Eip 'four' has no IPv6 addresses."
    )


def test_require_dual_stack_says_which_family_is_missing() -> None:
    verdict = one(plan(cluster(service("a/web", "192.0.2.3", **BOTH), FOUR)), "a/web").verdict
    assert str(verdict) == (
        "Service a/web keeps 192.0.2.3: it needs both families, and IPv6 is not to be had: Eip "
        "'four' has no IPv6 addresses. spec.ipFamilyPolicy is RequireDualStack: provide the "
        "missing family, or make it PreferDualStack."
    )


def test_one_family_may_be_requested_while_the_other_is_pooled() -> None:
    web = service("a/web", notes={"addresses": "2001:db8::77"}, **DUAL)
    assert given(plan(cluster(web, FOUR, SIX))) == {"a/web": ["192.0.2.0", "2001:db8::77"]}


def test_a_busy_request_in_one_family_leaves_the_other_its_address() -> None:
    web = service("a/web", notes={"addresses": "2001:db8::77"}, **DUAL)
    has = service("b/has", "2001:db8::77", families=(V6,))
    allocations = plan(cluster(web, has, FOUR, SIX))
    assert given(allocations)["a/web"] == ["192.0.2.0"]
    assert reasons(allocations)["a/web"] == "AddressInUse"
