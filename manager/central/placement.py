"""On which interface of this host which addresses are asked for: the one whose subnet has them."""

from collections.abc import Iterable, Mapping

from manager.ports import HostInterface
from pointsman.model.address import Address


def by_interface(
    answers: Mapping[Address, bytes], interfaces: Iterable[HostInterface]
) -> Mapping[HostInterface, Mapping[Address, bytes]]:
    """Return the part of *answers* that each interface has: of several subnets the longest.

    Two interfaces in one subnet: the first of them by index, or each question had two answers.
    """
    subnets = sorted(
        ((net, one) for one in interfaces for net in one.subnets),
        key=lambda pair: (-pair[0].prefixlen, pair[1].index),
    )
    found: dict[HostInterface, dict[Address, bytes]] = {}
    for address, mac in answers.items():
        for net, interface in subnets:
            if address.version == net.version and address in net:
                found.setdefault(interface, {})[address] = mac
                break
    return found
