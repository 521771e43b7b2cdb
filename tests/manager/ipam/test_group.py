"""The IPAMs of all Eips: each alone, and as the Eips and tokens are now."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from manager.ipam.configured import SourceConfig
from manager.ipam.group import SourceGroup
from manager.ports import AddressSource
from manager.snapshot import Eip, EipName, Resource, Snapshot
from pointsman.api import EipSpec
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import SourcePlan
from tests.fakes.address_source import Book, FakeSource
from tests.manager.beside import beside
from tests.manager.ipam.driven import Rig, ask, key

pytestmark = pytest.mark.looptime
PUBLIC, INNER = EipName("public"), EipName("inner")
TOKEN = ("netbox", "token")


def eip(name: str, prefix: str = "42", **more: str) -> Eip:
    netbox = {
        "url": "https://nb.example.com",
        "tokenSecretRef": {"name": "netbox"},
        "prefix": prefix,
        **more,
    }
    return Resource(name, EipSpec.model_validate({"source": {"netbox": netbox}}))


def snapshot(*eips: Eip, token: str = "t") -> Snapshot:
    return Snapshot(
        eips={EipName(one.name): one for one in eips},
        secrets={TOKEN: token} if token else {},
        secrets_read=True,
        cluster_uid="uid",
    )


class Ipams:
    """A group, and the books that it opens: one for each Eip."""

    def __init__(self) -> None:
        self.shared = Rig()  # for its shell
        self.books = {name: Book(read_disjoint(("192.0.2.0/29",))) for name in (PUBLIC, INNER)}
        self.opened: list[tuple[EipName, FakeSource, Callable[[], str]]] = []
        self.group = SourceGroup(self._open, shell=self.shared.shell)

    def _open(self, config: SourceConfig, token: Callable[[], str]) -> AddressSource:
        source = FakeSource(self.books[config.eip])
        self.opened.append((config.eip, source, token))
        return source

    async def step(
        self, seen: Snapshot, plans: Mapping[EipName, SourcePlan], *, term: int | None = 1
    ) -> Snapshot:
        """Take a step, as the reconciler does, and let the IPAMs do what is to do."""
        seen = self.group.seen(seen)
        plan: Any = SimpleNamespace(sources=plans)  # all that the group reads of one
        self.group.hand(plan, seen, term=term)
        await asyncio.sleep(1)
        return self.group.seen(seen)


@asynccontextmanager
async def running() -> AsyncIterator[Ipams]:
    ipams = Ipams()
    async with beside(ipams.group.run()):
        yield ipams


async def test_each_eip_has_its_own() -> None:
    async with running() as ipams:
        both = snapshot(eip("public"), eip("inner"))
        await ipams.step(both, {})
        ipams.books[INNER].away = "it is away"
        seen = await ipams.step(both, {PUBLIC: ask("a"), INNER: ask("b")})
        assert [one.key for one in seen.sources[PUBLIC].reservations] == [key("a")]
        assert seen.sources[INNER].reservations == ()


async def test_who_does_not_lead_reads_only() -> None:
    async with running() as ipams:
        one = snapshot(eip("public"))
        await ipams.step(one, {})
        seen = await ipams.step(one, {PUBLIC: ask("a")}, term=None)
        assert seen.sources[PUBLIC].blocks
        assert ipams.books[PUBLIC].written() == []


async def test_what_follows_from_no_reading_is_not_done() -> None:
    """A plan that saw no reading of an IPAM says nothing about it."""
    async with running() as ipams:
        one = snapshot(eip("public"))
        await ipams.step(one, {})
        plan: Any = SimpleNamespace(sources={PUBLIC: ask("a")})
        ipams.group.hand(plan, replace(one, sources={}), term=1)
        await asyncio.sleep(1)
        assert ipams.books[PUBLIC].written() == []


async def test_an_eip_that_names_another_ipam_gets_another_driver() -> None:
    async with running() as ipams:
        await ipams.step(snapshot(eip("public")), {})
        await ipams.step(snapshot(eip("public", "43")), {})
        (_, first, _), (_, second, _) = ipams.opened
        assert first.closed
        assert not second.closed


OTHER = "https://other.example.com"


@pytest.mark.parametrize(
    ("changed", "stay"),
    [
        pytest.param((eip("public", url=OTHER),), True, id="another URL"),
        pytest.param((eip("public", ownerField="theirs"),), True, id="another field"),
        pytest.param((), True, id="it has none any more"),
        pytest.param((eip("public", "43"),), False, id="another prefix: found by their owner"),
        pytest.param((eip("public", role="anycast"),), False, id="other words"),
        pytest.param((eip("public"), eip("inner")), False, id="another Eip beside it"),
    ],
)
async def test_entries_that_nobody_looks_after_any_more_are_said_once(
    changed: tuple[Eip, ...], stay: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as ipams:
        await ipams.step(snapshot(eip("public")), {})
        await ipams.step(snapshot(eip("public")), {PUBLIC: ask("a", "b")})
        for _ in range(2):
            await ipams.step(snapshot(*changed), {})
    lines = [one.getMessage() for one in caplog.records if "entries of ours stay" in one.message]
    assert len(lines) == stay
    if stay:
        assert "Eip 'public': https://nb.example.com is" in lines[0]
        assert ", 2 as it was read" in lines[0]


async def test_where_there_is_no_entry_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as ipams:
        await ipams.step(snapshot(eip("public")), {})
        await ipams.step(snapshot(), {})
    assert "entries of ours" not in caplog.text


async def test_an_eip_without_an_ipam_is_let_go() -> None:
    async with running() as ipams:
        await ipams.step(snapshot(eip("public")), {})
        assert (await ipams.step(snapshot(), {})).sources == {}
        assert ipams.opened[0][1].closed


async def test_a_token_that_is_exchanged_is_used_at_once_and_nothing_is_forgotten() -> None:
    async with running() as ipams:
        one = snapshot(eip("public"))
        before = await ipams.step(one, {PUBLIC: ask("a")})
        ipams.books[PUBLIC].away = "401: the token has expired"
        await asyncio.sleep(300)
        assert ipams.group.seen(one).sources[PUBLIC].problem
        ipams.books[PUBLIC].away = ""
        after = await ipams.step(snapshot(eip("public"), token="new"), {})
        assert after.sources[PUBLIC].problem == ""
        assert after.sources[PUBLIC].reservations == before.sources[PUBLIC].reservations
        assert [token() for _, _, token in ipams.opened] == ["new"]


async def test_an_eip_whose_token_is_missing_says_so_and_its_ipam_is_not_asked() -> None:
    async with running() as ipams:
        seen = await ipams.step(snapshot(eip("public"), token=""), {})
        assert "Secret 'netbox'" in seen.sources[PUBLIC].problem
        assert ipams.opened == []
        seen = await ipams.step(snapshot(eip("public")), {})
        assert seen.sources[PUBLIC].problem == ""


async def test_what_did_not_change_is_the_same_object() -> None:
    async with running() as ipams:
        one = snapshot(eip("public"))
        await ipams.step(one, {})
        assert ipams.group.readings is ipams.group.readings
