"""The IPAM of an Eip that cannot be asked: why is known before anything is sent."""

from typing import NoReturn

from manager.ports import AddressSource
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    SourceReading,
)
from pointsman.runtime.target import Unavailable


class UnusableSource(AddressSource):
    """Answers nothing, and says *why*, a clause."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def observe(self) -> SourceReading:
        self._refuse()

    async def reserve(self, key: ReservationKey, request: AddressRequest) -> Reservation:
        self._refuse()

    async def describe(
        self, reservation: Reservation, key: ReservationKey, holder: Holder
    ) -> Reservation:
        self._refuse()

    async def quarantine(self, reservation: Reservation) -> None:
        self._refuse()

    async def release(self, reservation: Reservation) -> None:
        self._refuse()

    async def close(self) -> None:
        """There is nothing to close."""

    def _refuse(self) -> NoReturn:
        raise Unavailable(self._why)
