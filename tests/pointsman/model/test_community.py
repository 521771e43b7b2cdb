import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.community import (
    WELL_KNOWN,
    community,
    community_number,
    community_text,
    large_community,
    large_community_numbers,
)


@given(st.integers(0, 2**32 - 1))
def test_every_number_has_one_spelling(number: int) -> None:
    text = community_text(number)
    assert community_number(text) == number
    assert community(text) == text


@given(st.text(alphabet="0123456789:-abefnoprtx", max_size=24))
def test_any_text_is_a_community_or_our_error(text: str) -> None:
    for parse, spell in ((community_number, community), (large_community_numbers, large_community)):
        try:
            parse(text)
        except ValueError:
            with pytest.raises(ValueError, match=re.escape(repr(text))):
                spell(text)
        else:
            assert spell(spell(text)) == spell(text)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("65000:100", "65000:100", id="as usual"),
        pytest.param("065000:0100", None, id="six digits are too many"),
        pytest.param("00001:007", "1:7", id="leading zeros go"),
        pytest.param("65535:65281", "no-export", id="a number that has a name"),
        pytest.param("blackhole", "blackhole", id="a name"),
        pytest.param("65536:1", None, id="too large"),
        pytest.param("1:2:3", None, id="that one is large"),
        pytest.param("No-Export", None, id="names are lower case"),
        pytest.param("١:٢", None, id="digits of another script"),
        pytest.param("1:2\n", None, id="a newline"),
    ],
)
def test_a_community_has_one_canonical_spelling(written: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(ValueError, match="is no community: write two numbers up to 65535"):
            community(written)
    else:
        assert community(written) == canonical


def test_large_communities_lose_their_leading_zeros() -> None:
    assert large_community("064500:00:4294967295") == "64500:0:4294967295"
    with pytest.raises(ValueError, match="write three numbers up to 4294967295"):
        large_community("1:2:4294967296")


def test_names_are_unique() -> None:
    assert len(set(WELL_KNOWN.values())) == len(WELL_KNOWN)
