"""Failing and healing the parts of a lab that stands.

A fault is remembered by its name, so that two of them on one machine (its cable
pulled, and the machine dead) heal apart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

from lab.cluster import client, objects
from lab.errors import Broken
from lab.network import fabric
from lab.supervision.faults import Fault, Part
from lab.supervision.processes import Keeper
from lab.supervision.site import Site
from pointsman.runtime.errors import Misuse

UNKNOWN_AFTER_S = 5.0  # the node controller's patience, shortened from 40 s


class Faults:
    """What is failed on purpose at *site*."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._faults: dict[str, Fault] = {}
        self._doubts: dict[str, asyncio.Task[None]] = {}  # nodes on their way to Unknown

    @property
    def names(self) -> list[str]:
        return sorted(self._faults)

    async def fail(self, fault: Fault) -> None:
        """Break it as it would break by itself; what is broken stays so."""
        if fault.text in self._faults:
            return
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                # As power goes: no program of it says that its cable was cut. They reach the API
                # by another way than that cable, here.
                for keeper in self._keepers(self._of_node(node)):
                    keeper.strike(fault.text)
                fabric.set_link(self._site.topology, node, up=False)
                await self._hold(self._of_node(node), fault.text)
                self._flag(node).touch()
                self._site.silent_nodes.add(node)
                if self._site.api is not None:
                    self._doubts[node] = self._site.tasks.create_task(
                        self._doubt(self._site.api, node)
                    )
            case Part.LINK:
                fabric.set_link(self._site.topology, fault.which[0], up=False)
            case Part.PROGRAM:
                await self._hold(fault.which, fault.text)
            case Part.PROXY:
                self._flag(fault.which[0]).touch()
                await self._hold([fault.text], fault.text)
            case Part.API:
                await self.relay(" ".join(["freeze", *self._namespaces(fault)]))
        self._faults[fault.text] = fault

    async def heal(self, fault: Fault) -> None:
        """Undo that fault, and no other that holds the same part."""
        if self._faults.pop(fault.text, None) is None:
            return
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                if task := self._doubts.pop(node, None):
                    task.cancel()
                if f"link:{node}" not in self._faults:
                    fabric.set_link(self._site.topology, node, up=True)
                self._release(self._of_node(node), fault.text)
                self._unflag(node)
                self._site.silent_nodes.discard(node)
                if self._site.api is not None:
                    await asyncio.to_thread(objects.set_ready, self._site.api, node, "True")
            case Part.LINK:
                if fault.which[0] not in self._faults:
                    fabric.set_link(self._site.topology, fault.which[0], up=True)
            case Part.PROGRAM:
                self._release(fault.which, fault.text)
            case Part.PROXY:
                self._unflag(fault.which[0])
                self._release([fault.text], fault.text)
            case Part.API:
                await self.relay(" ".join(["thaw", *self._namespaces(fault)]))

    @staticmethod
    def _of_node(node: str) -> list[str]:
        """A real kube-proxy is a program of its node; our stand-in minds the flag."""
        return [f"agent:{node}", f"pods:{node}", f"proxy:{node}"]

    async def _doubt(self, api: client.ApiClient, node: str) -> None:
        await asyncio.sleep(UNKNOWN_AFTER_S)
        with contextlib.suppress(Broken):  # an API that is away hears of it never, as in life
            await asyncio.to_thread(objects.set_ready, api, node, "Unknown")

    async def _hold(self, programs: Iterable[str], reason: str) -> None:
        for keeper in self._keepers(programs):
            await keeper.hold(reason)

    def _release(self, programs: Iterable[str], reason: str) -> None:
        for keeper in self._keepers(programs):
            keeper.release(reason)

    def _keepers(self, programs: Iterable[str]) -> list[Keeper]:
        return [self._site.keepers[name] for name in programs if name in self._site.keepers]

    def _flag(self, node: str) -> Path:
        return self._site.programs.proxy_flags / node

    def _unflag(self, node: str) -> None:
        if not {node, f"proxy:{node}"} & self._faults.keys():
            self._flag(node).unlink(missing_ok=True)

    def _namespaces(self, fault: Fault) -> list[str]:
        return [self._site.topology.namespace(machine) for machine in fault.which]

    async def relay(self, line: str) -> None:
        """Tell the relay *line*, in the words of `lab.cluster.relay`."""
        if self._site.api is None:
            raise Misuse(f"Lab {self._site.options.name!r} has no API: it was started without one.")
        reader, writer = await asyncio.open_unix_connection(self._site.programs.relay_control)
        writer.write(f"{line}\n".encode())
        answer = (await reader.readline()).decode().strip()
        writer.close()
        if answer != "ok":
            raise Misuse(f"{answer}.")
