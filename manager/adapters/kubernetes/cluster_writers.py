"""All that writes to the Kubernetes API, put together. It refuses to decide what is written."""

import random
from collections.abc import Callable
from typing import Any, Protocol

from manager.adapters.kubernetes.announcer_writes import AnnouncerWriter
from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.service_writes import Lists, ServiceWriter
from manager.adapters.kubernetes.session_entries import Patcher, SpeakerEntries
from manager.adapters.kubernetes.writers import StatusWriter
from manager.writers.keyed import KeyedWriter
from pointsman.model.address import Address
from pointsman.runtime.clock import Clock


class Api(Patcher, Lists, Protocol):
    """What is asked of an API server beside the writes that are fenced."""


class ClusterWriters:
    """The leader's writers of each kind, its Events, and this replica's entries, as *name*."""

    def __init__(
        self,
        view: ClusterView,
        sink: FencedSink,
        *,
        api: Api,
        clock: Clock,
        term: Callable[[], int],
        rng: random.Random,
        orphaned: Callable[[Address], bool],
        name: str,
        gone: Callable[[], frozenset[str]],
    ) -> None:
        self.events = Events(sink, clock=clock, rng=rng, instance=name)
        own: dict[str, Any] = {"term": term, "emit": self.events.emit}
        self.services = ServiceWriter(view, sink, api=api, clock=clock, **own)
        self.statuses = StatusWriter(view, sink, clock=clock, **own)
        self.announcers = AnnouncerWriter(view, sink, term=term, orphaned=orphaned)
        self.entries = SpeakerEntries(view.bgp_peers, api, fenced=sink, name=name, gone=gone)
        parts = (self.services, self.statuses, self.announcers, self.entries)
        self.all: tuple[KeyedWriter[Any], ...] = (
            *(one.writer for one in parts),
            self.entries.sweeper,
        )
