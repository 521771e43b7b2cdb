"""The agent's private half of the heartbeat's key: a file that nobody else can read.

Without the file, or with one that is of no use, a new key is made: the public half is a field
of the status that the agent writes anyway, so nothing has to be done by hand. Refuses to fail:
an agent that cannot keep its key makes a new one at each start.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.adapters.private_file import store, stored
from pointsman.wire.heartbeat_keys import KEY_OCTETS

FILE: Final = "heartbeat.key"
log = logging.getLogger(__name__)


def private_key(directory: Path, draw: Callable[[int], bytes]) -> bytes:
    """Return the key kept in *directory*; else a new one, kept there if that can be."""
    path = directory / FILE
    try:
        key = _stored(path)
    except FileNotFoundError:
        why = "there is none yet"
    except OSError as error:
        why = f"the one there cannot be read ({error.strerror})"
    else:
        if isinstance(key, bytes):
            return key
        why = key
    made = draw(KEY_OCTETS)
    try:
        store(path, made)
    except OSError as error:
        log.warning(
            "The key of this agent's heartbeats is a new one (%s), and cannot be kept in %s: %s. "
            "The next start makes another, which costs a write of its status. Give --state-dir a "
            "directory that the agent may write.",
            why,
            directory,
            error.strerror,
        )
    else:
        log.info("The key of this agent's heartbeats is a new one, in %s: %s.", path, why)
    return made


def _stored(path: Path) -> bytes | str:
    """Return the key in *path*, or a clause that says why it is of no use."""
    key = stored(path, KEY_OCTETS + 1)
    return "what is there is no key" if isinstance(key, bytes) and len(key) != KEY_OCTETS else key
