"""How fast Announcers are written: what nobody's packets wait for, waits."""

import asyncio
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.kubernetes.client import ANNOUNCERS, CRDS, Refused
from manager.damping.pacing import OCTETS
from manager.snapshot import NodeName
from pointsman.model.delta import Delta, delta
from pointsman.model.record import AnnouncerRecord
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube
from tests.manager.adapters.kubernetes.writers_rig import Rig, now, rig_on

pytestmark = [pytest.mark.looptime]
ONE = NodeName("one")


def spec(*addresses: str, **more: Any) -> dict[str, Any]:
    entry = {"interface": "eth0", "responder": "Node", "addresses": list(addresses)}
    return {"assignments": [entry], **more}


def cluster(*names: str, **specs: dict[str, Any]) -> FakeKube:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "announcers.pointsman.dev"}})
    for name in names:
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": "u"}
        meta = {"name": name, "ownerReferences": [owner]}
        api.put(ANNOUNCERS, {"metadata": meta, "spec": specs.get(name, spec())})
    return api


class Writes:
    """Hands what is planned again and again, as the loop does, and notes when it was written."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.times: list[tuple[float, str]] = []
        patch = rig.api.patch

        async def noted(kind: Any, namespace: str, name: str, **words: Any) -> Any:
            self.times.append((now(), name))
            return await patch(kind, namespace, name, **words)

        rig.api.patch = noted  # type: ignore[method-assign]

    async def until_done(self, **planned: dict[str, Any]) -> float:
        """Return how long it took until *planned* stands there."""
        began = now()
        desired = {NodeName(name): AnnouncerRecord("u", one) for name, one in planned.items()}
        while work := delta(desired, self.rig.announcers.observe()):
            self.rig.announcers.hand(Delta(work.put, frozenset()), term=1)
            await asyncio.sleep(0.02)
            assert now() - began < 60
        self.rig.announcers.hand(Delta({}, frozenset()), term=1)
        return now() - began


async def test_what_is_added_to_one_announcer_goes_out_once_a_second() -> None:
    async with rig_on(cluster("one", "two")) as rig:
        writes = Writes(rig)
        assert await writes.until_done(one=spec("192.0.2.1"), two=spec()) < 0.1
        assert await writes.until_done(one=spec("192.0.2.1", "192.0.2.2"), two=spec()) > 0.8
        # another one need not wait for it
        both = {"one": spec("192.0.2.1", "192.0.2.2"), "two": spec("192.0.2.3")}
        assert await writes.until_done(**both) < 0.1
        assert [name for _, name in writes.times] == ["one", "one", "two"]


async def test_an_address_that_leaves_does_not_wait() -> None:
    async with rig_on(cluster("one", one=spec("192.0.2.1", "192.0.2.2", "192.0.2.3"))) as rig:
        writes = Writes(rig)
        assert await writes.until_done(one=spec("192.0.2.1", "192.0.2.2")) < 0.1
        assert await writes.until_done(one=spec("192.0.2.1")) < 0.1
        assert await writes.until_done(one=spec("192.0.2.9")) < 0.1  # what comes goes with it
        # and it counts: what may wait goes a second later
        assert await writes.until_done(one=spec("192.0.2.9", "192.0.2.10")) > 0.8


async def test_an_address_whose_last_node_is_gone_does_not_wait() -> None:
    async with rig_on(cluster("one")) as rig:
        writes = Writes(rig)
        await writes.until_done(one=spec("192.0.2.1"))
        rig.orphans = {ip_address("192.0.2.2")}
        assert await writes.until_done(one=spec("192.0.2.1", "192.0.2.2")) < 0.1


def led(*prefixes: str, redistribute: bool = True) -> dict[str, Any]:
    return {"unreachable": [{"prefix": p, "redistribute": redistribute} for p in prefixes]}


async def test_an_aggregate_that_leaves_does_not_wait_and_a_discard_does() -> None:
    first = led("192.0.2.0/28", "2001:db8::/64")
    async with rig_on(cluster("one", "two", one=first, two=first)) as rig:
        writes = Writes(rig)
        two = led("192.0.2.0/28", "2001:db8::/64", "192.0.2.16/28")
        one = led("2001:db8::/64")
        assert await writes.until_done(one=one, two=two) < 0.1
        assert await writes.until_done(one={}, two=two) < 0.1
        own = led("192.0.2.0/28", redistribute=False)
        assert await writes.until_done(one=own, two=two) > 0.8
        assert await writes.until_done(one={}, two=two) > 0.8


async def test_what_kernels_have_is_nothing_that_another_node_waits_for() -> None:
    kernel = {"interface": "d", "responder": "Kernel", "addresses": ["192.0.2.1"]}
    async with rig_on(cluster("one")) as rig:
        rig.orphans = {ip_address("192.0.2.1")}
        planned = {ONE: AnnouncerRecord("u", {"assignments": [kernel]})}
        work = delta(planned, rig.announcers.observe())
        rig.announcers.hand(Delta(work.put, frozenset()), term=1)
        assert not rig.announcers.assigning


async def test_all_together_they_stay_within_a_megabyte_a_second() -> None:
    names = [f"node{number:02}" for number in range(40)]
    many = [f"2001:db8:ffff:ffff:ffff:ffff:ffff:{number:x}" for number in range(5_000)]
    async with rig_on(cluster(*names)) as rig:
        writes = Writes(rig)
        planned = {name: spec(*many) for name in names}
        octets = sum(len(address) + 4 for address in many)
        took = await writes.until_done(**planned)
        assert took > 40 * octets / OCTETS - 2
        assert took < 40 * octets / OCTETS + 3
        assert len(writes.times) == 40
        for began, _ in writes.times:
            within = sum(began <= at < began + 1.0 for at, _ in writes.times)
            assert within * octets <= OCTETS
        # while an address that leaves waits for none of it
        more = {name: spec(*many, "192.0.2.1") for name in names}
        waiting = asyncio.create_task(writes.until_done(**more))
        await asyncio.sleep(0.1)
        waiting.cancel()
        gone = {**more, names[39]: spec(*many[:-1])}
        before = now()
        task = asyncio.create_task(writes.until_done(**gone))
        while names[39] not in {name for at, name in writes.times if at >= before}:
            await asyncio.sleep(0.02)
        assert now() - before < 0.2
        task.cancel()


async def test_a_term_that_ended_is_not_the_end_of_the_next() -> None:
    async with rig_on(cluster("one")) as rig:
        record = AnnouncerRecord("u", spec("192.0.2.1"))
        rig.announcers.observe()
        rig.announcers.hand(Delta({ONE: record}, frozenset()), term=1)
        rig.term = 2
        await asyncio.sleep(0.1)
        assert not rig.sent("patch")
        rig.announcers.hand(Delta({ONE: record}, frozenset()), term=2)
        await asyncio.sleep(1.1)
        assert rig.sent("patch")["one"] == 1


@pytest.mark.parametrize(
    ("fate", "left"),
    [("answered", False), ("unanswered", True), ("refused", False), ("conflict", True)],
)
async def test_what_a_request_may_have_brought_is_known_until_its_fate_is(
    fate: str, left: bool
) -> None:
    async with rig_on(cluster("one")) as rig:
        patch, may_go = rig.api.patch, asyncio.Event()

        async def slow(*words: Any, **more: Any) -> Any:
            await may_go.wait()
            match fate:
                case "unanswered":
                    raise Unavailable("nobody answers")
                case "refused":
                    raise Refused(422, "Invalid", "no")
                case "conflict":
                    raise Refused(409, "Conflict", "another one by now")
            return await patch(*words, **more)

        rig.api.patch = slow
        planned = {ONE: AnnouncerRecord("u", spec("192.0.2.1", "192.0.2.2"))}
        work = delta(planned, rig.announcers.observe())
        assert not rig.announcers.assigning
        rig.announcers.hand(Delta(work.put, frozenset()), term=1)
        await asyncio.sleep(0.1)
        both = frozenset(map(ip_address, ("192.0.2.1", "192.0.2.2")))
        assert rig.announcers.assigning == {ONE: both}
        rig.announcers.hand(Delta({}, frozenset()), term=1)  # it is not wanted any more
        may_go.set()
        await asyncio.sleep(0.1)
        assert rig.announcers.assigning == ({ONE: both} if left else {})
        # Another object in the cache tells what became of it.
        there = rig.api.of(ANNOUNCERS)["one"]
        rig.api.put(ANNOUNCERS, {**there, "spec": spec("192.0.2.9")})
        await asyncio.sleep(1)
        assert not rig.announcers.assigning
