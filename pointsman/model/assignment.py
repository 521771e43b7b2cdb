"""What a node may be asked to do for addresses: what the CRD takes, and both programs keep to."""

from dataclasses import dataclass
from typing import Final

from pointsman.model.address import Address, Prefix

MOST_ASSIGNED: Final = 12_000  # addresses of one node: 240 KB of an object's 1.5 MB (etcd)
MOST_ASSIGNMENTS: Final = 64  # interfaces and responders of one node
MOST_UNREACHABLE: Final = 256  # aggregates of one node
MOST_WATCHED: Final = 1_024  # prefixes whose arriving flows are looked at
MOST_ARRIVING: Final = 64  # addresses of which is said who still comes
NODE: Final = "Node"  # who answers for an address: the agent of its node
CENTRAL: Final = "Central"  # and the leading manager, what was asked of everybody
KERNEL: Final = "Kernel"  # the node's kernel has it, as an address of its own; nobody is answered
STRICT_RATE: Final = 10  # announcements a second and interface, where ports inspect ARP
# Calico's detection of the node's address passes over the names dummy.*.
KERNEL_INTERFACE: Final = "dummy-pointsman"
EVERYWHERE: Final = "kernel"  # in the annotation announced-by: too many nodes to name, or a route
# Routing protocols (rtm_protocol) of routes that are ours, in the range that the kernel leaves to
# administrators: a router on the node tells by them which to pick up.
ROUTE_PROTOCOL_REDISTRIBUTED: Final = 171
ROUTE_PROTOCOL_DISCARD: Final = 172


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A prefix of which the node's kernel keeps an `unreachable` route.

    Packets for what is not assigned in it end there, with an ICMP error. *redistribute*: the
    node's router picks the route up, and so advertises the prefix.
    """

    prefix: Prefix
    redistribute: bool


@dataclass(frozen=True, slots=True)
class Arriving:
    """A flow that still begins at a node that drains: the last one for *address*."""

    address: Address
    source: Address
    last: str  # when it was seen: RFC 3339, UTC


@dataclass(frozen=True, slots=True)
class Quiet:
    """No new flow came from *since* to *until*, by the clock of the node: RFC 3339, UTC.

    The agent writes it again while it looks, so an old *until* says nothing of what came later.
    """

    generation: int  # of the spec whose prefixes were looked for
    since: str
    until: str
