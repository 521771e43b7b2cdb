"""Frames of one kind on one interface: AF_PACKET sockets behind a filter in the kernel.

A socket is opened for no protocol, given its filter and only then bound, so nothing unfiltered is
ever queued. The filter is replaced in one step (SO_ATTACH_FILTER on a socket that has one). It
is the filter that passes over what this host sent itself and what is for others (pkt_type): a
VLAN's frames among them. Needs NET_RAW. Refuses to know what a frame says.
"""

import errno
import socket
import struct
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

SOL_PACKET: Final = 263  # linux/socket.h; the socket module does not name it
PACKET_STATISTICS: Final = 6  # linux/if_packet.h
SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
BUFFER_OCTETS: Final = 1 << 20  # granted up to net.core.rmem_max: SO_RCVBUFFORCE is NET_ADMIN's
AT_ONCE: Final = 64  # frames read per wake: then others may run
LONGEST: Final = 2048  # of what is read of a frame: ARP and NDP fit
PACKET_IGNORE_OUTGOING: Final = 23  # linux/if_packet.h, since Linux 4.20
ANY_PROTOCOL: Final = 0x0003  # ETH_P_ALL: before tc, bridges and VLANs take any
_STATISTICS: Final = struct.Struct("=II")  # struct tpacket_stats: packets, drops
_INSTRUCTION: Final = struct.Struct("=HBBI")  # struct sock_filter: code, jt, jf, k

# The filter is longer than this kernel takes, or there is no memory for it (optmem_max).
TOO_LONG: Final = frozenset({errno.EINVAL, errno.ENOMEM, errno.ENOBUFS})
GONE: Final = frozenset({errno.ENXIO, errno.ENODEV})
# Of this moment: the interface is down, its queue is full, it lies on another path.
PASSING: Final = frozenset(
    {errno.ENETDOWN, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.EMSGSIZE}
)

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand
Program = Sequence[Instruction]


@dataclass(frozen=True, slots=True)
class Drained:
    """What one wake found."""

    frames: list[bytes]
    more: bool = False  # something is left: the socket stays readable
    down: bool = False  # the kernel said, once, that the interface went down


class PacketSocket:
    """One kind of frames (*protocol*, an EtherType) on the interface *name*, of *index*."""

    KIND: ClassVar[int] = socket.SOCK_RAW  # frames are whole
    BUFFER: ClassVar[int] = BUFFER_OCTETS

    def __init__(self, name: str, index: int, protocol: int, programs: Sequence[Program]) -> None:
        """Open, filter, bind; of *programs* the first that the kernel takes.

        Raises:
            PermissionError: the process has no NET_RAW.
            OSError: the interface is another one by now, or is gone; or no filter was taken.
        """
        self.index, self.protocol = index, protocol
        self._dropped = 0
        kind = self.KIND | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        try:
            self.taken = self.filter(programs)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.BUFFER)
            self._prepare()
            self._socket.bind((name, protocol))
            # It was bound by name, and a name may have moved on meanwhile.
            if socket.if_nametoindex(name) != index or self._socket.getsockname()[0] != name:
                raise OSError(errno.ENODEV, f"{name} is another interface by now")
        except OSError:
            self._socket.close()
            raise

    def _prepare(self) -> None:
        """Set what else is to be set before it is bound."""

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def filter(self, programs: Sequence[Program]) -> int:
        """Let through what the first of *programs* that the kernel takes lets; say which it was.

        One that is refused leaves the filter before it in its place.

        Raises:
            OSError: none was taken.
        """
        refused: OSError | None = None
        for number, program in enumerate(programs):
            try:
                attach(self._socket, program)
            except OSError as error:
                if error.errno not in TOO_LONG:
                    raise
                refused = error
            else:
                return number
        raise refused or OSError(errno.EINVAL, "no filter")

    def drain(self, most: int = AT_ONCE) -> Drained:
        """Return what is there, *most* frames of it.

        Raises:
            OSError: of GONE: the interface does not exist any more, so neither does its socket.
        """
        frames: list[bytes] = []
        down = False
        for _ in range(most):
            try:
                frames.append(self._socket.recv(LONGEST))
            except BlockingIOError:
                return Drained(frames, down=down)
            except OSError as error:
                if error.errno not in PASSING:
                    raise
                down = down or error.errno == errno.ENETDOWN
        return Drained(frames, more=True, down=down)

    def send(self, frame: bytes) -> bool:
        """Send, and say whether the kernel took it: what it refuses is lost, as on the way.

        Raises:
            OSError: of GONE: as above.
        """
        try:
            self._socket.send(frame)
        except OSError as error:
            if error.errno not in PASSING:
                raise
            return False
        return True

    @property
    def dropped(self) -> int:
        """Return how many frames found the buffer full, since the socket was opened."""
        # The kernel's counters start again at each look.
        stats = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
        self._dropped += _STATISTICS.unpack(stats)[1]
        return self._dropped


class ArrivingPackets(PacketSocket):
    """Packets from their IP header on, whatever carried them, and none that this host sends.

    Its buffer is small: how many packets wait is how many of a flood are looked at.
    """

    KIND = socket.SOCK_DGRAM
    BUFFER = 1 << 16

    def __init__(self, name: str, index: int, programs: Sequence[Program]) -> None:
        """As above.

        Raises:
            PermissionError: the process has no NET_RAW.
            OSError: as above.
        """
        super().__init__(name, index, ANY_PROTOCOL, programs)

    def _prepare(self) -> None:
        # Else the kernel copies whatever is sent, to have the filter refuse it; an older one does.
        with suppress(OSError):
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)


def attach(sock: socket.socket, program: Program) -> None:
    """Give *sock* the filter *program* in the place of any that it has.

    Raises:
        OSError: the kernel does not take it.
    """
    code = array("B", b"".join(_INSTRUCTION.pack(*step) for step in program))
    # The kernel copies the program during the call, so *code* need not outlive it.
    pointed_at, _octets = code.buffer_info()
    sock.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), pointed_at)
    )
