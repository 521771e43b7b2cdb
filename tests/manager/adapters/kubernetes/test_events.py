"""Events are sent with who, what and why, and never wait."""

import asyncio

import pytest

from manager.adapters.kubernetes.client import (
    EVENTS,
)
from pointsman.model.record import (
    EventRecord,
)
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube
from tests.manager.adapters.kubernetes.writers_rig import (
    now,
    rig_on,
)

pytestmark = [pytest.mark.looptime]


async def test_events_have_who_what_and_why() -> None:
    api = FakeKube()
    async with rig_on(api) as rig:
        rig.events.emit(
            [
                EventRecord("Service", "shop", "web", "u1", "Allocated", "has 192.0.2.1", False),
                EventRecord("Eip", "", "public", "u2", "Overlap", "m" * 2000, True),
            ]
        )
        await asyncio.sleep(1)
        first, second = sorted(api.of(EVENTS).values(), key=lambda raw: raw["type"])
        assert first["involvedObject"] == {
            "apiVersion": "v1",
            "kind": "Service",
            "namespace": "shop",
            "name": "web",
            "uid": "u1",
        }
        assert (first["type"], first["reason"]) == ("Normal", "Allocated")
        assert (first["metadata"]["namespace"], second["metadata"]["namespace"]) == (
            "shop",
            "default",
        )
        assert second["involvedObject"]["apiVersion"] == "pointsman.dev/v1alpha1"
        assert len(second["message"]) == 1024


async def test_events_are_bounded_and_never_wait() -> None:
    api = FakeKube()
    api.fault = lambda verb, plural, name: Unavailable("away") if plural == "events" else None
    async with rig_on(api) as rig:
        began = now()
        event = EventRecord("Service", "shop", "web", "u1", "R", "m", False)
        rig.events.emit([event] * 5000)
        assert now() == began
        assert rig.events.dropped == 3000
