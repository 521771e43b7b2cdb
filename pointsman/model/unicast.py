"""Which addresses a router delivers to a host: what Eips may hold and next hops may be.

It refuses what Kubernetes' dialect allows but BGP has no place for: "this network",
loopback, multicast, the old class E, and the link-local addresses of IPv6, which do not
say on which link. Private addresses are ordinary here. IPv4's link-local ones are fit for a
next hop, as clouds use them, but for no Eip: a router passes nothing on to them.
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

LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")  # RFC 3927 section 2.7; RFC 4291 section 2.5.6


def is_unicast(address: Address) -> bool:
    """Whether a router can deliver to *address*, or by way of it."""
    return address not in read_union(ELSEWHERE)


def unicast_of(addresses: AddressSet) -> AddressSet:
    """Return what of *addresses* a router can deliver to."""
    return addresses - read_union(ELSEWHERE)


@lru_cache(maxsize=1024)  # every plan reads the same Eips again
def refuse_others(entries: tuple[str, ...]) -> None:
    """Refuse entries of an Eip that hold anything but addresses that routers forward to.

    Raises:
        ValueError: the first such entry, and the block that it reaches into.
    """
    for entry in entries:
        family, (first, last) = read_block(entry)
        for block in (*ELSEWHERE, *LINK_LOCAL):
            theirs, (start, end) = read_block(block)
            if family is theirs and first <= end and start <= last:
                raise ValueError(_reaches(clipped(entry), block))


def _reaches(entry: str, block: str) -> str:
    if block in LINK_LOCAL:
        return (
            f"'{entry}' reaches into {block}, link-local addresses, to which no router passes "
            "anything on: write addresses that are routed"
        )
    return (
        f"'{entry}' reaches into {block}, which holds no addresses of hosts: "
        "write unicast addresses only"
    )
