"""What a speaker holds, asked once, without a manager: for the `pointsman` command.

It changes nothing, starts nothing and decides nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from manager.snapshot import Observed
from pointsman.runtime.target import Unavailable


class NoSpeaker(Exception):
    """The speaker cannot be asked; the text is the sentence for the user."""


async def observe_speakers(sockets: Sequence[Path], *, within_s: float = 10.0) -> list[Observed]:
    """Return what the speakers of one manager, behind *sockets*, hold now.

    Raises:
        NoSpeaker: one of them is not there, does not answer, or was not started yet.
    """
    found = []
    for index, socket in enumerate(sockets):
        one = await _observe(socket, within_s)
        routes = {replace(key, speaker=index): route for key, route in one.routes.items()}
        found.append(replace(one, routes=routes))
    return found


async def _observe(socket: Path, within_s: float) -> Observed:
    """Return what the speaker behind *socket* holds now.

    Raises:
        NoSpeaker: there is none, it does not answer, or it was not started yet.
    """
    # Why here: gRPC is slow to load, and commands that ask no speaker need none of it.
    from manager.adapters.gobgp.speaker import speaker_at

    if not socket.is_socket():
        raise NoSpeaker(
            f"There is no speaker at {socket}: run this beside the manager, in its Pod's network "
            "and files, and name the sidecar's socket with --gobgp-socket."
        )
    try:
        async with asyncio.timeout(within_s), speaker_at(socket) as speaker:
            identity = await speaker.identity()
            if identity is None:
                raise NoSpeaker(f"The speaker at {socket} is empty: no manager has started it yet.")
            return Observed(
                identity=identity,
                exports=await speaker.exports.observe(),
                routes=await speaker.routes.observe(),
                neighbors=await speaker.neighbors.observe(),
                sessions=await speaker.sessions(),
            )
    except (Unavailable, TimeoutError, PermissionError) as error:
        why = str(error) or f"no answer within {within_s:g} s"
        raise NoSpeaker(f"The speaker at {socket} cannot be asked: {why}.") from error
