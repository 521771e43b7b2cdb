"""The last assignment, on the node's disk: for a boot that finds no API server.

It is written as an Announcer's spec is, and read by the same codec, so that what cannot be read
there is left out here, too. Another node's is none of ours: a disk may be a copy. Refuses to
fail, and to wait: it is written beside what the agent does.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agent.adapters.assignment_codec import assignment_of
from agent.adapters.private_file import store, stored
from agent.snapshot import Assignment, Duty, NodeName
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import KERNEL, KERNEL_INTERFACE
from pointsman.model.heartbeats import ManagerEndpoint
from pointsman.wire.asked_prefixes import unreachable_entry
from pointsman.wire.heartbeat_keys import key_text

FILE: Final = "assignment.json"
LONGEST: Final = 4 << 20  # twice what 12,000 addresses take, each of them to be probed
log = logging.getLogger(__name__)


class AssignmentFile:
    """The port ``Memory`` in a directory; `run` writes."""

    def __init__(self, directory: Path, node: NodeName) -> None:
        self._path, self._node = directory / FILE, node
        self._newest: Assignment | None = None
        self._news = asyncio.Event()

    def recall(self) -> Assignment | None:
        """Return what was stored last; None: nothing, or nothing that is of use."""
        try:
            found = stored(self._path, LONGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            found = error.strerror or "it cannot be read"
        if isinstance(found, bytes):
            try:
                announcer = json.loads(found)
                if announcer["metadata"]["name"] == self._node:
                    return assignment_of(announcer)
                found = "it is another node's"
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                found = "it holds no assignment"
        log.warning("The last assignment in %s is of no use: %s.", self._path, found)
        return None

    @property
    def pending(self) -> bool:
        """Whether something is still to be written."""
        return self._newest is not None

    def remember(self, assignment: Assignment) -> None:
        """Have *assignment* written; of several in a row the last."""
        self._newest = assignment
        self._news.set()

    async def run(self) -> None:
        """Write what is to be remembered until cancelled; a failure is said once."""
        complained = False
        while True:
            await self._news.wait()
            self._news.clear()
            if (newest := self._newest) is None:
                continue
            try:
                # In a thread: a disk may take longer than anybody who asks for an address waits.
                await asyncio.to_thread(self._write, newest)
            except OSError as error:
                if not complained:
                    log.warning(
                        "The assignment cannot be stored in %s (%s): after a boot without an API "
                        "server this node answers for nothing. Give --state-dir a directory that "
                        "the agent may write.",
                        self._path,
                        error.strerror,
                    )
                complained = True
            else:
                complained = False
            if self._newest is newest:
                self._newest = None

    def _write(self, assignment: Assignment) -> None:
        text = json.dumps(announcer_of(assignment, self._node), separators=(",", ":"))
        store(self._path, text.encode())


def announcer_of(assignment: Assignment, node: NodeName) -> dict[str, Any]:
    """Return *assignment* as an Announcer's metadata and spec."""
    return {
        "metadata": {"name": node, "generation": assignment.generation},
        "spec": {
            "managers": [_manager(one) for one in assignment.managers],
            "assignments": [*map(_duty, assignment.duties), *_kernel(assignment.kernel)],
            "unreachable": [unreachable_entry(one) for one in assignment.unreachable],
        },
    }


def _kernel(addresses: frozenset[Address]) -> list[Mapping[str, Any]]:
    listed = [str(one) for one in sorted(addresses, key=address_order)]
    one = {"interface": KERNEL_INTERFACE, "responder": KERNEL, "addresses": listed}
    return [one] if listed else []


def _manager(one: ManagerEndpoint) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "address": str(one.address),
        "port": one.port,
        "publicKey": key_text(one.key),
    }


def _duty(duty: Duty) -> Mapping[str, Any]:
    rate = {} if duty.announce_rate is None else {"announceRate": duty.announce_rate}
    return {
        "interface": duty.interface,
        "responder": duty.responder,
        "addresses": [str(one) for one in sorted(duty.addresses, key=address_order)],
        "probe": [str(one) for one in sorted(duty.probe, key=address_order)],
    } | rate
