"""Reading GoBGP's GLOBAL table: the local paths, whoever put them there."""

from __future__ import annotations

from collections.abc import Iterable

from manager.adapters.gobgp import path_codec, paths
from manager.adapters.gobgp.rpc import TABLE_WITHIN_S, Stub, asked_to
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Prefix

FEW = 1000  # up to so many prefixes are asked for by name: 60 µs each (measured)


async def local_paths(
    stub: Stub, asn: int, wanted: Iterable[Prefix] | None = None
) -> list[paths.Listed]:
    """Return the local paths, ours and foreign, of the *wanted* prefixes (of all: None)."""
    named = None if wanted is None else list(wanted)
    found: list[paths.Listed] = []
    decoder = path_codec.Decoder(asn)
    for version, family in ((4, path_codec.IPV4), (6, path_codec.IPV6)):
        few = [prefix for prefix in named or () if prefix.version == version]
        if named is not None and not few:
            continue
        request = pb.ListPathRequest(
            table_type=pb.TABLE_TYPE_GLOBAL, family=family, enable_attribute_binary=True
        )
        if 0 < len(few) <= FEW:
            request.prefixes.extend(
                pb.TableLookupPrefix(prefix=str(prefix), type=pb.TableLookupPrefix.TYPE_EXACT)
                for prefix in few
            )
        with asked_to("list its local paths"):
            async for reply in stub.ListPath(request, timeout=TABLE_WITHIN_S):
                one = decoder.decode(reply.destination)
                if one.paths:
                    found.append(one)
    return found
