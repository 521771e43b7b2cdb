"""The defect: a responder that answers broadcasts and nothing else, with another station's MAC.

`python -m e2e.layer2.broadcasts_only ADDRESS MAC` answers on eth0 until SIGTERM. It is what some
load balancers do from one place; it exists to show what that costs a client.
"""

import select
import socket
import sys
from ipaddress import IPv4Address, ip_address

from pointsman.model.address import Address
from pointsman.net.packet import PacketSocket
from pointsman.net.solicited import SolicitedNodeGroups
from pointsman.responder.answer import answer, read
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.packet_filter import arp_filter, ndp_filter


def main(address: Address, mac: bytes) -> None:
    index = socket.if_nametoindex("eth0")
    if isinstance(address, IPv4Address):
        sock = PacketSocket("eth0", index, ETH_P_ARP, arp_filter([address]))
    else:
        sock = PacketSocket("eth0", index, ETH_P_IPV6, ndp_filter([address]))
        groups = SolicitedNodeGroups(index)
        groups.follow([address])
    own = _own_mac()
    while True:
        select.select([sock], [], [])
        for frame in sock.drain().frames:
            if isinstance(packet := read(frame), FrameDrop):
                continue
            reply = answer(packet, mac=own, is_ours=lambda one: one == address, spoken_for=mac)
            if isinstance(reply, bytes):
                sock.send(reply)


def _own_mac() -> bytes:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        mac: bytes = sock.getsockname()[4]
        return mac


if __name__ == "__main__":
    main(ip_address(sys.argv[1]), bytes.fromhex(sys.argv[2].replace(":", "")))
