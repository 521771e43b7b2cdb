"""An XDP program on an interface that passes everything, or drops it: there are no tools for it."""

import ctypes
import errno
import os
import platform
import socket
import struct
from typing import Final

import pytest

BPF_SYSCALL: Final = {"x86_64": 321, "aarch64": 280}  # asm/unistd.h
PROG_LOAD, TYPE_XDP = 5, 6  # linux/bpf.h
XDP_DROP, XDP_PASS = 1, 2
RTM_SETLINK, REQUEST_AND_ACK = 19, 0x5  # linux/rtnetlink.h, netlink.h
IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, SKB_MODE = 43, 1, 3, 2  # linux/if_link.h


def attach(index: int, verdict: int) -> None:
    """Have every packet that the interface of *index* receives judged *verdict*.

    In the caller's network namespace. Skips the test where the kernel loads no programs.
    """
    program = _loaded(verdict)
    try:
        _set(index, program)
    finally:
        os.close(program)


def _set(index: int, program: int) -> None:
    nested = _attribute(IFLA_XDP_FD, struct.pack("=i", program))
    nested += _attribute(IFLA_XDP_FLAGS, struct.pack("=I", SKB_MODE))
    body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + _attribute(IFLA_XDP | 0x8000, nested)
    message = struct.pack("=IHHII", 16 + len(body), RTM_SETLINK, REQUEST_AND_ACK, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        asked.send(message)
        code = -struct.unpack_from("=i", asked.recv(4096), 16)[0]
    if code:
        raise OSError(code, os.strerror(code))


def detach(index: int) -> None:
    """Take the program away."""
    _set(index, -1)


def _loaded(verdict: int) -> int:
    """Return a descriptor of the program "r0 = verdict; exit"."""
    steps = struct.pack("=BBhi", 0xB7, 0, 0, verdict) + struct.pack("=BBhi", 0x95, 0, 0, 0)
    code, license_ = ctypes.create_string_buffer(steps), ctypes.create_string_buffer(b"GPL")
    asked = struct.pack(
        "=IIQQIIQII",
        *(TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(license_), 0, 0, 0, 0, 0),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(BPF_SYSCALL[platform.machine()], PROG_LOAD, asked, len(asked))
    if found < 0:
        number = ctypes.get_errno()
        if number in (errno.EPERM, errno.ENOSYS):
            pytest.skip(f"this kernel loads no XDP program here: {os.strerror(number)}")
        raise OSError(number, os.strerror(number))
    return int(found)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")
