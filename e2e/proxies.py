"""The nodes' service proxies: when each of them knows an address."""

from functools import partial

from e2e.bed import Bed


def programmed(lab: Bed, address: str, *nodes: str) -> None:
    """Wait until the service proxies of *nodes* know *address*: they lead the nodes' own requests.

    A client's SYN that comes earlier goes back to the router, and in a circle until its TTL ends.
    It leaves an entry without translation in the node's conntrack, for two minutes, and the next
    connection from that port meets it: "no route to host", long after all is well.
    """
    for node in nodes:
        lab.wait(f"the service proxy of {node}", partial(lab.get, address, machine=node))
