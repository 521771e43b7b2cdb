"""Addresses from the network team's own books: given, kept through every trouble, given back."""

import pytest

from e2e import cluster
from e2e.addresses import words
from e2e.bed import Bed, Broken
from e2e.ipam.netboxes import BLOCK, RELEASED_S, Netbox
from manager.ipam.driver import LONGEST_PAUSE_S, POLL_S

pytestmark = pytest.mark.lab
FIRST, SECOND = "198.51.100.193", "198.51.100.194"
# Read again, after a request that hung for its ten seconds, after the longest pause; thrice.
READ_S = 3 * (POLL_S + LONGEST_PAUSE_S + 10)
OWN = "198.51.100.96"


def sourced(lab: Bed, books: Netbox) -> None:
    """Make Eip `books`, whose addresses are those of the prefix in NetBox."""
    source = {"netbox": books.spec(prefix=str(books.prefix), dnsName="{name}.example.com")}
    words.apply(lab, cluster.custom("Eip", "books", {"source": source}))


def make(lab: Bed, name: str, **notes: str) -> None:
    cluster.make(lab, name, notes={"eip": "books", **notes})


def written(lab: Bed, books: Netbox, address: str, name: str) -> None:
    """Wait until NetBox says of *address* that Service *name* has it, once."""

    def look() -> bool:
        one = books.entry(address)
        uid = cluster.get(lab, name)["metadata"]["uid"]
        if uid not in str(one["custom_fields"][books.field]):
            raise Broken(f"it is {one}")
        assert one["status"]["value"] == "active"
        assert f"default/{name}" in one["description"]
        return True

    lab.wait(f"the entry of {address}", look, timeout_s=READ_S)


# First: nothing is released for a minute after a manager's start, and its end waits for that once.
def test_while_netbox_hangs_only_new_addresses_wait(lab: Bed, books: Netbox) -> None:
    sourced(lab, books)
    make(lab, "web")
    assert cluster.settled(lab, "web") == FIRST
    before = cluster.gateways(lab, FIRST)
    books.door.tell("freeze")
    make(lab, "late")
    lab.wait("the wait", lambda: waits(lab, "late"), timeout_s=READ_S)
    lab.wait("the Eip's word", lambda: says(lab, "SourceUnavailable"), timeout_s=READ_S)
    assert cluster.gateways(lab, FIRST) == before
    assert cluster.addresses(lab, "web") == [FIRST]
    words.restarted(lab)  # who starts while NetBox is away knows what is held by what is recorded
    cluster.answered(lab, FIRST, "node1", "node2", "node3")
    books.door.tell("thaw")
    lab.wait("its address", lambda: cluster.addresses(lab, "late"), timeout_s=READ_S)
    assert cluster.addresses(lab, "late") == [SECOND]
    assert cluster.addresses(lab, "web") == [FIRST]
    written(lab, books, FIRST, "web")
    written(lab, books, SECOND, "late")
    assert len(books.entries()) == 2


def test_an_address_is_taken_from_netbox_and_given_back(lab: Bed, books: Netbox) -> None:
    sourced(lab, books)
    make(lab, "web")
    assert cluster.settled(lab, "web") == FIRST
    written(lab, books, FIRST, "web")
    assert books.entry(FIRST)["role"]["value"] == "vip"
    assert books.entry(FIRST)["dns_name"] == "web.example.com"
    cluster.delete(lab, "web")
    lab.wait("NetBox without it", lambda: not books.entries(), timeout_s=RELEASED_S)


def test_what_somebody_does_to_an_entry_is_put_right_or_said(lab: Bed, books: Netbox) -> None:
    sourced(lab, books)
    make(lab, "web")
    assert cluster.settled(lab, "web") == FIRST
    books.remove(FIRST)
    written(lab, books, FIRST, "web")
    books.remove(FIRST)
    books.take(FIRST)
    lab.wait("what is said", lambda: says(lab, "ForeignChange", FIRST), timeout_s=READ_S)
    assert cluster.addresses(lab, "web") == [FIRST]
    cluster.routed(lab, FIRST, "123")
    books.remove(FIRST)
    written(lab, books, FIRST, "web")
    lab.wait("an end of that", lambda: says(lab, "Ready"), timeout_s=READ_S)


def test_who_has_our_own_addresses_is_published(lab: Bed, books: Netbox) -> None:
    words.eip(lab, "books", OWN, publish=True, publishTo={"netbox": books.spec()})
    make(lab, "web")
    assert cluster.settled(lab, "web") == OWN
    written(lab, books, OWN, "web")
    cluster.delete(lab, "web")
    lab.wait("NetBox without it", lambda: not books.entries(OWN), timeout_s=RELEASED_S)


def waits(lab: Bed, name: str) -> bool:
    """Whether *name* waits for NetBox, and its condition says so."""
    found = cluster.verdicts(cluster.get(lab, name)).get("Allocated")
    if found is None or found[:2] != ("False", "WaitingForSource"):
        raise Broken(f"Allocated is {found}")
    return True


def says(lab: Bed, reason: str, *needed: str) -> bool:
    """Whether Ready of the Eip has that reason, with these words in its sentence."""
    found = cluster.verdicts(lab.api.get(f"{cluster.CRS}/eips/books")).get("Ready")
    if found is None or found[1] != reason or any(one not in found[2] for one in needed):
        raise Broken(f"Ready is {found}; the block is {BLOCK}")
    return True
