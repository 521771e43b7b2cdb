import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.errors import Broken
from lab.options import Options
from lab.supervision.processes import Keeper, capability_words, listens
from lab.supervision.programs import Program, Programs, Rights


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (0, "none"),
        (1 << 13, "net_raw"),
        (1 << 12 | 1 << 13, "net_admin,net_raw"),
        ((1 << 41) - 1, "all"),
        (1 << 40, "cap_40"),
    ],
)
def test_capabilities_in_words(mask: int, words: str) -> None:
    assert capability_words(mask) == words


def test_the_namespace_is_entered_before_the_rights_are_dropped() -> None:
    argv = Program("agent:node1", ("x",), "node1", Rights.NET_RAW).argv("a")
    assert argv[1:5] == ["netns", "exec", "pm-a-node1", "setpriv"]
    assert "--bounding-set=-all,+net_raw" in argv
    assert "--no-new-privs" in argv
    assert argv[-1] == "x"


def test_only_the_labs_own_tools_keep_rights(tmp_path: Path) -> None:
    programs = Programs(Options(without=("sidecar",)))
    product = {program.name: program.rights for program in programs.product()}
    assert product == {
        "manager": Rights.NONE,
        "agent:node1": Rights.NET_RAW,
        "agent:node2": Rights.NET_RAW,
        "agent:node3": Rights.NET_RAW,
    }


def test_agents_that_fill_a_kernel_may_change_it() -> None:
    programs = Programs(Options(kernel=True, without=("sidecar", "manager")))
    assert {program.rights for program in programs.product()} == {Rights.NET_ADMIN}
    assert "--bounding-set=-all,+net_raw,+net_admin" in next(programs.product()).argv("a")


def test_what_is_left_out_is_not_started() -> None:
    programs = Programs(
        Options(without=("manager", "sidecar", "agents", "pods", "router", "proxy"))
    )
    assert [*programs.network(), *programs.proxy(), *programs.product()] == []


def test_flags_reach_the_manager() -> None:
    options = Options(require_class=True, manager_args=("--log-level=debug",), without=("sidecar",))
    (manager, *_) = Programs(options).product()
    assert manager.command[-2:] == ("--require-class", "--log-level=debug")


def test_what_can_refuse_its_flags_is_up_when_it_listens() -> None:
    """A process that began says nothing: the flags are read a second later."""
    product = Programs(Options(without=("sidecar",))).product()
    assert all(program.listens for program in product)


def test_a_process_listens_by_its_own_socket_and_not_by_a_neighbours() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with socket.create_server(("127.0.0.1", 0)):
            assert listens(os.getpid())
            assert not listens(other.pid)
        other.communicate(b"\n")
    assert not listens(other.pid)


@asynccontextmanager
async def keeping(code: str, logs: Path) -> AsyncIterator[Keeper]:
    """Keep a program running that is Python's *code*, and that listens once it can be used."""
    command = (sys.executable, "-c", code)
    keeper = Keeper(Program("part", command, rights=Rights.OWN, listens=True), "a", logs)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        await keeper.hold("the end of the test")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_program_that_ends_before_it_listens_is_named_with_its_last_line(
    tmp_path: Path,
) -> None:
    async with keeping("import sys; sys.exit('part: --x is no flag')", tmp_path) as keeper:
        with pytest.raises(Broken, match="part does not stay up") as broken:
            await keeper.ready(60.0)
    assert "part: --x is no flag\n--- part ended with status 1" in str(broken.value)


async def test_a_program_that_listens_is_ready(tmp_path: Path) -> None:
    code = "import socket; _ = socket.create_server(('127.0.0.1', 0)); input()"
    code = f"import os; os.dup2(os.pipe()[0], 0); {code}"  # it waits for ever
    async with keeping(code, tmp_path) as keeper:
        await keeper.ready(60.0)
        assert keeper.running
