"""Whatever its API server answers, an agent lives; once the server is sane, its report is there."""

import asyncio
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent.adapters.api import ApiAnnouncer
from agent.adapters.kubeconfig import Access, NoAccess, from_file, in_cluster
from pointsman.runtime.target import Unavailable
from standin.server import Api
from tests.agent.adapters.scripted import (
    CLOCK,
    NODE,
    PUT,
    Bench,
    Script,
    announcer,
    bench,
    event,
    listed,
    script,
)
from tests.agent.standin import PATIENCE_S, administered, agent_on
from tests.fakes.links import FakeLinks
from tests.liar import lying
from tests.oddities import LINES, VALUES, WHOLE, nested, paths, with_value

__all__ = ["bench", "script"]  # fixtures


def text(raw: bytes) -> str:
    return raw.decode(errors="replace").replace("\n", " ")


@pytest.mark.parametrize("what", [one for one in WHOLE if one != "an event, not an answer"])
async def test_a_list_of_another_shape_is_unavailable(
    script: Script, bench: Bench, what: str
) -> None:
    script.lists = [text(WHOLE[what]), listed(6, announcer(6, "b"))]
    await bench.sees("b")
    assert script.asked[0] == "list"


@pytest.mark.parametrize("what", [*LINES, *WHOLE])
async def test_a_line_that_is_no_event_is_followed_by_a_list(
    script: Script, bench: Bench, what: str
) -> None:
    if what in ("nothing", "an event, not an answer"):
        return  # an empty line is none; an event about another object is one
    raw = {**LINES, **WHOLE}[what]
    script.lists = [listed(5, announcer(5, "a")), listed(9, announcer(9, "c"))]
    script.streams = [[event("MODIFIED", announcer(6, "b")), text(raw).encode() + b"\n"]]
    await bench.sees("c")


@pytest.mark.parametrize(
    "answer", [None, [], "x", 7, {}, {"metadata": None}, {"metadata": {"name": "node2"}}]
)
async def test_an_answer_to_our_write_of_another_shape_is_unavailable(
    script: Script, bench: Bench, answer: Any
) -> None:
    script.lists = [listed(5, announcer(5, "a"))]
    await bench.sees("a")
    script.patched = answer if answer != 7 else 500
    with pytest.raises(Unavailable, match="PATCH"):
        await bench.adapter.apply(PUT)
    assert await bench.shown() == "a"


async def test_a_status_of_any_shape_is_read_and_written_over(script: Script, bench: Bench) -> None:
    """Whoever may write the status may write anything."""
    good = announcer(5, "a")["status"] | {"proxy": {"healthy": True}}
    shapes: list[Any] = [with_value(good, path, odd) for path in paths(good) for odd in VALUES]
    shapes += [None, [], "x", 7, nested(200), {"conditions": nested(300)}]
    script.lists = [listed(5, announcer(5, "a"))]
    await bench.sees("a")
    for shape in shapes:
        odd = {**announcer(6), "status": shape}
        bench.adapter._take(odd, deleted=False)
        bench.adapter._wrote = None  # as found at a start: not a rival's, to whom we would give way
        await bench.adapter.observe()
        script.patched = announcer(6, "1")
        await bench.adapter.apply(PUT)
    assert len(script.bodies) == len(shapes)


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_agent_outlives_a_server_that_garbles(seed: int) -> None:
    server = Api()
    links = FakeLinks()
    links.add_link("eth0", "02:00:00:00:00:11")
    links.add_address("eth0", "192.0.2.11/24")
    async with administered(server) as admin, lying(server, seed=seed) as (liar, url):
        await admin.install()
        await admin.create()
        liar.share = 0.6
        async with agent_on(url, links):
            for number in range(8):
                await asyncio.sleep(0.3)
                await admin.label(str(number))
                links.set_mac("eth0", f"02:00:00:00:01:{number:02x}")
            async with asyncio.timeout(PATIENCE_S):
                while not liar.lies:
                    await asyncio.sleep(0.1)
            liar.share = 0.0
            await admin.label("sane")
            async with asyncio.timeout(60):
                while (await admin.get()).get("status", {}).get("interfaces", [{}])[0].get(
                    "mac"
                ) != "02:00:00:00:01:07":
                    await asyncio.sleep(0.1)


def rotating(tmp_path: Path, url: str) -> tuple[Access, Path]:
    token = tmp_path / "token"
    token.write_text("first\n")
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"current-context: c\nclusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
        "users: [{name: u, user: {tokenFile: token}}]\n"
    )
    return from_file(path), token


async def test_a_token_that_cannot_be_read_is_unavailable_until_it_can(
    tmp_path: Path, bench: Bench, script: Script
) -> None:
    script.lists = [listed(5, announcer(5, "a"))]
    access, token = rotating(tmp_path, bench.adapter._client._access.server)
    async with aiohttp.ClientSession() as session:
        own = ApiAnnouncer(session, access, node=NODE, clock=CLOCK, chance=random.Random(1))
        await own._list()
        assert access.headers() == {"Authorization": "Bearer first"}
        for spoil in (token.unlink, token.mkdir, token.rmdir):
            spoil()
            with pytest.raises(Unavailable, match="no access to the API server"):
                await own._list()
        for content in (b"\xff\xfe", b"two\nlines", b"bell\x07"):
            token.write_bytes(content)
            with pytest.raises(Unavailable, match="no access to the API server"):
                await own._list()
        token.write_text("second\n")
        await own._list()
        assert access.headers() == {"Authorization": "Bearer second"}


def test_a_pod_whose_ca_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    environment = {"KUBERNETES_SERVICE_HOST": "192.0.2.1"}
    for content in (None, "", "no certificate"):
        if content is not None:
            (tmp_path / "ca.crt").write_text(content)
        with pytest.raises(NoAccess, match="is no CA certificate the agent can read"):
            in_cluster(environment, tmp_path)
