from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.address import Family
from pointsman.model.ranges import (
    Numbers,
    read_address,
    read_block,
    read_disjoint,
    read_union,
    span_text,
    union,
)

SMALL = st.frozensets(st.integers(0, 40))
FORMS = "write an address (192.0.2.7), a network (192.0.2.0/24) or a range (192.0.2.10-192.0.2.20)"


def numbers(*members: int) -> Numbers:
    return union((Family.IPV4, (n, n)) for n in members).ipv4


def members(found: Numbers) -> set[int]:
    return {n for first, last in found.spans for n in range(first, last + 1)}


@pytest.mark.parametrize(
    ("text", "block"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="an address"),
        pytest.param("192.0.2.0/24", "192.0.2.0-192.0.2.255", id="a network, first and last too"),
        pytest.param("192.0.2.77/24", "192.0.2.0-192.0.2.255", id="host bits are masked"),
        pytest.param("192.0.2.7/32", "192.0.2.7", id="a /32 is one address"),
        pytest.param("0.0.0.0/0", "0.0.0.0-255.255.255.255", id="the whole of IPv4"),
        pytest.param("192.0.2.10-192.0.2.20", "192.0.2.10-192.0.2.20", id="a range"),
        pytest.param("192.0.2.10-192.0.2.10", "192.0.2.10", id="a range of one"),
        pytest.param("2001:db8::7", "2001:db8::7", id="an IPv6 address"),
        pytest.param("2001:db8::/127", "2001:db8::-2001:db8::1", id="an IPv6 network"),
        pytest.param("2001:DB8:0::a-2001:db8::b", "2001:db8::a-2001:db8::b", id="in any spelling"),
        pytest.param("2001:db8::/48", "2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff", id="a /48"),
    ],
)
def test_an_entry_is_read_as_its_span(text: str, block: str) -> None:
    family, (first, last) = read_block(text)
    assert span_text(family, first, last) == block


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"'' is not an IP address; {FORMS}"),
        ("192.0.2.300", f"'192.0.2.300' is not an IP address; {FORMS}"),
        ("192.0.2.007", f"'192.0.2.007' is not an IP address; {FORMS}"),
        ("web.example", f"'web.example' is not an IP address; {FORMS}"),
        ("192.0.2.0/33", f"'192.0.2.0/33' has a prefix length over 32; {FORMS}"),
        ("192.0.2.0/", f"'192.0.2.0/' has no prefix length after the slash; {FORMS}"),
        ("192.0.2.0/024", f"'192.0.2.0/024' has no prefix length after the slash; {FORMS}"),
        (
            "192.0.2.0/255.255.255.0",
            f"'192.0.2.0/255.255.255.0' has no prefix length after the slash; {FORMS}",
        ),
        (
            "192.0.2.20-192.0.2.10",
            "'192.0.2.20-192.0.2.10' is reversed: write 192.0.2.10-192.0.2.20",
        ),
        (
            "192.0.2.1-2001:db8::1",
            "'192.0.2.1-2001:db8::1' mixes IPv4 and IPv6: write one range for each family",
        ),
        (
            "192.0.2.1-192.0.2.2-192.0.2.3",
            f"'192.0.2.1-192.0.2.2-192.0.2.3' has more than one dash; {FORMS}",
        ),
        ("192.0.2.1-20", f"'20' is not an IP address; {FORMS}"),
        ("fe80::1%eth0", f"'fe80::1%eth0' has a zone: write the address without '%eth0'; {FORMS}"),
        ("::ffff:192.0.2.1", f"'::ffff:192.0.2.1' is IPv4 in disguise: write 192.0.2.1; {FORMS}"),
    ],
)
def test_a_malformed_entry_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_block(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("entries", "first", "second"),
    [
        pytest.param(
            ("192.0.2.0/28", "192.0.2.4"),
            "192.0.2.0/28",
            "192.0.2.4",
            id="an address inside a network",
        ),
        pytest.param(
            ("192.0.2.0-192.0.2.5", "2001:db8::1", "192.0.2.5-192.0.2.9"),
            "192.0.2.0-192.0.2.5",
            "192.0.2.5-192.0.2.9",
            id="ranges that share their edge",
        ),
        pytest.param(
            ("192.0.2.7", "192.0.2.0/24", "198.51.100.1"),
            "192.0.2.0/24",
            "192.0.2.7",
            id="in whatever order they are written",
        ),
    ],
)
def test_entries_of_one_eip_must_not_overlap(
    entries: tuple[str, ...], first: str, second: str
) -> None:
    with pytest.raises(ValueError) as refused:
        read_disjoint(entries)
    assert str(refused.value) == (
        f"'{first}' and '{second}' overlap: write every address in one entry only"
    )


def test_neighbouring_entries_become_one_block() -> None:
    pool = read_disjoint(("192.0.2.8/29", "192.0.2.0/29", "2001:db8::1"))
    assert [span_text(Family.IPV4, *span) for span in pool.ipv4.spans] == ["192.0.2.0-192.0.2.15"]
    assert [span_text(Family.IPV6, *span) for span in pool.ipv6.spans] == ["2001:db8::1"]


def test_counts_are_exact_for_what_no_float_holds() -> None:
    excluded = read_union(("2001:db8::5", "2001:db8::5-2001:db8::6"))
    pool = read_disjoint(("2001:db8::/48",)) - excluded
    assert pool.ipv6.count() == 2**80 - 2
    assert pool.ipv4.count() == 0


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("192.0.2.9", False),
        ("192.0.2.10", True),
        ("192.0.2.12", False),
        ("192.0.2.20", True),
        ("192.0.2.21", False),
        ("2001:db8::1", True),
        ("2001:db8::2", False),
    ],
)
def test_membership_ends_where_the_blocks_end(text: str, inside: bool) -> None:
    pool = read_disjoint(("192.0.2.10-192.0.2.20", "2001:db8::1")) - read_union(("192.0.2.12",))
    assert (ip_address(text) in pool) is inside


def test_families_with_equal_numbers_stay_two() -> None:
    pool = read_disjoint(("0.0.0.7",))
    assert IPv4Address("0.0.0.7") in pool
    assert IPv6Address("::7") not in pool


@pytest.mark.parametrize("text", ["192.0.2.1/32", "192.0.2.1 ", "::1%1", "::ffff:192.0.2.1", "1"])
def test_what_is_no_address_of_kubernetes_dialect_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_address(text)


@given(SMALL, SMALL)
def test_set_operations_are_those_of_sets(one: frozenset[int], other: frozenset[int]) -> None:
    assert members(numbers(*one) - numbers(*other)) == one - other
    assert numbers(*one).count() == len(one)
    assert {n for n in range(42) if n in numbers(*one)} == one


@given(SMALL, st.integers(0, 42))
def test_the_next_member_is_found_from_anywhere(found: frozenset[int], number: int) -> None:
    above = (n for n in found if n >= number)
    assert numbers(*found).at_or_after(number) == min(above, default=None)


@given(st.text("0123456789abcdef:./-%", max_size=40))
def test_any_text_is_a_block_or_a_sentence(text: str) -> None:
    sentence = "write"
    try:
        family, (first, last) = read_block(text)
    except ValueError as refused:
        sentence = str(refused)
    else:
        assert 0 <= first <= last < (2**32 if family is Family.IPV4 else 2**128)
    assert "write" in sentence
