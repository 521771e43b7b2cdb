"""Sets of addresses as sorted, disjoint spans of numbers, one tuple of spans per family.

Reads the three forms that an Eip's `addresses` and `exclude` allow. Its cost follows the
number of spans, never the number of addresses: a /48 of IPv6 is one span. It refuses to
guess: what is neither address, network nor range raises a ValueError whose text says
what to write instead.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

from pointsman.model.address import Address, Family, family_of
from pointsman.model.printable import clipped

Span = tuple[int, int]  # first and last number, both included
FORMS = "an address (192.0.2.7), a network (192.0.2.0/24) or a range (192.0.2.10-192.0.2.20)"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of numbers: spans that are sorted, disjoint and never touch."""

    spans: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.spans, number, key=_first) - 1
        return at >= 0 and number <= self.spans[at][1]

    def __sub__(self, other: "Numbers") -> "Numbers":
        return Numbers(tuple(_without(self.spans, other.spans)))

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from *first* to *last* is a member."""
        at = bisect_right(self.spans, first, key=_first) - 1
        return at >= 0 and last <= self.spans[at][1]

    def count(self) -> int:
        """Return how many numbers there are; exact, however many."""
        return sum(last - first + 1 for first, last in self.spans)

    def at_or_after(self, number: int) -> int | None:
        """Return the smallest member that is not below *number*, in O(log spans)."""
        at = bisect_right(self.spans, number, key=_first) - 1
        if at >= 0 and number <= self.spans[at][1]:
            return number
        return self.spans[at + 1][0] if at + 1 < len(self.spans) else None


@dataclass(frozen=True, slots=True)
class AddressSet:
    """A set of addresses of both families."""

    ipv4: Numbers = Numbers()
    ipv6: Numbers = Numbers()

    def __bool__(self) -> bool:
        return bool(self.ipv4 or self.ipv6)

    def __contains__(self, address: Address) -> bool:
        return int(address) in self.of(family_of(address))

    def __sub__(self, other: "AddressSet") -> "AddressSet":
        return AddressSet(self.ipv4 - other.ipv4, self.ipv6 - other.ipv6)

    def __and__(self, other: "AddressSet") -> "AddressSet":
        return self - (self - other)

    def of(self, family: Family) -> Numbers:
        """Return the numbers of one family's addresses."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6


def address_of(family: Family, number: int) -> Address:
    """Return the address of *family* with that number."""
    return IPv4Address(number) if family is Family.IPV4 else IPv6Address(number)


def span_text(family: Family, first: int, last: int) -> str:
    """Return a span in the form that `addresses` takes."""
    text = str(address_of(family, first))
    return text if first == last else f"{text}-{address_of(family, last)}"


def texts_of(addresses: AddressSet) -> list[str]:
    """Return the blocks of *addresses* in the form that `addresses` takes, in order."""
    return [
        span_text(family, first, last)
        for family in Family
        for first, last in addresses.of(family).spans
    ]


@lru_cache(maxsize=1 << 16)  # every plan reads the same texts again
def read_address(text: str) -> Address:
    """Return the address that *text* spells in Kubernetes' own dialect.

    Raises:
        ValueError: it is not one; zones, IPv4-mapped IPv6 and leading zeros are refused.
    """
    try:
        address: Address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        raise ValueError(f"'{clipped(text)}' is not an IP address") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError(
                f"'{clipped(text)}' has a zone: write the address without "
                f"'%{clipped(address.scope_id)}'"
            )
        if address.ipv4_mapped is not None:
            raise ValueError(f"'{clipped(text)}' is IPv4 in disguise: write {address.ipv4_mapped}")
    return address


def read_block(text: str) -> tuple[Family, Span]:
    """Return the family and the span of one entry; host bits of a network are masked.

    Raises:
        ValueError: the entry is malformed, reversed, or mixes the families.
    """
    if "-" in text:
        return _read_range(text)
    host, slash, length = text.partition("/")
    try:
        address = read_address(host)
    except ValueError as error:
        raise ValueError(f"{error}; write {FORMS}") from None
    number = int(address)
    if not slash:
        return family_of(address), (number, number)
    # Digits only: a dotted mask would read well and mean something else in IPv6.
    if not (length.isascii() and length.isdigit()) or str(int(length)) != length:
        raise ValueError(f"'{clipped(text)}' has no prefix length after the slash; write {FORMS}")
    if int(length) > address.max_prefixlen:
        raise ValueError(
            f"'{clipped(text)}' has a prefix length over {address.max_prefixlen}; write {FORMS}"
        )
    size = address.max_prefixlen - int(length)
    first = number >> size << size
    return family_of(address), (first, first + (1 << size) - 1)


def _read_range(text: str) -> tuple[Family, Span]:
    sides = text.split("-")
    try:
        first, last = map(read_address, sides)
    except ValueError as error:
        reason = f"'{clipped(text)}' has more than one dash" if len(sides) > 2 else str(error)
        raise ValueError(f"{reason}; write {FORMS}") from None
    if first.version != last.version:
        raise ValueError(f"'{clipped(text)}' mixes IPv4 and IPv6: write one range for each family")
    if int(first) > int(last):
        raise ValueError(f"'{clipped(text)}' is reversed: write {last}-{first}")
    return family_of(first), (int(first), int(last))


@lru_cache(maxsize=1024)
def read_disjoint(entries: tuple[str, ...]) -> AddressSet:
    """Return the set of *entries*, which must not overlap each other.

    Raises:
        ValueError: an entry is malformed, or two of them overlap.
    """
    seen: dict[Family, list[tuple[Span, str]]] = {family: [] for family in Family}
    for entry in entries:
        family, span = read_block(entry)
        seen[family].append((span, entry))
    for found in seen.values():
        found.sort(key=_span_of)
        for ((_, last), one), ((first, _), other) in pairwise(found):
            if first <= last:
                raise ValueError(
                    f"'{clipped(one)}' and '{clipped(other)}' overlap: write every address in one "
                    "entry only"
                )
    return AddressSet(*(Numbers(_merged(span for span, _ in seen[f])) for f in Family))


@lru_cache(maxsize=1024)
def read_union(entries: tuple[str, ...]) -> AddressSet:
    """Return the union of *entries*, which may overlap.

    Raises:
        ValueError: an entry is malformed.
    """
    return union(read_block(entry) for entry in entries)


def union(blocks: Iterable[tuple[Family, Span]]) -> AddressSet:
    """Return the set that holds exactly the addresses of *blocks*."""
    spans: dict[Family, list[Span]] = {family: [] for family in Family}
    for family, span in blocks:
        spans[family].append(span)
    return AddressSet(*(Numbers(_merged(spans[family])) for family in Family))


def _first(span: Span) -> int:
    return span[0]


def _span_of(pair: tuple[Span, str]) -> Span:
    return pair[0]


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return tuple(merged)


def _without(ours: tuple[Span, ...], theirs: tuple[Span, ...]) -> Iterator[Span]:
    j = 0
    for first, last in ours:
        while j < len(theirs) and theirs[j][1] < first:
            j += 1
        k = j
        while k < len(theirs) and theirs[k][0] <= last:
            if first < theirs[k][0]:
                yield first, theirs[k][0] - 1
            first = theirs[k][1] + 1
            k += 1
        if first <= last:
            yield first, last
