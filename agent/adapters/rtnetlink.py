"""rtnetlink, the little of it the agent needs: bytes to values and back. Sans I/O.

Links, addresses and default routes out of dump replies. Written by hand because the
library that does it all costs 22 MiB on every node. It refuses to guess: a truncated
message is an error, an attribute it doesn't know is passed over.

Layouts and numbers: rtnetlink(7), netlink(7), linux/if_link.h, if_addr.h, rtnetlink.h;
all integers are in host byte order, all lengths include their header.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from agent.snapshot import DefaultRoute, Link, LinkAddress, LinkIndex
from pointsman.model.address import Address, Family

AF_INET, AF_INET6 = 2, 10

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK = 16, 18
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x01, 0x300, 0x10

RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE = 1, 5, 7
RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE = 9, 11
GROUPS = sum(
    1 << (group - 1)
    for group in (
        RTNLGRP_LINK,
        RTNLGRP_IPV4_IFADDR,
        RTNLGRP_IPV4_ROUTE,
        RTNLGRP_IPV6_IFADDR,
        RTNLGRP_IPV6_ROUTE,
    )
)

IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP = 0x1, 0x8, 0x40, 0x10000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_EXT_MASK = 1, 3, 10, 18, 29
IFLA_CARRIER_CHANGES, IFLA_LINK, IFLA_LINK_NETNSID, IFLA_XDP = 35, 5, 37, 43
IFLA_XDP_ATTACHED, XDP_ATTACHED_NONE = 2, b"\0"
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_BOND_ACTIVE_SLAVE = 2
RTEXT_FILTER_SKIP_STATS = 0x8
LIE_ON_ANOTHER = frozenset({"vlan", "macvlan", "ipvlan"})

IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8
IFA_F_TEMPORARY, IFA_F_OPTIMISTIC, IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x01, 0x04, 0x08, 0x40
RT_SCOPE_HOST = 254

RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 4, 5, 6, 9, 15, 18
RT_TABLE_MAIN = 254
RTN_UNICAST = 1
RTM_F_CLONED = 0x200

NLMSG = struct.Struct("=IHHII")  # length, type, flags, sequence, port
IFINFO = struct.Struct("=BxHiII")  # family, type, index, flags, change
IFADDR = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, protocol, scope, type
RTATTR = struct.Struct("=HH")  # length, type
RTNEXTHOP = struct.Struct("=HBBi")  # length, flags, hops, index
U32 = struct.Struct("=I")
ATTR_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


class Malformed(Exception):
    """The bytes aren't rtnetlink: a bug on either side, time doesn't heal it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink message: its header's meaning and its payload."""

    type: int
    flags: int
    sequence: int
    body: bytes

    @property
    def errno(self) -> int:
        """The positive error number of an NLMSG_ERROR or NLMSG_DONE; 0: none."""
        if len(self.body) < 4:
            return 0
        return -int.from_bytes(self.body[:4], "little" if _LITTLE else "big", signed=True)


_LITTLE = struct.pack("=H", 1) == b"\x01\x00"


def messages(datagram: bytes) -> Iterator[Message]:
    """Yield the messages of one datagram.

    Raises:
        Malformed: a length points outside.
    """
    offset = 0
    while len(datagram) - offset >= NLMSG.size:
        length, kind, flags, sequence, _port = NLMSG.unpack_from(datagram, offset)
        if not NLMSG.size <= length <= len(datagram) - offset:
            raise Malformed(f"netlink message of {length} octets in {len(datagram) - offset}")
        yield Message(kind, flags, sequence, datagram[offset + NLMSG.size : offset + length])
        offset += _aligned(length)


def dump_request(kind: int, sequence: int, *, family: int = 0) -> bytes:
    """Return the request for all objects of *kind* (RTM_GETLINK, ...) of *family*."""
    if kind == RTM_GETLINK:
        # Statistics are half of the reply and none of our business.
        body = IFINFO.pack(family, 0, 0, 0, 0) + _attribute(
            IFLA_EXT_MASK, U32.pack(RTEXT_FILTER_SKIP_STATS)
        )
    elif kind == RTM_GETADDR:
        body = IFADDR.pack(family, 0, 0, 0, 0)
    else:
        body = RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    flags = NLM_F_REQUEST | NLM_F_DUMP
    return NLMSG.pack(NLMSG.size + len(body), kind, flags, sequence, 0) + body


def link(body: bytes) -> Link:
    """Return the link of an RTM_NEWLINK."""
    _need(body, IFINFO.size)
    _family, _arp_type, index, flags, _change = IFINFO.unpack_from(body)
    attributes = dict(read_attributes(body, IFINFO.size))
    info = dict(read_attributes(attributes.get(IFLA_LINKINFO, b""), 0))
    mac = attributes.get(IFLA_ADDRESS, b"")
    master = attributes.get(IFLA_MASTER)
    kind, port = _text(info.get(IFLA_INFO_KIND, b"")), b""
    if kind == "bond":
        bond = dict(read_attributes(info.get(IFLA_INFO_DATA, b""), 0))
        port = bond.get(IFLA_BOND_ACTIVE_SLAVE, b"")
    carriers = attributes.get(IFLA_CARRIER_CHANGES)
    xdp = dict(read_attributes(attributes.get(IFLA_XDP, b""), 0))
    # A veth's is its other end, perhaps in another namespace: it lies on nothing.
    lies_on = kind in LIE_ON_ANOTHER and IFLA_LINK_NETNSID not in attributes
    lower = attributes.get(IFLA_LINK) if lies_on else None
    working = IFF_UP | IFF_RUNNING | IFF_LOWER_UP
    return Link(
        index=LinkIndex(index),
        name=_text(attributes.get(IFLA_IFNAME, b"")),
        kind=kind,
        mac=mac.hex(":") if len(mac) == 6 else "",
        up=flags & working == working,
        loopback=bool(flags & IFF_LOOPBACK),
        master=LinkIndex(_u32(master)) if master else None,
        carrier_changes=_u32(carriers) if carriers else 0,
        active_port=LinkIndex(_u32(port)) if port else None,
        lower=LinkIndex(_u32(lower)) if lower else None,
        xdp=xdp.get(IFLA_XDP_ATTACHED, XDP_ATTACHED_NONE) != XDP_ATTACHED_NONE,
    )


def address(body: bytes) -> LinkAddress | None:
    """Return the address of an RTM_NEWADDR, or None for a family that isn't IP.

    IFA_LOCAL is the node's own end; without it IFA_ADDRESS is. With both and different,
    IFA_ADDRESS is the far end of a point-to-point link and the prefix length is *its*.
    """
    _need(body, IFADDR.size)
    family, length, low_flags, scope, index = IFADDR.unpack_from(body)
    if family not in (AF_INET, AF_INET6):
        return None
    attributes = dict(read_attributes(body, IFADDR.size))
    far = attributes.get(IFA_ADDRESS, b"")
    own = attributes.get(IFA_LOCAL, far)
    if not own:
        return None
    flags = _u32(attributes[IFA_FLAGS]) if IFA_FLAGS in attributes else low_flags
    return LinkAddress(
        link=LinkIndex(index),
        interface=_interface(own, far or own, length),
        host_scope=scope == RT_SCOPE_HOST,
        # Optimistic ones (RFC 4429) may be used while they are being checked.
        tentative=flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC) == IFA_F_TENTATIVE,
        duplicate=bool(flags & IFA_F_DADFAILED),
        temporary=family == AF_INET6 and bool(flags & IFA_F_TEMPORARY),
    )


def default_routes(body: bytes) -> tuple[DefaultRoute, ...]:
    """Return the next hops of an RTM_NEWROUTE if it is a default route of the main table."""
    _need(body, RTMSG.size)
    family, dst_len, src_len, _tos, table, _protocol, _scope, kind, flags = RTMSG.unpack_from(body)
    # Cheap tests first: a node that holds the Internet's table has a million others.
    if dst_len or src_len or kind != RTN_UNICAST or flags & RTM_F_CLONED:
        return ()
    if family not in (AF_INET, AF_INET6):
        return ()
    attributes = dict(read_attributes(body, RTMSG.size))
    if (_u32(attributes[RTA_TABLE]) if RTA_TABLE in attributes else table) != RT_TABLE_MAIN:
        return ()
    metric = _u32(attributes[RTA_PRIORITY]) if RTA_PRIORITY in attributes else 0
    hops = (
        list(_multipath(attributes[RTA_MULTIPATH]))
        if RTA_MULTIPATH in attributes
        else [(_u32(attributes[RTA_OIF]), attributes)]
        if RTA_OIF in attributes
        else []
    )
    return tuple(
        DefaultRoute(
            family=Family.IPV4 if family == AF_INET else Family.IPV6,
            link=LinkIndex(index),
            gateway=_gateway(hop),
            metric=metric,
        )
        for index, hop in hops
    )


def _multipath(value: bytes) -> Iterator[tuple[int, dict[int, bytes]]]:
    offset = 0
    while len(value) - offset >= RTNEXTHOP.size:
        length, _flags, _hops, index = RTNEXTHOP.unpack_from(value, offset)
        if not RTNEXTHOP.size <= length <= len(value) - offset:
            raise Malformed(f"next hop of {length} octets in {len(value) - offset}")
        yield index, dict(read_attributes(value[offset : offset + length], RTNEXTHOP.size))
        offset += _aligned(length)


def _gateway(attributes: dict[int, bytes]) -> Address | None:
    if RTA_VIA in attributes:  # struct rtvia: family (2 octets), then the address
        return _ip(attributes[RTA_VIA][2:])
    return _ip(attributes[RTA_GATEWAY]) if RTA_GATEWAY in attributes else None


def _interface(own: bytes, far: bytes, length: int) -> IPv4Interface | IPv6Interface:
    mine, theirs = _ip(own), _ip(far)
    bits = len(own) * 8
    if not 0 <= length <= bits:
        raise Malformed(f"prefix length {length} of {mine}")
    shift = bits - length
    if int(mine) >> shift != int(theirs) >> shift:
        length = bits  # the far end's prefix doesn't hold our address: we are alone
    if isinstance(mine, IPv4Address):
        return IPv4Interface((mine, length))
    return IPv6Interface((mine, length))


def _ip(value: bytes) -> Address:
    if len(value) == 4:
        return IPv4Address(value)
    if len(value) == 16:
        return IPv6Address(value)
    raise Malformed(f"an address of {len(value)} octets")


def read_attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield the attributes of *body* from *offset* on: type and value.

    Raises:
        Malformed: a length points outside.
    """
    while len(body) - offset >= RTATTR.size:
        length, kind = RTATTR.unpack_from(body, offset)
        if not RTATTR.size <= length <= len(body) - offset:
            raise Malformed(f"attribute {kind} of {length} octets in {len(body) - offset}")
        yield kind & ATTR_TYPE_MASK, body[offset + RTATTR.size : offset + length]
        offset += _aligned(length)


def _attribute(kind: int, value: bytes) -> bytes:
    return RTATTR.pack(RTATTR.size + len(value), kind) + value.ljust(_aligned(len(value)), b"\0")


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _need(body: bytes, size: int) -> None:
    if len(body) < size:
        raise Malformed(f"{len(body)} octets where {size} are the least")


def _u32(value: bytes) -> int:
    _need(value, U32.size)
    return int(U32.unpack_from(value)[0])


def _text(value: bytes) -> str:
    # Any octets but '/' and NUL make an interface's name; JSON wants text.
    return value.rstrip(b"\0").decode("utf-8", "backslashreplace")
