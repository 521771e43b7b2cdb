"""`pointsman status --watch`: every change is shown, and the terminal is given back."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.output.screen import ENTER, LEAVE
from manager.adapters.kubernetes.client import EIPS, KubeApi
from standin.server import Api
from tests.cli.live import Ask
from tests.cli.running import ROOT, eip

PATIENCE_S = 120.0  # a busy machine starts a command in ten


@asynccontextmanager
async def watching(tmp_path: Path, **more: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command on the cluster of `server`; it is ended in any case."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "status", "--watch",
        "--kubeconfig", str(tmp_path / "kubeconfig"), cwd=ROOT, **more,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def text_until(read: Callable[[], Any], wanted: str) -> str:
    """Return what is shown until *wanted* is part of it."""
    text = ""
    async with asyncio.timeout(PATIENCE_S):
        while wanted not in text:
            text += (await read()).decode()
    return text


async def test_in_a_pipe_each_change_is_shown_below_the_last(api: KubeApi, tmp_path: Path) -> None:
    async with watching(tmp_path, stdout=asyncio.subprocess.PIPE) as process:
        out = process.stdout
        assert out is not None
        first = await text_until(out.readline, "NODES\n")
        assert "! BgpPeer tor-1: Nothing is recorded yet" in first
        assert "second" not in first
        await api.create(EIPS, "", eip("second", "203.0.113.0/30", default=False))
        then = await text_until(out.readline, "NODES\n")
        assert "  second  bgp       203.0.113.0/30" in then
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
        assert process.returncode == 1
    assert "\x1b" not in first + then + rest.decode()
    assert re.search(r"^\d\d:\d\d:\d\d  \d+ wrong$", first, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_terminal_is_given_back(
    number: signal.Signals, api: KubeApi, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    loop = asyncio.get_running_loop()

    async def read() -> bytes:
        return await loop.run_in_executor(None, os.read, ours, 1 << 16)

    try:
        async with watching(tmp_path, stdout=theirs) as process:
            shown = await text_until(read, "more lines")  # of 24
            assert shown.startswith(ENTER)
            assert LEAVE not in shown
            process.send_signal(number)
            shown += await text_until(read, LEAVE)
            assert await process.wait() == 1
        assert shown.endswith(LEAVE)
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("words", [("--offline", "-f", "x"), ("-o", "json"), ("-o", "yaml")])
async def test_what_cannot_be_watched_is_2(words: tuple[str, ...], ask: Ask) -> None:
    status, out, err = await ask("status", "--watch", *words)
    assert (status, out) == (2, "")
    assert "--watch shows tables of a live cluster" in err


async def test_no_secret_is_read_for_it(server: Api, api: KubeApi, tmp_path: Path) -> None:
    """Though a router has a password: its Secret is the manager's to read."""
    from manager.adapters.kubernetes.client import BGP_PEERS

    spec = {"passwordSecretRef": {"name": "tor", "key": "password"}}
    await api.patch(BGP_PEERS, "", "tor-1", body={"spec": spec})
    async with watching(tmp_path, stdout=asyncio.subprocess.PIPE) as process:
        assert process.stdout is not None
        await text_until(process.stdout.readline, "NODES\n")
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert not [name for name in server.stats.requests if "secrets" in name]
    assert json.dumps(dict(server.stats.requests)).count("watch") >= 1
