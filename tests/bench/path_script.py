"""The yardstick of a cold start: a script that puts a speaker's paths, and does nothing else.

It was told beforehand who the speaker is, which routers it has and which paths: the messages are
made before the clock runs. What is left is gobgpd, the wire and the router.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from manager.adapters.gobgp import neighbor_codec, path_codec
from manager.adapters.gobgp.routes import BATCH
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import gobgp_pb2_grpc

WITHIN_S: Final = 600.0


@dataclass(frozen=True)
class PathScript:
    """What one speaker was told, as messages."""

    start: pb.StartBgpRequest
    peers: tuple[pb.AddPeerRequest, ...]
    paths: tuple[pb.AddPathStreamRequest, ...]

    @classmethod
    def of(cls, socket: Path) -> PathScript:
        """Return what the speaker behind *socket* has by now."""
        with grpc.insecure_channel(f"unix:{socket}") as channel:
            stub = gobgp_pb2_grpc.GoBgpServiceStub(channel)
            running = stub.GetBgp(pb.GetBgpRequest(), timeout=WITHIN_S)
            ours = [
                decoded
                for reply in stub.ListPeer(pb.ListPeerRequest(), timeout=WITHIN_S)
                if (decoded := neighbor_codec.decode(reply.peer)) is not None
            ]
            return cls(
                pb.StartBgpRequest(**{"global": getattr(running, "global")}),
                tuple(pb.AddPeerRequest(peer=neighbor_codec.encode(*one)) for one in ours),
                tuple(_messages(list(_paths(stub)))),
            )

    def play(self, socket: Path) -> None:
        """Tell all of it to the daemon behind *socket*, as soon as that answers."""
        with grpc.insecure_channel(f"unix:{socket}") as channel:
            stub = gobgp_pb2_grpc.GoBgpServiceStub(channel)
            stub.StartBgp(self.start, timeout=WITHIN_S, wait_for_ready=True)
            for peer in self.peers:
                stub.AddPeer(peer, timeout=WITHIN_S)
            stub.AddPathStream(iter(self.paths), timeout=WITHIN_S)


def _paths(stub: gobgp_pb2_grpc.GoBgpServiceStub) -> Iterator[pb.Path]:
    for family in (path_codec.IPV4, path_codec.IPV6):
        request = pb.ListPathRequest(table_type=pb.TABLE_TYPE_GLOBAL, family=family)
        for reply in stub.ListPath(request, timeout=WITHIN_S):
            for path in reply.destination.paths:
                yield pb.Path(
                    nlri=path.nlri,
                    pattrs=path.pattrs,
                    family=path.family,
                    identifier=path.identifier,
                )


def _messages(paths: list[pb.Path]) -> Iterator[pb.AddPathStreamRequest]:
    for first in range(0, len(paths), BATCH):
        yield pb.AddPathStreamRequest(
            table_type=pb.TABLE_TYPE_GLOBAL, paths=paths[first : first + BATCH]
        )
