"""Who said that there is no way is named: what Linux keeps of an ICMP message, as it keeps it."""

import socket
import struct
from ipaddress import ip_address

import pytest

from lab.network.icmp_errors import EXTENDED_ERR, IPV4, IPV6, message

EHOSTUNREACH = 113


def queued(origin: int, kind: int, code: int, by: str) -> bytes:
    """Return the ancillary data of one message in a socket's error queue."""
    head: bytes = EXTENDED_ERR.pack(EHOSTUNREACH, origin, kind, code, 0, 0, 0)
    packed = ip_address(by).packed
    if len(packed) == 4:
        return head + struct.pack("=HH4s8x", socket.AF_INET, 0, packed)
    return head + struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, packed, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(
            queued(IPV4, 11, 0, "192.0.2.11"),
            " (ICMP type 11, code 0, from 192.0.2.11)",
            id="it went in a circle until its time was over",
        ),
        pytest.param(
            queued(IPV6, 1, 3, "2001:db8:2::1"),
            " (ICMPv6 type 1, code 3, from 2001:db8:2::1)",
            id="nobody has that address",
        ),
        pytest.param(queued(1, 0, 0, "0.0.0.0"), "", id="the machine itself had no route"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_an_icmp_message_is_read_with_its_sender(data: bytes, words: str) -> None:
    assert message(data) == words
