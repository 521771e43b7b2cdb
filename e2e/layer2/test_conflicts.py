"""Another host has the address: before we announce it, and after."""

import sys

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import lan

pytestmark = pytest.mark.lab
STRANGER = "manager"  # a machine of the LAN that is no node
FIRST = {4: "192.0.2.200", 6: "2001:db8:2::200"}


@pytest.fixture(params=lan.FAMILIES)
def family(request: pytest.FixtureRequest, bed: Bed):
    yield request.param
    for address in FIRST.values():
        bed.exec(STRANGER, "ip", "addr", "del", wide(address), "dev", "eth0", check=False)


def wide(address: str) -> str:
    return f"{address}/{64 if ':' in address else 24}"


def take(lab: Bed, address: str) -> None:
    """Let the stranger's kernel answer for *address*."""
    dad = ["nodad"] if ":" in address else []
    lab.exec(STRANGER, "ip", "addr", "add", wide(address), "dev", "eth0", *dad)


def test_an_address_in_use_is_not_announced_and_its_holder_is_named(bed: Bed, family: int) -> None:
    lab, address = bed, FIRST[family]
    take(lab, address)
    stranger = lan.mac_of(lab, STRANGER)
    families = {"ipFamilies": [f"IPv{family}"], "ipFamilyPolicy": "SingleStack"}
    cluster.make(lab, "web", notes={"eip": lan.EIPS[family][0], "addresses": address}, **families)
    sentence = cluster.reported(lab, "web", "Announced", "False", "AddressConflict", stranger)
    assert address in sentence
    assert set(lan.macs(lab, address)) == {stranger}
    assert cluster.addresses(lab, "web") == [address], "it is not silently replaced"


# By other people's codec: an NA that nobody asked for, with O (RFC 4861 section 7.2.6).
ADVERTISE = """
import sys
from scapy.all import Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, sendp
address, mac = sys.argv[1:]
frame = Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=address, dst="ff02::1", hlim=255)
frame /= ICMPv6ND_NA(tgt=address, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac)
sendp(frame, iface="eth0", verbose=False)
"""


def test_one_advertisement_that_overrides_is_followed_and_defended(bed: Bed) -> None:
    """The router follows it at once; the owner looks, finds it still its own, and announces it."""
    address = lan.serve(bed, "web", family=6)
    node = lan.owner(bed, address)
    mine, stranger = lan.mac_of(bed, node), lan.mac_of(bed, STRANGER)
    bed.wait("an entry", lambda: lan.neighbor(bed, address) == mine)
    words = f"tgt is {address}"
    with (
        lan.monitoring(bed, "overridden") as monitor,
        lan.capturing(bed, "overridden") as heard,
    ):
        bed.wait("tcpdump", lambda: lan.macs(bed, address) and heard.lines)

        def since_the_claim(*what: str) -> list[str]:
            lines = heard.lines
            claims = [n for n, s in enumerate(lines) if stranger in s and words in s]
            after = lines[claims[0] :] if claims else []
            return [s for s in after if words in s and all(one in s for one in what)]

        bed.exec(STRANGER, sys.executable, "-c", ADVERTISE, address, stranger, timeout_s=120)
        bed.wait("the claim", lambda: since_the_claim(stranger))
        bed.wait("the router with the stranger", lambda: stranger in monitor.path.read_text())
        bed.wait("the defence, to all", lambda: since_the_claim(f"{mine} > 33:33:00:00:00:01"))
        bed.wait("the router back with the owner", lambda: lan.neighbor(bed, address) == mine)


def test_an_address_that_is_claimed_later_is_defended_and_reported(bed: Bed, family: int) -> None:
    lab = bed
    address = lan.serve(lab, "web", family=family)
    node = lan.owner(lab, address)
    lab.wait("an entry", lambda: lan.neighbor(lab, address))
    stranger = lan.mac_of(lab, STRANGER)
    if family == 4:
        take(lab, address)
        lab.exec(STRANGER, "arping", "-U", "-I", "eth0", "-c", "1", "-w", "1", address, check=False)
    else:
        # Its kernel says so to all when the link comes up.
        lan.set_kernel(lab, STRANGER, **{"ipv6/conf/eth0/ndisc_notify": 1})
        take(lab, address)
        lab.exec(STRANGER, "ndisc6", "-s", address, "2001:db8:2::1", "eth0", check=False)
    # Named while it lasts; the router's entry is ours again.
    status = f"{cluster.CRS}/announcers/{node}"

    def named() -> bool:
        listed = (lab.api.get(status).get("status") or {}).get("conflicts") or []
        return any(c["address"] == address and c["mac"] == stranger for c in listed)

    lab.wait("the conflict in the Announcer's status", named)
    mine = lan.mac_of(lab, node)
    lab.wait("the router back with the owner", lambda: lan.neighbor(lab, address) == mine)
