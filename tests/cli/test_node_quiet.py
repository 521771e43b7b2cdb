"""`pointsman node drain --quiet`: what it waits for, whom it names, and when it gives up."""

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from manager.adapters.kubernetes.client import ANNOUNCERS, connect
from pointsman.model.names import DRAIN
from pointsman.model.timestamps import format_micro_time
from standin.server import Api
from tests.cli.live import Ask
from tests.cli.running import ROOT
from tests.cli.test_node import annotations, kubeconfig, report

__all__ = ["kubeconfig"]  # the fixture
pytestmark = pytest.mark.usefixtures("server")


async def spoken(kubeconfig: Path, **status: Any) -> None:
    """Write what the agent of node1 says of what arrives."""
    async with connect(kubeconfig) as api:
        await api.patch(ANNOUNCERS, "", "node1", body={"status": status}, sub="status")


async def asked(kubeconfig: Path) -> None:
    """Ask the agent of node1 to look, as the leading manager does."""
    async with connect(kubeconfig) as api:
        body = {
            "apiVersion": "pointsman.dev/v1alpha1",
            "kind": "Announcer",
            "metadata": {"name": "node1"},
            "spec": {"watched": ["198.51.100.0/28"]},
        }
        await api.create(ANNOUNCERS, "", body)
    await report(kubeconfig, {"name": "a", "state": "Established", "drained": ["node1"]})


def word(since_s: float, until_s: float) -> dict[str, Any]:
    began = datetime(2026, 11, 23, 9, tzinfo=UTC)
    since, until = (format_micro_time(began + timedelta(seconds=s)) for s in (since_s, until_s))
    return {"observedGeneration": 1, "since": since, "until": until}


KNOCK = {"address": "198.51.100.0", "source": "203.0.113.10", "last": "2026-11-23T09:00:05Z"}


async def test_quiet_returns_once_the_agent_has_looked_for_so_long(
    kubeconfig: Path, ask: Ask
) -> None:
    await asked(kubeconfig)

    async def speak() -> None:
        for second in range(1, 600):
            since_s = 0 if second < 5 else 5
            arriving = [] if second < 5 else [KNOCK]
            await spoken(
                kubeconfig, agentVersion="1", quiet=word(since_s, second), arriving=arriving
            )
            await asyncio.sleep(0.1)

    speaking = asyncio.create_task(speak())
    try:
        status, out, err = await ask("node", "drain", "node1", "--wait", "5m", "--quiet", "10s")
    finally:
        speaking.cancel()
    assert (status, out) == (
        0,
        "Node node1 is out of all routes: every speaker's table was read back without it. No new "
        "flow has come to it for 10s, as its agent says.\n",
    )
    async with connect(kubeconfig) as api:
        found = (await api.get(ANNOUNCERS, "", "node1"))["status"]["quiet"]
    assert datetime.fromisoformat(found["until"]).second >= 15
    lines = set(err.splitlines())
    assert lines <= {"203.0.113.10 still comes to 198.51.100.0 (default/web), last at 09:00:05Z."}


async def test_who_still_comes_is_in_the_answer(kubeconfig: Path, ask: Ask) -> None:
    await asked(kubeconfig)
    await spoken(kubeconfig, agentVersion="1", quiet=word(5, 6), arriving=[KNOCK])
    words = ("node", "drain", "node1", "--wait", "3s", "--quiet", "2s", "-o", "json")
    status, out, err = await ask(*words)
    assert status == 1
    sentence = "203.0.113.10 still comes to 198.51.100.0 (default/web), last at 09:00:05Z."
    assert json.loads(out) == {
        "node": "node1",
        "draining": True,
        "withdrawn": True,
        "quiet": False,
        "arriving": [{**KNOCK, "services": ["default/web"]}],
        "wrong": ["Node node1 has been quiet for 0 s of 2 s, as its agent says.", sentence],
    }
    assert err == f"{sentence}\n"


async def test_what_cannot_be_measured_is_1_with_the_reason(kubeconfig: Path, ask: Ask) -> None:
    await asked(kubeconfig)
    reason = "An XDP program on eth0 may take packets before the agent can see them."
    await spoken(kubeconfig, agentVersion="1", arrivingUnmeasured=reason)
    status, out, _ = await ask("node", "drain", "node1", "--wait", "5m", "--quiet", "10s")
    assert status == 1
    assert out.splitlines()[1:] == [
        f"! Whether node node1 is quiet is not measurable here: {reason}"
    ]


async def test_a_router_that_is_still_told_and_a_manager_that_asks_nobody(
    kubeconfig: Path, ask: Ask
) -> None:
    await report(kubeconfig, {"name": "a", "state": "Established", "drained": []})
    status, out, _ = await ask("node", "drain", "node1", "--wait", "3s", "--quiet", "2s")
    assert status == 1
    first, *missing = out.splitlines()
    assert first == f"Node node1 drains (annotation {DRAIN})."
    assert missing == [
        "! BgpPeer tor-1: speaker a still tells it node1.",
        "! There is no Announcer node1: no manager has made one; does one lead?",
    ]


async def test_stopped_while_it_is_not_quiet_the_node_drains(server: Api, kubeconfig: Path) -> None:
    await asked(kubeconfig)
    command = [sys.executable, "-m", "cli", "node", "drain", "node1", "--wait", "60s"]
    process = await asyncio.create_subprocess_exec(
        *command, "--quiet", "10s", "--kubeconfig", str(kubeconfig),
        cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(120):
        while server.stats.requests["get announcers"] < 2:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 1
    assert "Node node1 drains all the same; undrain takes that back." in err.decode()
    assert await annotations(kubeconfig) == {DRAIN: "true"}
