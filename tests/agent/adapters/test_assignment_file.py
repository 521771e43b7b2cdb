"""The last assignment on disk: what was written is read, and nothing else is believed."""

import asyncio
import json
import logging
import stat
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from agent.adapters.assignment_file import FILE, AssignmentFile
from agent.snapshot import Assignment, Duty, NodeName
from pointsman.model.assignment import Unreachable
from pointsman.model.heartbeats import ManagerEndpoint
from pointsman.wire.heartbeat_keys import public_half

NODE = NodeName("node1")
FOUR, SIX = ip_address("192.0.2.100"), ip_address("2001:db8:2::100")
ASSIGNMENT = Assignment(
    7,
    (ManagerEndpoint("manager", ip_address("192.0.2.10"), 7470, public_half(b"k" * 32)),),
    (
        Duty("eth0", "Central", frozenset({FOUR}), announce_rate=10),
        Duty("eth0", "Node", frozenset({SIX}), frozenset({SIX})),
    ),
    frozenset({FOUR + 1, SIX + 1}),
    (
        Unreachable(ip_network("198.51.100.0/24"), True),
        Unreachable(ip_network("2001:db8:100::/64"), False),
    ),
)


async def written(directory: Path, *assignments: Assignment) -> Path:
    file = AssignmentFile(directory, NODE)
    for one in assignments:
        file.remember(one)
    running = asyncio.create_task(file.run())
    async with asyncio.timeout(20):
        while file.pending:
            await asyncio.sleep(0.01)
    running.cancel()
    return directory / FILE


async def test_what_was_assigned_last_is_read_again_and_nobody_else_can(tmp_path: Path) -> None:
    path = await written(tmp_path / "state", Assignment(6), ASSIGNMENT)
    assert AssignmentFile(tmp_path / "state", NODE).recall() == ASSIGNMENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [FILE]


def test_before_the_first_there_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert AssignmentFile(tmp_path, NODE).recall() is None
    assert caplog.records == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda p: p.write_text("{"), "holds no assignment", id="cut"),
        pytest.param(lambda p: p.write_text("[" * 100_000), "holds no assignment", id="deep"),
        pytest.param(lambda p: p.write_text("[1]"), "holds no assignment", id="no object"),
        pytest.param(lambda p: p.write_bytes(b"\xff\xfe"), "holds no assignment", id="no text"),
        pytest.param(lambda p: p.write_bytes(bytes(5 << 20)), "longer", id="too long"),
        pytest.param(lambda p: p.chmod(0o644), "read by others", id="open to others"),
        pytest.param(
            lambda p: p.write_text(json.dumps({"metadata": {"name": "node2"}, "spec": {}})),
            "another node's",
            id="a copied disk",
        ),
    ],
)
async def test_what_is_of_no_use_is_said_and_not_followed(
    tmp_path: Path, damage: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage(await written(tmp_path, ASSIGNMENT))  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        assert AssignmentFile(tmp_path, NODE).recall() is None
    assert words in caplog.text


async def test_a_disk_that_takes_nothing_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where a directory should be")
    await written(tmp_path / "state", ASSIGNMENT)
    assert caplog.text.count("cannot be stored") == 1
