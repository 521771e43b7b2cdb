"""sessions.json as the adapter reads it: of this daemon, or nothing at all."""

import asyncio
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest

from manager.adapters.gobgp.reasons import Reasons
from manager.adapters.gobgp.speaker import GobgpSpeaker
from sidecars.gobgp import report
from tests.fakes.gobgp import FakeGobgpd

REASONS = {"192.0.2.1": "refused"}


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "gobgp.sock"
    with sockets.socket(sockets.AF_UNIX) as one:
        one.bind(str(path))
        yield path


def test_what_the_parent_writes_is_read(socket: Path) -> None:
    report.write(socket, REASONS)
    assert Reasons(socket).read() == REASONS
    assert socket.with_name("sessions.json").stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in socket.parent.iterdir()) == ["gobgp.sock", "sessions.json"]


def test_nothing_is_known_without_a_file_or_a_socket(socket: Path, tmp_path: Path) -> None:
    assert Reasons(socket).read() == {}
    assert Reasons(socket).seal() is None
    assert Reasons(tmp_path / "nowhere" / "gobgp.sock").read() == {}
    assert (Reasons().read(), Reasons().seal()) == ({}, None)


def test_a_predecessors_file_is_not_believed(socket: Path) -> None:
    report.write(socket, REASONS)
    socket.unlink()
    with sockets.socket(sockets.AF_UNIX) as successor:
        successor.bind(str(socket))
        assert Reasons(socket).read() == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"socket": 1}', b"x" * 600_000])
def test_garbage_is_nothing(socket: Path, content: bytes) -> None:
    socket.with_name("sessions.json").write_bytes(content)
    assert Reasons(socket).read() == {}


def test_what_is_no_file_is_nothing(socket: Path) -> None:
    socket.with_name("sessions.json").mkdir()
    assert Reasons(socket).read() == {}


async def test_another_reason_is_a_change(socket: Path) -> None:
    speaker = GobgpSpeaker(FakeGobgpd().as_stub(), Reasons(socket))
    changes = speaker.changes()
    async with asyncio.timeout(60):
        await anext(changes)  # the daemon is there
        report.write(socket, REASONS)
        await anext(changes)
    await changes.aclose()  # type: ignore[attr-defined]
