"""A driver over an IPAM in memory, on the virtual clock: handed one plan at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from manager.ipam.driver import SourceDriver
from manager.ipam.slot import Shell, Slot
from manager.ports import NotLeading
from pointsman.model.address import Family
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import AddressRequest, Holder, ReservationKey, SourcePlan
from pointsman.runtime.clock import Clock
from tests.fakes.address_source import Book, FakeSource
from tests.manager.beside import beside

NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUARANTINE_S: Final = 300.0
STEP_S: Final = 0.5  # until an IPAM that answers has done what it was handed


def key(uid: str, family: Family = Family.IPV4) -> ReservationKey:
    return ReservationKey(uid, family)


def holder(uid: str) -> Holder:
    return Holder((f"shop/{uid}",))


def ask(*uids: str, **addresses: str) -> SourcePlan:
    """Return a plan that asks for an address for each of *uids*, and for certain *addresses*."""
    some = {key(uid): AddressRequest(holder(uid)) for uid in uids}
    certain = {
        key(uid): AddressRequest(holder(uid), ip_address(text)) for uid, text in addresses.items()
    }
    return SourcePlan(requests=some | certain)


def hold(**addresses: str) -> SourcePlan:
    """Return a plan in which each uid holds its address."""
    found = {ip_address(text): uid for uid, text in addresses.items()}
    return SourcePlan(
        held={address: holder(uid) for address, uid in found.items()},
        owners={address: key(uid) for address, uid in found.items()},
    )


def together(one: SourcePlan, other: SourcePlan) -> SourcePlan:
    return replace(
        one,
        requests={**one.requests, **other.requests},
        held={**one.held, **other.held},
        owners={**one.owners, **other.owners},
    )


class Leader:
    """The fence, and whether it lets anything through."""

    def __init__(self) -> None:
        self.leads, self.term, self.under_way = True, 1, 0

    @property
    def fence(self) -> "Leader":
        return self

    def check(self) -> None:
        if not self.leads:
            raise NotLeading("this replica does not lead")

    @contextmanager
    def sending(self) -> Iterator[None]:
        self.check()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


class Rig:
    """A driver, run by the test; its loop hands it one thing at a time."""

    def __init__(self, *, quarantine_s: float = QUARANTINE_S, book: Book | None = None) -> None:
        self.book = book or Book(read_disjoint(("192.0.2.0/29",)))
        self.leader, self.wakes, self.releasing = Leader(), 0, True
        self.counted: list[tuple[str, str, str]] = []
        loop = asyncio.get_running_loop()
        wall = lambda: NOON + timedelta(seconds=int(loop.time()))  # noqa: E731
        self.shell = Shell(
            leader=self.leader,
            clock=Clock(monotonic=loop.time, wall=wall),
            chance=random.Random(1),
            wake=self._wake,
            releasing=lambda: self.releasing,
            counted=lambda *about: self.counted.append(about),
        )
        self.source = FakeSource(self.book)
        self.driver = SourceDriver(
            self.source, eip="public", quarantine_s=quarantine_s, shell=self.shell
        )

    def _wake(self) -> None:
        self.wakes += 1

    def hand(self, plan: SourcePlan | None) -> None:
        """Hand *plan* as a step of the reconciler does that sees what is read now."""
        slot = None if plan is None else Slot(plan, self.driver.reading, self.leader.term)
        self.driver.hand(slot)

    async def converge(self, plan: SourcePlan | None, after_s: float = STEP_S) -> list[str]:
        """Hand *plan*; return what was written."""
        self.hand(plan)
        await asyncio.sleep(after_s)
        return self.book.written()

    @property
    def held(self) -> Mapping[str, str]:
        """Return what the reading says: by address the uid, and the state if it is not held."""
        found = sorted(self.driver.reading.reservations, key=lambda one: int(one.address))
        return {
            str(one.address): one.key.service_uid + ("" if one.state == "held" else " (quarantine)")
            for one in found
            if one.key is not None
        }


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    async with beside(rig.driver.run()):
        await asyncio.sleep(STEP_S)
        rig.book.written()
        yield rig
