"""Where a program listens: as a flag spells it, and which addresses there are for whom."""

import pytest

from pointsman.model.ranges import read_address
from pointsman.runtime.listen_address import ListenAddress, listen_address


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        (ListenAddress("", 7470), ":7470"),
        (ListenAddress("192.0.2.10", 7470), "192.0.2.10:7470"),
        (ListenAddress("2001:db8::10", 1), "[2001:db8::10]:1"),
    ],
)
def test_a_place_is_shown_as_it_is_given(where: ListenAddress, shown: str) -> None:
    assert str(where) == shown
    assert listen_address(shown) == where


def test_who_reads_the_address_says_which_there_are() -> None:
    mapped = "[::ffff:192.0.2.10]:80"
    assert listen_address(mapped).port == 80
    with pytest.raises(ValueError, match=r"is IPv4 in disguise: write 192\.0\.2\.10"):
        listen_address(mapped, read_address)
