"""`python -m standin` as the lab starts it."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import yaml


async def test_it_writes_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    port_file, config = tmp_path / "port", tmp_path / "kubeconfig"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "standin", "--port", "0", "--port-file", str(port_file)),
        *("--kubeconfig", str(config)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while not port_file.exists():
                await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{int(port_file.read_text())}"
        written = yaml.safe_load(config.read_text())
        assert written["clusters"][0]["cluster"]["server"] == url
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/api/v1/namespaces") as answer,
        ):
            items = (await answer.json())["items"]
        assert [i["metadata"]["name"] for i in items] == ["default", "kube-system"]
        assert all(i["metadata"]["uid"] for i in items)
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
