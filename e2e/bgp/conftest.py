"""One lab for the whole folder: FRR, and a BIRD beside it."""

from collections.abc import Callable, Iterator

import pytest

from e2e import cluster, labs
from e2e.bed import Bed
from e2e.bgp import openbgpd, spoken
from lab.network.topology import RouterKind
from lab.options import Options


@pytest.fixture(scope="package")
def whole() -> Iterator[Bed]:
    with labs.standing(Options(name=labs.fresh(), routers=2, pods=4)) as up:
        cluster.prepare(up)
        yield up


@pytest.fixture(autouse=True)
def routers_spoken_with(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Note with the row's result which kinds of router it spoke with."""
    spoken.begin()
    yield
    lab: Bed | None = request.node.funcargs.get("lab")
    if lab is not None and lab.topology.racks:
        spoken.note(spoken.BIRD)  # one of the two on top
    for kind in spoken.kinds():
        release = (
            openbgpd.release() if kind == spoken.OPENBGPD else labs.router_release(RouterKind(kind))
        )
        record_property(spoken.PROPERTY, f"{kind} {release}")
