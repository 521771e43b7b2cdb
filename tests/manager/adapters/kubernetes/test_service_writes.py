"""What is written into Services, and what is known of a grant that nobody answered."""

import asyncio
from collections import Counter
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.kubernetes.client import (
    SERVICES,
    Refused,
)
from pointsman.model.delta import Delta, delta
from tests.fakes.kube import FakeKube
from tests.manager.adapters.kubernetes.writers_rig import (
    key,
    puts,
    record,
    rig_on,
    service,
    write,
)

pytestmark = [pytest.mark.looptime]


async def test_an_applied_plan_is_an_empty_diff_at_once_and_after_the_watch() -> None:
    api = FakeKube()
    for number in range(20):
        api.put(SERVICES, service(f"s{number}"))
    async with rig_on(api) as rig:
        assert rig.view.in_sync
        desired = {key(f"s{number}"): record(f"192.0.2.{number}") for number in range(20)}
        await write(rig.services, delta(desired, {}))
        assert rig.wakes  # the answers woke us
        assert rig.services.observe() == desired
        assert not rig.services.pending
        await asyncio.sleep(1)
        assert rig.services.observe() == desired
        assert rig.sent("patch status") == Counter({f"s{number}": 1 for number in range(20)})
        raw = api.of(SERVICES)["shop/s3"]
        assert raw["status"]["loadBalancer"] == {"ingress": [{"ip": "192.0.2.3", "ipMode": "VIP"}]}

        await write(rig.services, delta({}, desired))
        assert not rig.services.observe()


async def test_a_request_about_an_object_that_is_another_by_now_is_not_sent() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        rig.services.observe()
        api.put(SERVICES, service("web", labels={"changed": "meanwhile"}))
        await asyncio.sleep(0.1)  # the cache knows by now; the plan did not
        rig.services.hand(puts("web"), term=1)
        await asyncio.sleep(0.1)
        assert not rig.sent("patch status")
        await write(rig.services, puts("web"))
        assert "status" in api.of(SERVICES)["shop/web"]


async def test_a_request_that_is_late_meets_a_conflict_and_waits_for_the_newer_object() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        api.deaf.add("services")
        api.put(SERVICES, service("web", labels={"changed": "just now"}))
        await write(rig.services, puts("web"), within_s=0.1)
        assert rig.sent("patch status") == {"web": 1}
        assert "status" not in api.of(SERVICES)["shop/web"]
        assert not rig.services.pending
        api.deaf.clear()
        api.cut_watches()
        await asyncio.sleep(0.5)
        await write(rig.services, puts("web"), within_s=0.1)
        assert "status" in api.of(SERVICES)["shop/web"]


async def test_a_later_plan_starts_from_what_others_wrote_since() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await write(rig.services, puts("web"))
        raw = api.of(SERVICES)["shop/web"]
        raw["metadata"]["labels"] = {"changed": "since"}
        api.put(SERVICES, raw)
        await asyncio.sleep(0.1)
        await write(rig.services, Delta({key("web"): record("192.0.2.2")}, frozenset()))
        assert rig.services.observe()[key("web")] == record("192.0.2.2")


async def test_a_deleted_service_is_no_error() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        rig.services.observe()
        api.remove(SERVICES, "web", "shop")
        rig.services.hand(puts("web", "never-was"), term=1)
        await asyncio.sleep(1)
        assert not rig.services.writer.stuck


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_grant_without_an_answer_is_pending_until_it_is_known(arrives: bool) -> None:
    """It may have been stored: nobody else is given its address before that is known."""
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        answers = api.patch

        async def lost(*words: Any, **named: Any) -> Any:
            if arrives:
                await answers(*words, **named)
            await asyncio.sleep(3600)

        api.patch = lost  # type: ignore[method-assign]
        for name in ("services",):
            api.deaf.add(name)
        await write(rig.services, puts("web"))
        assert rig.services.pending == {key("web"): (ip_address("192.0.2.1"),)}
        await asyncio.sleep(5)
        assert rig.services.pending  # its time is over, and nobody knows
        api.patch = answers  # type: ignore[method-assign]
        lists = api.requests.count(("list", "services", ""))
        await asyncio.sleep(5)
        assert api.requests.count(("list", "services", "")) > lists  # it was asked for
        assert not rig.services.pending
        assert rig.services.observe()[key("web")] == record("192.0.2.1")
        assert rig.sent("patch status")["web"] == 1


async def test_a_grant_that_was_refused_is_not_pending() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.fault = lambda verb, plural, name: (
        Refused(422, "Invalid", "no") if verb == "patch status" else None
    )
    async with rig_on(api) as rig:
        await write(rig.services, puts("web"))
        assert not rig.services.pending
        assert rig.services.writer.stuck == {key("web"): "no"}
