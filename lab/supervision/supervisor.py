"""The parent of a lab: builds it, keeps it, answers for it, takes it away.

`python -m lab.supervision.supervisor` is started by `lab up` and lives as long as the lab.
Whatever ends it (Ctrl-C, `lab down`, an error half-way) ends everything it
made. Where it is killed outright, its children die with it and `lab down`
removes the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from typing import Any, TextIO

from lab.errors import Broken
from lab.options import Options
from lab.supervision import control, faults
from lab.supervision.control import owning
from lab.supervision.failing import Faults
from lab.supervision.site import Site
from pointsman.runtime.errors import Misuse


class Supervisor:
    """One lab, as a process: *report* hears how the building goes."""

    def __init__(self, options: Options, report: TextIO) -> None:
        self._options, self._report = options, report
        self._began = time.monotonic()

    async def run(self) -> None:
        """Build, tell that it is ready, serve until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._site = Site(self._options, tasks, tell=lambda step: self._tell(step=step))
                self._faults = Faults(self._site)
                await self._site.build()
                path = self._site.home / control.SOCKET
                await asyncio.start_unix_server(self._answer, path)
                path.chmod(0o600)
                self._log_here()
                self._tell(ready=True, seconds=round(time.monotonic() - self._began, 1))
                await asyncio.get_running_loop().create_future()  # until cancelled
        finally:  # after the group: nothing starts any more
            self._site.remove()

    def _log_here(self) -> None:
        """From now on nobody reads our stderr: a traceback goes to a log of the lab."""
        with (self._site.home / "logs" / "supervisor.log").open("a") as log:
            os.dup2(log.fileno(), 2)

    def _tell(self, **what: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            self._report.write(json.dumps(what) + "\n")
            self._report.flush()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        try:
            answer = {"done": await self._obey(json.loads(line))}
        except Misuse as misuse:
            answer = {"misuse": str(misuse)}
        except Broken as broken:
            answer = {"broken": str(broken)}
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _obey(self, request: dict[str, Any]) -> Any:
        match request["verb"]:
            case "status":
                return self._status()
            case "fail":
                return await self._faults.fail(faults.parse(request["target"], self._site.topology))
            case "heal":
                return await self._faults.heal(faults.parse(request["target"], self._site.topology))
            case "kill":
                return self._kill(request["program"], signal.Signals(request["signal"]))
            case "relay":
                return await self._faults.relay(request["line"])
            case "down":
                os.kill(os.getpid(), signal.SIGTERM)
                return None
            case verb:
                raise Misuse(f"The supervisor knows no verb {verb!r}.")

    def _status(self) -> dict[str, Any]:
        return {
            "name": self._options.name,
            "options": json.loads(self._options.to_json()),
            "pid": os.getpid(),
            "kubeconfig": str(self._site.topology.kubeconfig),
            "api": self._site.api.access.server if self._site.api else None,
            "failed": self._faults.names,
            "processes": [keeper.standing().to_json() for keeper in self._site.keepers.values()],
        }

    def _kill(self, program: str, number: signal.Signals) -> None:
        keeper = self._site.keepers.get(program)
        if keeper is None:
            known = ", ".join(self._site.keepers)
            raise Misuse(f"Lab {self._options.name!r} runs no {program!r}: it runs {known}.")
        keeper.kill(number)


async def supervise(options: Options, report: TextIO, *, attached: bool) -> None:
    """Run the lab until SIGTERM or SIGINT, or, if *attached*, until stdin ends."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end() -> None:  # once: what follows is cleaning up
        loop.remove_reader(sys.stdin)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if attached:
        loop.add_reader(sys.stdin, end)  # only its end can make it readable
    with owning(options.name), contextlib.suppress(asyncio.CancelledError):
        await Supervisor(options, report).run()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m lab.supervision.supervisor", description=__doc__
    )
    parser.add_argument("--options", required=True, help="JSON")
    parser.add_argument("--report", type=int, required=True, help="descriptor to report to")
    parser.add_argument("--attached", action="store_true", help="end when stdin does")
    given = parser.parse_args()
    options = Options.from_json(given.options)
    with os.fdopen(given.report, "w") as report:
        try:
            asyncio.run(supervise(options, report, attached=given.attached))
        except (Misuse, Broken, BaseExceptionGroup) as error:
            reason = _first(error)
            if not isinstance(reason, Misuse | Broken):
                raise
            kind = "misuse" if isinstance(reason, Misuse) else "broken"
            with contextlib.suppress(BrokenPipeError):
                report.write(json.dumps({kind: str(reason)}) + "\n")
            return 1
    return 0


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
