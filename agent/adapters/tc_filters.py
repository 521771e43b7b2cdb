"""Whether a network card forwards or drops packets by itself, as far as tc's filters tell.

A filter on the ingress of an interface says of itself whether it is in hardware; reading that
needs no right. What nftables has put there cannot be read without NET_ADMIN. Refuses to know what
a filter does: that it is there is why packets may pass unseen.

Layouts and numbers: linux/rtnetlink.h, pkt_cls.h, pkt_sched.h.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from agent.adapters import rtnetlink as nl
from agent.adapters.netlink import rtnetlink_socket
from agent.snapshot import LinkIndex

RTM_GETTFILTER, RTM_NEWTFILTER = 46, 44
TCA_KIND, TCA_OPTIONS = 1, 2
FLAGS: Final = {"u32": 11, "flower": 22, "matchall": 3, "bpf": 9}  # which attribute has them
IN_HARDWARE: Final = 1 << 2  # TCA_CLS_FLAGS_IN_HW
INGRESS: Final = 0xFFFF_FFF2  # TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS): `ingress` has it, too
MOST_DATAGRAMS: Final = 64  # of one interface: Open vSwitch may have put a filter for each flow
_TCMSG: Final = struct.Struct("=BBHiIII")  # family, -, -, interface, handle, parent, info


def in_hardware(indices: Iterable[int]) -> frozenset[LinkIndex]:
    """Return which of the interfaces have such a filter; one that cannot be read has none."""
    found: set[LinkIndex] = set()
    # No descriptor, no memory, no such interface any more: it is asked again.
    with suppress(OSError), rtnetlink_socket() as asked:
        asked.bind((0, 0))
        for index in indices:
            with suppress(OSError):
                if any(map(is_in_hardware, _filters(asked, index))):
                    found.add(LinkIndex(index))
    return frozenset(found)


def is_in_hardware(body: bytes) -> bool:
    """Whether the filter of an RTM_NEWTFILTER says that it is."""
    attributes = dict(nl.read_attributes(body, _TCMSG.size))
    kind = attributes.get(TCA_KIND, b"").rstrip(b"\0").decode(errors="replace")
    options = dict(nl.read_attributes(attributes.get(TCA_OPTIONS, b""), 0))
    flags = options.get(FLAGS.get(kind, 0), b"")
    return len(flags) == nl.U32.size and bool(nl.U32.unpack(flags)[0] & IN_HARDWARE)


def _filters(asked: socket.socket, index: int) -> Iterator[bytes]:
    """Yield the bodies of one interface's filters; the kernel makes them as they are read."""
    body = _TCMSG.pack(0, 0, 0, index, 0, INGRESS, 0)
    flags = nl.NLM_F_REQUEST | nl.NLM_F_DUMP
    asked.send(nl.NLMSG.pack(nl.NLMSG.size + len(body), RTM_GETTFILTER, flags, index, 0) + body)
    for _ in range(MOST_DATAGRAMS):
        try:
            datagram = asked.recv(1 << 16)
        except BlockingIOError:
            return
        for message in nl.messages(datagram):
            if message.sequence != index:
                continue  # the rest of a dump that was given up
            if message.type in (nl.NLMSG_DONE, nl.NLMSG_ERROR):
                if message.errno:
                    raise OSError(message.errno, os.strerror(message.errno))
                return
            if message.type == RTM_NEWTFILTER:
                yield message.body
