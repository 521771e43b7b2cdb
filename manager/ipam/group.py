"""The IPAMs of all Eips, side by side: one that hangs or is slow stops none of the others.

Which there are follows from the Eips and the tokens as they are now. A driver whose Eip names
another IPAM is replaced; the new one reads before it does anything.
Refuses to know how an IPAM is asked: whoever puts the manager together opens them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from manager.ipam.configured import SourceConfig, Tokens, abandoned, configured
from manager.ipam.driver import SourceDriver
from manager.ipam.slot import Shell, Slot
from manager.ipam.unusable import UnusableSource
from manager.planner.desired import Plan
from manager.ports import AddressSource
from manager.snapshot import EipName, Snapshot
from pointsman.model.reservation import SourceReading

log = logging.getLogger(__name__)
# The token is asked for with each request: one that is exchanged needs no other source.
Open = Callable[[SourceConfig, Callable[[], str]], AddressSource]


class SourceGroup:
    """One `SourceDriver` for each Eip with an IPAM. *open_source* connects to nothing yet."""

    def __init__(self, open_source: Open, *, shell: Shell) -> None:
        self._open, self._shell = open_source, shell
        self._wanted: Mapping[EipName, SourceConfig] = {}
        self._drivers: dict[EipName, SourceDriver] = {}
        self._readings: Mapping[EipName, SourceReading] = {}
        self._changed = asyncio.Event()
        self._about: tuple[object, ...] = (None,) * 4  # what the drivers were chosen by

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with what the IPAMs of its Eips hold; ask those, from now on."""
        about = (snapshot.eips, snapshot.secrets, snapshot.secrets_read, snapshot.cluster_uid)
        if any(one is not other for one, other in zip(about, self._about, strict=True)):
            self._about = about
            tokens = Tokens(snapshot.secrets, snapshot.secrets_read)
            self.follow(configured(snapshot.eips, tokens, cluster_uid=snapshot.cluster_uid))
        return replace(snapshot, sources=self.readings) if self._drivers else snapshot

    def follow(self, wanted: Mapping[EipName, SourceConfig]) -> None:
        """Have these from now on, and no others."""
        before, self._wanted = self._wanted, wanted
        for name, config in before.items():
            self._say_what_stays(config, wanted.get(name))
        for name, config in wanted.items():
            if before.get(name) != config:
                self._drivers[name] = self._driver(config)
            elif before[name].token != config.token:
                self._drivers[name].look_now()
        for name in self._drivers.keys() - wanted.keys():
            del self._drivers[name]
        self._changed.set()

    @property
    def readings(self) -> Mapping[EipName, SourceReading]:
        """Return what each held when it answered last, by Eip; the same object while it is so."""
        found = {name: driver.reading for name, driver in sorted(self._drivers.items())}
        last = self._readings
        if found.keys() != last.keys() or any(found[name] is not last[name] for name in found):
            self._readings = found
        return self._readings

    def hand(self, decided: Plan, snapshot: Snapshot, *, term: int | None) -> None:
        """Have each brought to its part of *decided*, made of *snapshot*; see `reconcile`."""
        for name, driver in self._drivers.items():
            plan, planned_from = decided.sources.get(name), snapshot.sources.get(name)
            if term is None or plan is None or planned_from is None:
                driver.hand(None)
            else:
                driver.hand(Slot(plan, planned_from, term))

    async def run(self) -> None:
        """Run the drivers, whichever there are, until cancelled."""
        running: dict[SourceDriver, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                drivers = {driver: name for name, driver in self._drivers.items()}
                for driver in running.keys() - drivers.keys():
                    running.pop(driver).cancel()
                for driver, name in drivers.items():
                    if driver not in running:
                        running[driver] = tasks.create_task(driver.run(), name=f"IPAM of {name}")
                await self._changed.wait()

    def _say_what_stays(self, before: SourceConfig, now: SourceConfig | None) -> None:
        """Log how many entries nobody looks after any more: only a person can release them."""
        left = len(self._drivers[before.eip].reading.reservations)
        url = abandoned(before, now)
        if left and url:
            log.warning(
                "Eip '%s': %s is not asked any more, or for another owner: entries of ours stay "
                "there, %d as it was read last (When an Eip changes its IPAM, in docs/ipam.md)",
                before.eip,
                url,
                left,
            )

    def _driver(self, config: SourceConfig) -> SourceDriver:
        return SourceDriver(
            UnusableSource(config.unusable)
            if config.unusable
            else self._open(config, lambda: self._token(config.eip)),
            eip=config.eip,
            quarantine_s=config.quarantine_s,
            shell=self._shell,
        )

    def _token(self, name: EipName) -> str:
        config = self._wanted.get(name)
        return "" if config is None else config.token
