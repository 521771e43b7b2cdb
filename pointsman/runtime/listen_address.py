"""Where a program listens: an address of this machine and a port of it, as a flag spells it."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pointsman.model.address import Address

PORTS: Final = range(1, 65536)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address of this machine and a port of it; without an address: all of them."""

    address: str  # "" for all
    port: int

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


def listen_address(text: str, read: Callable[[str], Address] = ip_address) -> ListenAddress:
    """Return what ADDRESS:PORT means; IPv6 stands in brackets, ":PORT" is every address.

    *read* says which addresses there are, and raises ValueError of any other.

    Raises:
        ValueError: it is no such thing.
    """
    address, colon, port = text.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    bare = address[1:-1] if bracketed else address
    number = int(port) if port.isascii() and port.isdecimal() else 0
    if not colon or number not in PORTS or "%" in bare or (bare and (":" in bare) != bracketed):
        raise ValueError(text)
    return ListenAddress(str(read(bare)) if bare or bracketed else "", number)
