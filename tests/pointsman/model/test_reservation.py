"""Who an IPAM's entry belongs to, and who is written down as its holder."""

import pytest

from pointsman.model.address import Family
from pointsman.model.reservation import SERVICES_MAX, Holder, ReservationKey, SourceOwner

OWNER = SourceOwner("c1", "public")


@pytest.mark.parametrize("key", [None, ReservationKey("s1", Family.IPV6)])
def test_an_owner_finds_again_what_it_wrote(key: ReservationKey | None) -> None:
    text = OWNER.entry(key)
    assert OWNER.owns(text)
    assert OWNER.key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("c1/public2/s1/IPv4", id="an Eip whose name begins alike"),
        pytest.param("c2/public/s1/IPv4", id="another cluster"),
        pytest.param("", id="nobody"),
        pytest.param("the network team", id="somebody who knows nothing of us"),
    ],
)
def test_what_others_wrote_is_theirs(text: str) -> None:
    assert not OWNER.owns(text)
    assert OWNER.key(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("c1/public/s1", id="no family"),
        pytest.param("c1/public/s1/IPv5", id="no family that there is"),
        pytest.param("c1/public//IPv4", id="no Service"),
        pytest.param("c1/public/s1/IPv4/x", id="more than we write"),
    ],
)
def test_what_names_us_and_no_service_that_can_be_read_is_ours_and_nobodys(text: str) -> None:
    assert OWNER.owns(text)
    assert OWNER.key(text) is None


def test_a_holder_is_written_in_order_and_in_small_letters() -> None:
    assert Holder.of(["red/b", "red/a"], "Web.Example.COM") == Holder(
        ("red/a", "red/b"), "web.example.com"
    )


@pytest.mark.parametrize("count", [1, 2, 40, 1000])
def test_a_holder_fits_whatever_shares_the_address(count: int) -> None:
    names = [f"{'n' * 50}/{number:04d}" for number in range(count)]
    shown = Holder.of(names).services
    assert len(", ".join(shown)) <= SERVICES_MAX
    whole = [name for name in shown if "/" in name]
    assert whole == names[: len(whole)]
    assert shown == (*whole, *([f"and {count - len(whole)} more"] if len(whole) < count else []))


def test_of_the_longest_names_one_is_shown() -> None:
    name = f"{'n' * 63}/{'s' * 63}"
    assert Holder.of([name, name + "2"]).services == (name, "and 1 more")
