"""Packets for addresses that nobody has: sent by the client, and counted where they would loop."""

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network

from e2e.bed import Bed

BACK = "type filter hook prerouting priority -300"
PROBE = """
import os, select, socket, sys
sockets = []
for address in sys.argv[1:]:
    six = ":" in address
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    # IPV6_RECVERR, IP_RECVERR: an error of ICMP is the socket's.
    sock.setsockopt(*((41, 25, 1) if six else (0, 11, 1)))
    sock.connect((address, 9))
    sock.send(b"x")
    sockets.append(sock)
found = set()
poll = select.poll()
for sock in sockets:
    poll.register(sock, select.POLLERR)
by_number = {sock.fileno(): sock for sock in sockets}
while ready := poll.poll(1000):
    for number, _events in ready:
        poll.unregister(number)
        found.add(by_number[number].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
print("\\n".join(sorted(map(os.strerror, found))))
"""


def sent(lab: Bed, *prefixes: str, count: int) -> set[str]:
    """Send to the last *count* addresses of each of *prefixes*; return the errors that came."""
    networks = [ip_network(prefix) for prefix in prefixes]
    targets = [str(one[-number]) for one in networks for number in range(2, count + 2)]
    errors = lab.exec("client", sys.executable, "-c", PROBE, *targets)
    return set(errors.split("\n")) - {""}


@contextlib.contextmanager
def counting(lab: Bed, *prefixes: str) -> Iterator[Callable[[], int]]:
    """Yield what returns how many packets for *prefixes* came back to the router so far."""
    table = f"back{next(NUMBERS)}"
    matches = [f"{'ip6' if ':' in one else 'ip'} daddr {one}" for one in prefixes]
    rules = [f"add rule inet {table} back iifname eth0 {match} counter" for match in matches]
    made = (f"add table inet {table}", f"add chain inet {table} back {{ {BACK}; }}", *rules)
    lab.exec("router", "nft", "; ".join(made))

    def counted() -> int:
        listing = json.loads(lab.exec("router", "nft", "-j", "list", "table", "inet", table))
        return sum(
            part["counter"]["packets"]
            for entry in listing["nftables"]
            for part in entry.get("rule", {}).get("expr", ())
            if "counter" in part
        )

    try:
        yield counted
    finally:
        lab.exec("router", "nft", "delete", "table", "inet", table)


def refused(lab: Bed, *prefixes: str, counted: Callable[[], int], count: int) -> None:
    """Assert that what is sent to unassigned addresses never comes back to the router.

    And wait until errors of ICMP of both families were seen: one host is sent one a second.
    """

    def look() -> bool:
        before = counted()
        errors = sent(lab, *prefixes, count=count)
        assert counted() == before, "it went round"
        return errors >= {"No route to host", "Network is unreachable"}

    lab.wait("errors of ICMP, of both families", look)


NUMBERS = itertools.count()
