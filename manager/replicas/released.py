"""Addresses that no Service has any more, while another replica may advertise them still.

What the API records of an address and what the other speakers say of it change at different
times: so an address is nobody's until the others said that they follow. Sans I/O.
"""

from collections.abc import Mapping

from manager.replicas.timing import RELEASED_MOST_S
from manager.snapshot import Service, ServiceKey
from pointsman.model.address import Address
from pointsman.model.version import changed

NOTHING: Mapping[ServiceKey, Service] = {}


class Released:
    """The addresses that are waited for, each with the version at which it was released."""

    def __init__(self) -> None:
        self._services: Mapping[ServiceKey, Service] | None = None
        self._waiting: dict[Address, tuple[int, float]] = {}
        self.addresses: frozenset[Address] = frozenset()

    def see(self, services: Mapping[ServiceKey, Service], version: int, now_s: float) -> None:
        """Take the Services as they are now, of that version."""
        before, self._services = self._services, services
        if before is None:
            return
        for key in changed(services, before):
            was, now = before.get(key), services.get(key)
            left = set(was.status_addresses) if was is not None else set()
            if now is not None:
                left -= set(now.status_addresses)
                for address in now.status_addresses:
                    self._waiting.pop(address, None)  # it has it: nobody else is given it anyway
            for address in left:
                self._waiting[address] = version, now_s

    def follow(self, version: int | None, now_s: float) -> frozenset[Address]:
        """Return what is waited for still, now that all others follow up to *version*.

        None: there is nobody to wait for.
        """
        if self._waiting:
            self._waiting = {
                address: (since, at_s)
                for address, (since, at_s) in self._waiting.items()
                if version is not None and version < since and now_s - at_s < RELEASED_MOST_S
            }
        if self._waiting.keys() != self.addresses:
            self.addresses = frozenset(self._waiting)
        return self.addresses
