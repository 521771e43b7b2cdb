"""Every watched kind with any part replaced: read, or found unreadable; never a crash.

What is read goes all the way: into the caches, through a plan, into the bodies of writes.
The seed is fixed: the same objects every time.
"""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.record_codec import service_patch, service_release, status_patch
from manager.adapters.kubernetes.secret_codec import Secret, secret
from manager.adapters.kubernetes.session_entries import listed
from manager.planner.plan import plan
from manager.snapshot import Observed, Settings
from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from tests.manager.adapters.kubernetes.odd_objects import OBJECTS, STAMP, changed, odd
from tests.oddities import VALUES, paths, with_value

NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)


def view() -> ClusterView:
    """Return a view in which every object is as it should be."""
    made = ClusterView(None, wake=lambda: None, rng=random.Random(1))  # type: ignore[arg-type]
    for kind, raw in OBJECTS.items():
        cache = made.caches[kind]
        cache.replace_all([cache.read({"kind": kind.name, **raw})], "7", begun_at=0)
    assert made.in_sync
    assert not made.malformed
    return made


def judged(whole: ClusterView) -> None:
    """Plan what is known, and make the bodies of every write that follows."""
    snapshot = whole.snapshot(speakers=(Observed(),), settings=Settings(), taken_at=NOW)
    decided = plan(snapshot)
    for key, service in snapshot.services.items():
        json.dumps(service_release(service))
        if key in decided.services:
            json.dumps(service_patch(service, decided.services[key], now=STAMP))
    kinds: dict[str, Mapping[Any, Any]] = {
        "Eip": snapshot.eips,
        "BgpConf": snapshot.bgp_confs,
        "BgpPeer": snapshot.bgp_peers,
    }
    for about, status in decided.statuses.items():
        resource = kinds[about.kind].get(about.name)
        if resource is not None:
            json.dumps(status_patch(resource, status, now=STAMP))
    for peer in snapshot.bgp_peers.values():
        json.dumps(listed(peer))


def receive(cache: Cache[Any, Any], raw: object) -> None:
    """Take *raw* as the answer to a request, as it would come over the wire."""
    try:
        thing = answer.as_thing(answer.decoded(json.dumps(raw).encode()))
    except Garbled:
        return
    cache.put(thing)
    cache.replace_all([cache.read(thing)], "8", begun_at=0)


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
def test_an_odd_object_harms_nobody(kind: client.Kind) -> None:
    @settings(derandomize=True, max_examples=80, deadline=None, database=None)
    @given(odd(kind))
    def tried(raw: Any) -> None:
        whole = view()
        receive(whole.caches[kind], raw)
        judged(whole)

    tried()


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
def test_each_part_of_an_object_may_be_missing_or_null(kind: client.Kind) -> None:
    """Exhaustive, one part at a time: what a fuzz of two hundred may not reach."""
    raw = changed(kind)
    values: tuple[Any, ...] = (None, [], {}, "x", 7, -1)
    for path in paths(raw):
        for value in values:
            whole = view()
            receive(whole.caches[kind], with_value(raw, path, value))
            judged(whole)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param(client.SERVICES, ("spec", "ports"), id="Service"),
        pytest.param(client.NODES, ("status", "conditions"), id="Node"),
        pytest.param(client.EIPS, ("metadata", "labels"), id="Eip"),
        pytest.param(client.ANNOUNCERS, ("metadata", "ownerReferences"), id="Announcer"),
    ],
)
def test_a_malformed_object_is_reported_and_what_was_known_stays(
    kind: client.Kind, path: tuple[str, ...]
) -> None:
    whole = view()
    before = dict(whole.caches[kind].items)
    receive(whole.caches[kind], with_value(changed(kind), path, 7))
    assert dict(whole.caches[kind].items) == before
    (sentence,) = whole.malformed
    assert path[-1] in sentence


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(st.data())
def test_an_odd_secret_is_left_out(data: Any) -> None:
    raw = {
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n", "resourceVersion": "7"},
        "data": {"password": "c2VjcmV0"},
    }
    path = data.draw(st.sampled_from(paths(raw)))
    odd_raw = with_value(raw, path, data.draw(st.sampled_from(VALUES)))
    cache = Cache[str, Secret](key=lambda one: one.name, parse=secret, wake=lambda: None)
    receive(cache, odd_raw)
    assert all("c2Vj" not in sentence for sentence in cache.malformed.values())
