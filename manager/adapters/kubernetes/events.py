"""Kubernetes Events: what happened, for `kubectl describe`. Best effort, never in the way.

`emit` logs and queues; a task of its own sends. Refuses to repeat itself to make sure: an Event
that cannot be written soon is dropped and counted, because the object's conditions say the
same and stay.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.client import Refused
from manager.adapters.kubernetes.fence import NotLeading
from pointsman.model.names import API_VERSION, EVENT_SOURCE
from pointsman.model.record import EventRecord
from pointsman.model.timestamps import format_time
from pointsman.runtime.clock import Clock
from pointsman.runtime.logs import about
from pointsman.runtime.target import Unavailable

LONGEST: Final = 1024  # of a message: the limit of events.k8s.io/v1, used for core/v1 too
QUEUED: Final = 2000
PAUSES_S: Final = (1.0, 4.0)  # before the second and the third attempt
CORE: Final = frozenset({"Service", "Node", "Namespace"})
log = logging.getLogger(__name__)


class Events:
    """Sends Events while `run` runs. *instance* is this replica's name."""

    def __init__(
        self, sink: FencedSink, *, clock: Clock, rng: random.Random, instance: str = ""
    ) -> None:
        self._sink, self._clock, self._rng, self._instance = sink, clock, rng, instance
        self._queue: deque[tuple[EventRecord, datetime]] = deque(maxlen=QUEUED)
        self._filled = asyncio.Event()
        self.dropped = 0

    def emit(self, events: Sequence[EventRecord]) -> None:
        """Log *events* and queue them; when too many wait already, the oldest are dropped."""
        for event in events:
            level = logging.WARNING if event.warning else logging.INFO
            fields = {"kind": event.kind, "name": event.name, "reason": event.reason}
            if event.namespace:
                fields["namespace"] = event.namespace
            words = (event.kind, event.reason, event.message)
            log.log(level, "%s %s: %s", *words, extra=about(**fields))
        now = self._clock.wall()
        overflow = len(self._queue) + len(events) - QUEUED
        self.dropped += max(0, overflow)
        self._queue.extend((event, now) for event in events)
        self._filled.set()

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                event, at = self._queue.popleft()
                await self._send(event, at)

    async def _send(self, event: EventRecord, at: datetime) -> None:
        body, last = self._event(event, at), ""
        for pause_s in (*PAUSES_S, None):
            try:
                await self._sink.create(client.EVENTS, body["metadata"]["namespace"], body)
                return
            except NotLeading:
                break  # whoever leads now tells it
            except Refused as error:
                log.warning("Event about %s %s: %s", event.kind, event.name, error)
                break
            except Unavailable as error:
                last = str(error)
                if pause_s is not None:
                    await asyncio.sleep(max(pause_s, error.retry_after_s))
        else:
            log.warning("Event about %s %s: %s", event.kind, event.name, last)
        self.dropped += 1

    def _event(self, event: EventRecord, at: datetime) -> dict[str, Any]:
        stamp = format_time(at)
        about = {
            "apiVersion": "v1" if event.kind in CORE else API_VERSION,
            "kind": event.kind,
            "namespace": event.namespace,
            "name": event.name,
            "uid": event.uid,
        }
        message = event.message
        if len(message) > LONGEST:
            message = message[: LONGEST - 1] + "…"
        return {
            "apiVersion": "v1",
            "kind": client.EVENTS.name,
            "metadata": {
                "name": f"{event.name[:200]}.{self._rng.getrandbits(64):016x}",
                # Events are namespaced; those about cluster-scoped objects live in default.
                "namespace": event.namespace or "default",
            },
            "involvedObject": {key: value for key, value in about.items() if value},
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason,
            "message": message,
            "source": {"component": EVENT_SOURCE},
            "reportingComponent": EVENT_SOURCE,
            "reportingInstance": self._instance,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
