"""Which addresses a router delivers to a host: what Eips may hold and next hops may be.

It refuses what Kubernetes' dialect allows but BGP has no place for: "this network",
loopback, multicast, the old class E, and the link-local addresses of IPv6, which do not
say on which link. Private and IPv4 link-local addresses are ordinary here.
"""

from functools import lru_cache

from pointsman.model.address import Address
from pointsman.model.printable import clipped
from pointsman.model.ranges import AddressSet, read_block, read_union

# RFC 6890 section 2.2; IPv6: RFC 4291 sections 2.4 and 2.5.5.
ELSEWHERE = (
    *("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"),
    *("::/80", "fe80::/10", "ff00::/8"),  # the first holds ::, ::1 and IPv4-mapped ones
)


def is_unicast(address: Address) -> bool:
    """Whether a router can deliver to *address*, or by way of it."""
    return address not in read_union(ELSEWHERE)


def unicast_of(addresses: AddressSet) -> AddressSet:
    """Return what of *addresses* a router can deliver to."""
    return addresses - read_union(ELSEWHERE)


@lru_cache(maxsize=1024)  # every plan reads the same Eips again
def refuse_others(entries: tuple[str, ...]) -> None:
    """Refuse entries of an Eip that hold anything but unicast addresses.

    Raises:
        ValueError: the first such entry, and the block that it reaches into.
    """
    for entry in entries:
        family, (first, last) = read_block(entry)
        for block in ELSEWHERE:
            theirs, (start, end) = read_block(block)
            if family is theirs and first <= end and start <= last:
                raise ValueError(
                    f"'{clipped(entry)}' reaches into {block}, which holds no addresses of hosts: "
                    "write unicast addresses only"
                )
