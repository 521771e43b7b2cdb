"""A router that goes between two questions about it."""

from collections.abc import AsyncIterator

from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName
from tests.conformance.gobgp.bed import PATIENCE_S, Bed, eventually, peered, started, state

A, B = PeerName("tor-a"), PeerName("tor-b")


class _AsItWas:
    """A stub that lists the sessions as they were when it was made."""

    def __init__(self, bed: Bed, listed: list[pb.ListPeerResponse]) -> None:
        self._stub, self._listed = bed.stub, listed

    def __getattr__(self, name: str) -> object:
        return getattr(self._stub, name)

    async def ListPeer(  # noqa: N802 - the API's name
        self, request: pb.ListPeerRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPeerResponse]:
        for reply in self._listed:
            yield reply


async def test_a_router_that_goes_while_it_is_counted_is_left_out(bed: Bed) -> None:
    speaker = await started(bed)
    for name, address in (("tor-a", "127.0.0.2"), ("tor-b", "127.0.0.3")):
        await bed.router(address, 64500)
        await peered(bed, name, address)
    for name in ("tor-a", "tor-b"):

        async def its_state(name: str = name) -> str | None:
            return await state(speaker, name)

        await eventually(its_state, "Established")
    listed = [one async for one in bed.stub.ListPeer(pb.ListPeerRequest(), timeout=PATIENCE_S)]
    await speaker.neighbors.apply(Delta({}, frozenset({A})))
    late = GobgpSpeaker(_AsItWas(bed, listed))  # type: ignore[arg-type]  # what it is asked for
    assert (await late.sessions()).keys() == {B}
