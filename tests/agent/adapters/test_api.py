"""A whole agent against the stand-in API: true, restored, patient, and silent when idle."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import aiohttp
import pytest

from agent.adapters.api import ApiAnnouncer
from agent.adapters.kubeconfig import Access
from agent.snapshot import Assignment
from pointsman.api import AnnouncerStatus
from pointsman.runtime import outage
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from standin.server import Api
from tests.agent.standin import NODE, PATIENCE_S, Admin, administered, agent_on
from tests.fakes.links import FakeLinks

SETTLED_S = 0.5  # many times what a report takes


@pytest.fixture
def links() -> FakeLinks:
    made = FakeLinks()
    made.add_link("eth0", "02:00:00:00:00:11")
    made.add_address("eth0", "192.0.2.11/24")
    made.add_address("eth0", "2001:db8:2::11/64")
    made.set_default_route("eth0", "192.0.2.1")
    return made


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    async with administered() as made:
        await made.install()
        yield made


@pytest.fixture
async def reported(admin: Admin, links: FakeLinks) -> AsyncIterator[Admin]:
    """An agent that has reported once."""
    await admin.create()
    async with agent_on(admin.url, links):
        await admin.status(lambda status: status["interfaces"])
        yield admin


def addresses(status: dict[str, Any]) -> list[str]:
    return [address for one in status["interfaces"] for address in one.get("addresses", [])]


async def test_the_status_holds_what_the_node_has(reported: Admin) -> None:
    status = await reported.status(lambda _status: True)
    model = AnnouncerStatus.model_validate(status)
    (eth0,) = model.interfaces
    assert (eth0.name, eth0.mac, eth0.up) == ("eth0", "02:00:00:00:00:11", True)
    assert [str(address) for address in eth0.addresses] == ["192.0.2.11/24", "2001:db8:2::11/64"]
    assert model.default_route is not None
    assert model.default_route.ipv4 is not None
    assert str(model.default_route.ipv4.gateway) == "192.0.2.1"
    assert [(c.type, c.status, c.reason) for c in model.conditions] == [
        ("HeartbeatsHeard", "False", "NoManagerListens"),
        ("Ready", "True", "Reporting"),
    ]
    managers = {entry["manager"] for entry in (await reported.get())["metadata"]["managedFields"]}
    assert "pointsman-agent" in managers


async def test_the_missing_object_is_waited_for_and_never_made(
    admin: Admin, links: FakeLinks
) -> None:
    async with agent_on(admin.url, links):
        await asyncio.sleep(SETTLED_S)
        links.set_mac("eth0", "02:00:00:00:00:99")
        await asyncio.sleep(SETTLED_S)
        assert admin.requests("create") == 0
        assert admin.agent_writes() == 0
        await admin.create("node2")  # somebody else's
        await admin.create()
        await admin.status(lambda status: status["interfaces"][0]["mac"] == "02:00:00:00:00:99")
        assert set(admin.api.stats.writes) & {"patch announcers/status node2"} == set()


async def test_an_idle_agent_writes_nothing(reported: Admin, links: FakeLinks) -> None:
    before, writes = (await reported.get())["metadata"]["resourceVersion"], reported.agent_writes()
    for _ in range(20):  # wakes that bring nothing new
        links.set_mac("eth0", "02:00:00:00:00:11")
        await asyncio.sleep(0.03)
    assert (await reported.get())["metadata"]["resourceVersion"] == before
    links.set_mac("eth0", "02:00:00:00:00:99")  # what is new is written, and nothing before it
    await reported.status(lambda status: status["interfaces"][0]["mac"].endswith("99"))
    assert reported.agent_writes() == writes + 1 == 2


async def test_a_change_patches_only_what_changed(reported: Admin, links: FakeLinks) -> None:
    before = await reported.status(lambda _status: True)
    links.remove_address("eth0", "2001:db8:2::11/64")
    after = await reported.status(lambda status: addresses(status) == ["192.0.2.11/24"])
    assert after["conditions"] == before["conditions"]
    links.delete("eth0")
    gone = await reported.status(lambda status: not status["interfaces"])
    assert "defaultRoute" not in gone
    assert gone["conditions"][-1]["reason"] == "NoAddress"
    assert reported.agent_writes() == 3


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({}, id="wiped"),
        pytest.param({"agentVersion": "evil", "interfaces": []}, id="emptied"),
        pytest.param(
            {
                "agentVersion": "1",
                "proxy": {"healthy": False},
                "defaultRoute": {"ipv6": {"gateway": "fe80::1", "interface": "x"}},
                "interfaces": [{"name": "eth9", "up": False}],
            },
            id="replaced by another node's",
        ),
    ],
)
async def test_a_status_someone_changed_is_restored(reported: Admin, damage: Any) -> None:
    good = await reported.status(lambda _status: True)
    await reported.overwrite(damage)
    restored = await reported.status(lambda status: addresses(status) == addresses(good))
    for one in (*good["conditions"], *restored["conditions"]):
        one.pop("lastTransitionTime")
    assert restored == good
    assert reported.agent_writes() == 2


async def test_others_metadata_is_left_alone(reported: Admin, links: FakeLinks) -> None:
    await reported.label("kept")
    links.set_mac("eth0", "02:00:00:00:00:99")
    await reported.status(lambda status: status["interfaces"][0]["mac"].endswith("99"))
    assert (await reported.get())["metadata"]["labels"] == {"changed": "kept"}


async def test_deleted_and_made_again_it_is_reported_again(reported: Admin) -> None:
    await reported.delete()
    await asyncio.sleep(SETTLED_S)
    await reported.create()
    await reported.status(lambda status: status["interfaces"])
    assert reported.requests("create") == 2  # the test's own


@pytest.mark.parametrize("code", [409, 429, 500, 503])
async def test_a_write_that_fails_is_tried_again(
    reported: Admin, links: FakeLinks, code: int
) -> None:
    reported.api.trouble({"code": code, "verb": "PATCH", "count": 3, "retry_after": 0})
    links.set_mac("eth0", "02:00:00:00:00:99")
    await reported.status(lambda status: status["interfaces"][0]["mac"].endswith("99"))
    assert reported.api.stats.codes[str(code)] == 3


async def test_a_real_conflict_loses_nobodys_change(reported: Admin, links: FakeLinks) -> None:
    for number in range(20):  # the manager writes while the agent does
        links.set_mac("eth0", f"02:00:00:00:01:{number:02x}")
        await reported.label(str(number))
    await reported.status(lambda status: status["interfaces"][0]["mac"].endswith(":13"))
    assert (await reported.get())["metadata"]["labels"] == {"changed": "19"}


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([{"drop_watches": True}], id="dropped watches"),
        pytest.param([{"compact": True}, {"drop_watches": True}], id="forgotten history: 410"),
        pytest.param(
            [{"code": 410, "verb": "watch"}, {"drop_watches": True}], id="410 inside the stream"
        ),
        pytest.param(
            [{"code": 500, "verb": "watch", "count": 2}, {"drop_watches": True}],
            id="watches refused",
        ),
        pytest.param(
            [
                {"code": 410, "verb": "watch"},
                {"code": 503, "verb": "GET", "count": 2},
                {"drop_watches": True},
            ],
            id="lists refused too",
        ),
    ],
)
async def test_after_trouble_with_the_watch_a_wiped_status_is_still_restored(
    reported: Admin, trouble: list[dict[str, Any]]
) -> None:
    for order in trouble:
        reported.api.trouble(order)
    async with asyncio.timeout(PATIENCE_S):
        while reported.api.faults.pending:
            await asyncio.sleep(0.05)
    await reported.overwrite({})
    await reported.status(lambda status: status["interfaces"])


async def test_a_server_that_was_away_is_told_the_present(links: FakeLinks) -> None:
    api = Api()
    async with administered(api) as admin:
        await admin.install()
        await admin.create()
        port = int(admin.url.rsplit(":", 1)[1])
    async with agent_on(f"http://127.0.0.1:{port}", links):
        await asyncio.sleep(SETTLED_S)
        links.set_mac("eth0", "02:00:00:00:00:99")
        await asyncio.sleep(SETTLED_S)
        async with administered(api, port=port) as admin:
            await admin.status(lambda status: status["interfaces"][0]["mac"].endswith("99"))


async def test_a_missing_kind_is_waited_for(links: FakeLinks) -> None:
    async with administered() as admin, agent_on(admin.url, links):
        await asyncio.sleep(SETTLED_S)
        await admin.install()
        await admin.create()
        await admin.status(lambda status: status["interfaces"])


async def test_a_look_asks_the_server_itself_and_tells_gone_from_refused(admin: Admin) -> None:
    async with aiohttp.ClientSession() as session:
        clock = Clock(time.monotonic, lambda: datetime.now(UTC))
        ours = ApiAnnouncer(session, Access(admin.url), node=NODE, clock=clock, chance=Random(1))
        assert await ours.afresh() is None
        assert not ours.confirmed, "it is not followed yet"
        await admin.create()
        assert await ours.afresh() == Assignment(1)
        await admin.uninstall()
        with pytest.raises(Unavailable, match="404"):
            await ours.afresh()


def other_links() -> FakeLinks:
    made = FakeLinks()
    made.add_link("eth0", "02:00:00:00:00:12")
    made.add_address("eth0", "192.0.2.12/24")
    return made


async def test_two_agents_of_one_node_give_way_and_say_so(
    admin: Admin, links: FakeLinks, caplog: pytest.LogCaptureFixture
) -> None:
    """Each would undo the other's report at once, for ever."""
    await admin.create()
    async with agent_on(admin.url, links, host="worker-1"):
        await admin.status(lambda status: status["interfaces"])
        async with agent_on(admin.url, other_links(), host="worker-2"):
            found = await admin.status(
                lambda status: any(c["type"] == "Contested" for c in status["conditions"])
            )
            await asyncio.sleep(SETTLED_S)
            assert admin.agent_writes() <= 6
    condition = next(c for c in found["conditions"] if c["type"] == "Contested")
    assert (condition["status"], condition["reason"]) == ("True", "AnotherAgent")
    hosts = ("on worker-1 and on worker-2", "on worker-2 and on worker-1")
    assert any(words in condition["message"] for words in hosts)
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert any(words in line for line in warned for words in hosts)


def reported_from(host: str, status: dict[str, Any]) -> bool:
    return status.get("agentHost") == host


async def test_a_successor_on_another_host_is_no_rival(admin: Admin, links: FakeLinks) -> None:
    await admin.create()
    for host in ("worker-1", "worker-2"):
        async with agent_on(admin.url, links, host=host):
            found = await admin.status(partial(reported_from, host))
            await asyncio.sleep(SETTLED_S)
    assert [c["type"] for c in found["conditions"]] == ["HeartbeatsHeard", "Ready"]
    assert admin.agent_writes() == 2


async def test_that_the_server_answers_again_is_one_line(
    admin: Admin,
    links: FakeLinks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outage, "WORTH_TELLING_S", 0.0)
    await admin.create()
    admin.api.trouble({"code": 503, "verb": "GET", "count": 2})
    with caplog.at_level("INFO", logger="agent.adapters.api"):
        async with agent_on(admin.url, links):
            async with asyncio.timeout(PATIENCE_S):
                while admin.api.faults.pending:
                    await asyncio.sleep(0.02)
            await admin.status(lambda status: status["interfaces"])
    again = [text for text in caplog.messages if "answers again" in text]
    assert len(again) == 1
