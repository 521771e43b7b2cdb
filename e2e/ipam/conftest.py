"""One lab for the whole folder, and one NetBox beside it; what a test made is gone after it."""

from collections.abc import Iterator

import pytest

from e2e import cluster, labs
from e2e.addresses import words
from e2e.bed import Bed
from e2e.bgp import routers
from e2e.ipam.netboxes import RELEASED_S, Netbox, open_netbox
from lab.options import Options

EIP = f"{cluster.CRS}/eips/books"  # it goes when NetBox has no entry of it


@pytest.fixture(scope="package")
def whole() -> Iterator[tuple[Bed, Netbox]]:
    """Everything runs; Secret netbox has the token of a NetBox with a block of addresses."""
    with labs.standing(Options(name=labs.fresh())) as up:
        cluster.prepare(up)
        with open_netbox(up) as books:
            routers.secret(up, "netbox", token=books.token)
            yield up, books


@pytest.fixture
def lab(whole: tuple[Bed, Netbox]) -> Iterator[Bed]:
    """The folder's lab, as `prepare` left it, before the test and after it."""
    up, books = whole
    yield up
    books.door.tell("thaw")
    for path in (*(f"{cluster.SERVICES}/{name}" for name in ("web", "late")), EIP):
        if up.api.find(path):
            up.api.delete(path)
    up.wait("the end of the Eip", lambda: up.api.find(EIP) is None, timeout_s=RELEASED_S)
    words.tidy(up)


@pytest.fixture
def books(whole: tuple[Bed, Netbox]) -> Netbox:
    return whole[1]
