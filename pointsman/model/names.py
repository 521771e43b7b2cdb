"""The names we write into API objects: annotations and condition types. They are API."""

from typing import Final

PREFIX: Final = "pointsman.dev/"
ADDRESSES: Final = PREFIX + "addresses"  # set by users
ALLOCATED_FROM: Final = PREFIX + "allocated-from"
SHARED_AS: Final = PREFIX + "shared-as"
ANNOUNCED_BY: Final = PREFIX + "announced-by"
STATUS: Final = PREFIX + "status"
DRAIN: Final = PREFIX + "drain"  # on a Node, set by its users

ALLOCATED: Final = PREFIX + "Allocated"
ANNOUNCED: Final = PREFIX + "Announced"

OUR_CLASS: Final = PREFIX + "lb"  # spec.loadBalancerClass

READY: Final = "Ready"
ESTABLISHED: Final = "Established"
ADD_PATH: Final = "AddPathNegotiated"
APPLIED: Final = "BgpApplied"  # of an Eip: all of its spec.bgp
MISSING: Final = "NextHopsMissing"  # of a BgpPeer; there only while it is so
UNVERIFIED: Final = "NextHopsUnverified"  # of a BgpPeer; there only while it is so
LIMITED: Final = "NextHopsLimited"  # of a BgpPeer; there only while it is so
RECEIVED: Final = "PrefixesReceived"  # of a BgpPeer; there only while they are too many
CONTESTED: Final = "NextHopsContested"  # of a BgpPeer; there only while it is so
# conditions that are bad news when True
TROUBLES: Final = (MISSING, UNVERIFIED, RECEIVED, CONTESTED)
