"""What a server behind the contract must do beside what the port shows: the example does."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp

from tests.conformance.ipam.example import SERVER, TOKEN

BODY = {"owner": "c/e/s/IPv4", "family": "IPv4", "state": "held", "services": [], "dnsName": ""}


async def start(book: Path) -> tuple[Process, str]:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SERVER), "127.0.0.1:0", str(book), "192.0.2.0/30"),
        stdout=PIPE,
        env={**os.environ, "TOKEN": TOKEN},
    )
    assert server.stdout is not None
    line = await server.stdout.readline()
    return server, f"http://{line.decode().split()[-1]}/reservations"


async def ask(url: str, body: object, token: str = TOKEN) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(url, json=body) as answer,
    ):
        return answer.status, await answer.text()


async def test_what_was_promised_outlives_the_server_and_strangers_are_turned_away(
    tmp_path: Path,
) -> None:
    book = tmp_path / "book.json"
    server, url = await start(book)
    status, first = await ask(url, BODY)
    assert status == 200, first
    assert (await ask(url, BODY, "another"))[0] == 401
    assert (await ask(url, ["not", "a", "request"]))[0] == 400
    others = [ask(url, {**BODY, "owner": f"c/e/{number}/IPv4"}) for number in range(8)]
    given = [text for status, text in await asyncio.gather(*others) if status == 200]
    assert len(set(given)) == 3, "four addresses, of which one was given before"
    server.kill()
    await server.wait()
    server, url = await start(book)
    assert await ask(url, BODY) == (200, first)
    assert (await ask(url, {**BODY, "owner": "c/e/late/IPv4"}))[0] == 409
    server.terminate()
    await server.wait()
