"""`pointsman node`: what it writes, what it waits for, and what it says is missing."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from manager.adapters.kubernetes.client import (
    BGP_PEERS,
    ENDPOINT_SLICES,
    NODES,
    connect,
)
from pointsman.model.names import DRAIN
from standin.in_process import serving
from standin.server import Api
from tests.cli.live import Ask, config
from tests.cli.running import ROOT

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def kubeconfig(tmp_path: Path, server: Api) -> Path:
    return tmp_path / "kubeconfig"


async def annotations(kubeconfig: Path, name: str = "node1") -> dict[str, str]:
    async with connect(kubeconfig) as api:
        raw = await api.get(NODES, "", name)
    return dict(raw["metadata"].get("annotations") or {})


async def report(kubeconfig: Path, *entries: dict[str, Any]) -> None:
    """Write what managers say of their sessions with the only router."""
    async with connect(kubeconfig) as api:
        body = {"status": {"speakers": list(entries)}}
        await api.patch(BGP_PEERS, "", "tor-1", body=body, sub="status")


async def serve(kubeconfig: Path) -> None:
    """Let the only Service have an endpoint that serves."""
    async with connect(kubeconfig) as api:
        body = {"ports": [{"port": 80, "protocol": "TCP"}]}
        await api.patch(ENDPOINT_SLICES, "default", "web-1", body=body)


async def test_a_node_is_drained_and_undrained(kubeconfig: Path, ask: Ask) -> None:
    status, out, err = await ask("node", "drain", "node1")
    assert (status, out, err) == (0, f"Node node1 drains (annotation {DRAIN}).\n", "")
    assert await annotations(kubeconfig) == {DRAIN: "true"}
    status, _, err = await ask("node", "drain", "node1")
    assert (status, err) == (0, "Node node1 drains already.\n")
    status, out, err = await ask("node", "undrain", "node1")
    assert (status, out, err) == (0, "Node node1 no longer drains.\n", "")
    assert await annotations(kubeconfig) == {}
    status, out, _ = await ask("node", "undrain", "node1")
    assert (status, out) == (0, "Node node1 did not drain by its annotation.\n")


async def test_what_drains_it_besides_is_said(kubeconfig: Path, ask: Ask) -> None:
    async with connect(kubeconfig) as api:
        taint = {"key": "example.com/away", "effect": "NoSchedule"}
        await api.patch(NODES, "", "node1", body={"spec": {"taints": [taint]}})
    status, out, _ = await ask("node", "undrain", "node1", "--drain-taints", "example.com/away")
    assert status == 1
    assert "! Still, node1 is drained by its taint example.com/away: take that away, too." in out


async def test_wait_ends_when_every_speaker_says_so(kubeconfig: Path, ask: Ask) -> None:
    gone = {"state": "Established", "drained": ["node1"]}
    await report(kubeconfig, {"name": "a", **gone}, {"name": "b", **gone})
    status, out, err = await ask("node", "drain", "node1", "--wait", "5s")
    assert (status, err) == (0, "")
    assert out == (
        "Node node1 is out of all routes: every speaker's table was read back without it.\n"
    )


async def test_wait_says_what_is_missing(kubeconfig: Path, ask: Ask) -> None:
    await report(
        kubeconfig,
        {"name": "a", "state": "Established", "drained": ["node2"]},
        {"name": "b", "state": "Unknown"},
        {"name": "c", "state": "Active"},
    )
    status, out, _ = await ask("node", "drain", "node1", "--wait", "1s", "-o", "json")
    assert status == 1
    assert json.loads(out) == {
        "node": "node1",
        "draining": True,
        "withdrawn": False,
        "wrong": [
            "BgpPeer tor-1: speaker a still tells it node1.",
            "BgpPeer tor-1: speaker b does not answer its manager, so what it tells the router "
            "is not known.",
        ],
    }
    assert await annotations(kubeconfig) == {DRAIN: "true"}


async def test_without_a_manager_nothing_is_known(kubeconfig: Path, ask: Ask) -> None:
    status, out, _ = await ask("node", "drain", "node1", "--wait", "1s")
    assert status == 1
    assert "! BgpPeer tor-1: no manager has written about it yet; does one run?" in out


async def test_the_last_one_goes_on_and_that_is_said_at_once(kubeconfig: Path, ask: Ask) -> None:
    await serve(kubeconfig)
    assert (await ask("node", "drain", "node2"))[0] == 0
    gone = {"state": "Established", "drained": []}
    await report(kubeconfig, {"name": "a", **gone})
    status, out, _ = await ask("node", "drain", "node1", "--wait", "2s")
    assert status == 1
    assert "! Node node1 goes on carrying default/web: no node that doesn't drain can." in out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["drain", "node9"], 1, "There is no Node node9: `kubectl get nodes` has the names."),
        (["drain", "Node_1"], 2, "'Node_1' can't be the name of a Node"),
        (["drain", "node1/status"], 2, "'node1/status' can't be the name of a Node"),
        (["drain", "node1", "--wait", "0s"], 2, "--wait '0s' is no time to wait: write 60s"),
        (["drain", "node1", "--wait", "60"], 2, "--wait '60' is no time to wait"),
        (["drain", "node1", "--wait", f"{'9' * 5000}s"], 2, "is no time to wait"),
        (["drain", "node1", "--wait", "25h"], 2, "at most 24h"),
        (["undrain", "node1", "--wait", "5s"], 2, "--wait is for drain"),
        (["undrain", "node1", "--quiet", "5s"], 2, "--quiet is for drain"),
        (["drain", "node1", "--quiet", "5s"], 2, "--quiet counts while --wait waits: give both"),
        (["drain", "node1", "--wait", "9s", "--quiet", "x"], 2, "--quiet 'x' is no time to wait"),
        (["drain", "node1", "--wait", "9s", "--quiet", "9s"], 2, "--wait 9s is over before the"),
        (["drain", "node1", "--offline"], 2, "node drains a node of a live cluster"),
        (["cordon", "node1"], 2, "invalid choice: 'cordon'"),
        (["drain"], 2, "the following arguments are required: NAME"),
    ],
)
async def test_what_cannot_be_meant_is_a_sentence(
    words: list[str], status: int, sentence: str, kubeconfig: Path, ask: Ask
) -> None:
    found, out, err = await ask("node", *words)
    assert (found, out) == (status, "")
    assert sentence in err
    assert await annotations(kubeconfig) == {}


async def test_a_cluster_that_does_not_answer_is_1(ask: Ask, tmp_path: Path) -> None:
    nobody = config(tmp_path / "k", "http://127.0.0.1:1")
    status, out, err = await ask("node", "drain", "node1", "--kubeconfig", nobody)
    assert (status, out) == (1, "")
    assert err.startswith("pointsman node: The cluster cannot be reached: no answer")


async def test_no_right_is_a_sentence(ask: Ask, tmp_path: Path) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        status = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not you"}
        return web.json_response(status, status=403)

    api = Api()
    api.handle = refuse  # type: ignore[method-assign, assignment]
    async with serving(api) as url:
        path = config(tmp_path / "k", url)
        status, out, err = await ask("node", "drain", "node1", "--kubeconfig", path)
    assert (status, out) == (1, "")
    assert "Node node1 may not be drained by you: not you. " in err
    assert (
        "Ask for the rights get and patch on nodes, list on bgppeers, and get on announcers." in err
    )


async def test_whoever_stops_waiting_is_told_that_the_node_drains(
    server: Api, kubeconfig: Path
) -> None:
    command = [sys.executable, "-m", "cli", "node", "drain", "node1", "--wait", "60s"]
    process = await asyncio.create_subprocess_exec(
        *command, "--kubeconfig", str(kubeconfig), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        while not server.stats.requests["list services"]:  # after the annotation
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode() == (
        "Node node1 drains all the same; undrain takes that back.\ninterrupted\n"
    )
