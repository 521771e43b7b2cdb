"""What NetBox does beyond the port: whence addresses come, and how entries are written."""

from dataclasses import replace
from typing import Any

import pytest

from manager.adapters.ipam.netbox import NetboxSource
from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.ports import SourceRefused
from pointsman.api.eipsource import OnRelease
from pointsman.model.address import Family
from pointsman.model.ranges import read_address, read_union
from pointsman.model.reservation import AddressRequest, Holder, ReservationState
from pointsman.runtime.target import Unavailable
from tests.conformance.ipam.worlds import BLOCK, FIRST, LAST, OUTSIDE, NetboxWorld, key

WEB = Holder.of(["red/web"], "Web.Example.com")
ANY = AddressRequest(WEB)


def source(netbox: NetboxWorld, **changes: Any) -> NetboxSource:
    return netbox.made(netbox.owner, replace(netbox.fields(), **changes))


async def vrf_name(netbox: NetboxWorld) -> str:
    name: str = (await netbox.call("GET", f"ipam/vrfs/{netbox.vrf}/"))["name"]
    return name


async def test_an_entry_says_to_people_whose_it_is(netbox: NetboxWorld) -> None:
    tenant = await netbox.call("POST", "tenancy/tenants/", named(netbox, "tenant"))
    tag = await netbox.call("POST", "extras/tags/", named(netbox, "tag"))
    made = source(netbox, tenant=tenant["slug"], tags=(tag["slug"],))
    await made.reserve(key("web"), ANY)
    (entry,) = await netbox.entries()
    assert entry["address"] == f"{FIRST}/29"
    assert (entry["status"]["value"], entry["role"]["value"]) == ("active", "vip")
    assert (entry["dns_name"], entry["description"]) == ("web.example.com", "Kubernetes: red/web")
    assert (entry["tenant"]["id"], entry["tags"][0]["id"]) == (tenant["id"], tag["id"])
    assert entry["custom_fields"][netbox.field] == netbox.owner.entry(key("web"))


def named(netbox: NetboxWorld, kind: str) -> dict[str, str]:
    name = f"{kind}-{netbox.field.replace('_', '-')}"
    return {"name": name.upper(), "slug": name}


async def test_a_tenant_is_named_by_its_id_too(netbox: NetboxWorld) -> None:
    tenant = await netbox.call("POST", "tenancy/tenants/", named(netbox, "tenant"))
    await source(netbox, tenant=str(tenant["id"])).reserve(key("web"), ANY)
    assert [one["tenant"]["id"] for one in await netbox.entries()] == [tenant["id"]]


@pytest.mark.parametrize("by", ["id", "name", "rd"])
async def test_a_prefix_is_named_by_what_it_covers_and_its_vrf(
    netbox: NetboxWorld, by: str
) -> None:
    vrf = await netbox.call("GET", f"ipam/vrfs/{netbox.vrf}/")
    made = source(netbox, prefix=BLOCK, vrf=str(vrf[by]))
    assert (await made.reserve(key("web"), ANY)).address == FIRST
    (entry,) = await netbox.entries()
    assert entry["vrf"]["id"] == netbox.vrf


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_range_gives_its_addresses(netbox: NetboxWorld, by_id: bool) -> None:
    body = {
        "start_address": f"{FIRST + 1}/29",
        "end_address": f"{FIRST + 3}/29",
        "vrf": netbox.vrf,
        "status": "active",
    }
    made = await netbox.call("POST", "ipam/ip-ranges/", body)
    named_so = str(made["id"]) if by_id else f"{FIRST + 1}-{FIRST + 3}"
    ranged = source(netbox, prefix="", ip_range=named_so, vrf=await vrf_name(netbox))
    assert (await ranged.observe()).blocks == read_union((f"{FIRST + 1}-{FIRST + 3}",))
    await netbox.put(FIRST + 2, "the printer")
    await netbox.put(LAST, "the scanner")  # in the prefix, and not in the range
    assert list((await ranged.observe()).foreign) == [FIRST + 2]
    given = [(await ranged.reserve(key(name), ANY)).address for name in ("a", "b")]
    assert given == [FIRST + 1, FIRST + 3]
    with pytest.raises(SourceRefused, match="no free address"):
        await ranged.reserve(key("c"), ANY)
    with pytest.raises(SourceRefused, match="is not in IP range"):
        await ranged.reserve(key("c"), AddressRequest(WEB, LAST))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"prefix": "999999"}, "has no prefix 999999", id="no such number"),
        pytest.param({"prefix": "198.51.100.0/24"}, "has prefix .* 0 times", id="no such prefix"),
        pytest.param(
            {"prefix": "", "ip_range": "192.0.2.17-192.0.2.18"}, "has IP range", id="no such range"
        ),
        pytest.param({"vrf": "elsewhere"}, "has VRF 'elsewhere' 0 times", id="no such VRF"),
        pytest.param({"owner_field": "missing"}, "missing", id="no such field"),
        pytest.param({"tenant": "nobody"}, "tenant: ", id="no such tenant"),
        pytest.param({"tags": ("nothing",)}, "tags: ", id="no such tag"),
    ],
)
async def test_what_netbox_has_not_keeps_all_waiting_with_a_sentence(
    netbox: NetboxWorld, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unavailable, match=words):
        await source(netbox, **changes).reserve(key("web"), ANY)
    assert await netbox.entries() == []


async def test_what_is_taken_back_stays_reserved_for_the_eip_where_it_says_so(
    netbox: NetboxWorld,
) -> None:
    made = source(netbox, on_release=OnRelease.RESERVE)
    first, second = [await made.reserve(key(name), ANY) for name in ("a", "b")]
    await made.quarantine(first)
    await made.release(first)
    (entry,) = await netbox.entries(FIRST)
    assert (entry["status"]["value"], entry["description"]) == ("reserved", "")
    assert entry["custom_fields"][netbox.field] == netbox.owner.text
    reading = await made.observe()
    assert [one.id for one in reading.reservations] == [second.id]  # nothing is to be released
    assert not reading.foreign
    again = await made.reserve(key("c"), ANY)
    assert (again.id, again.address, again.key) == (first.id, FIRST, key("c"))
    await made.release(again)
    asked = await made.reserve(key("d"), AddressRequest(WEB, FIRST))
    assert (asked.id, asked.state, asked.holder) == (first.id, ReservationState.HELD, WEB)


async def test_what_the_network_team_set_aside_is_taken_and_nothing_else_of_theirs(
    netbox: NetboxWorld,
) -> None:
    await netbox.put(LAST, "", status="reserved", custom_fields={netbox.field: netbox.owner.text})
    await netbox.put(FIRST, "a firewall", status="reserved")
    made = source(netbox, on_release=OnRelease.RESERVE)
    assert (await made.reserve(key("web"), ANY)).address == LAST
    with pytest.raises(SourceRefused, match="a firewall"):
        await made.reserve(key("mail"), AddressRequest(WEB, FIRST))


async def test_entries_are_only_written_where_nothing_is_taken(netbox: NetboxWorld) -> None:
    fields = NetboxFields(owner_field=netbox.field, vrf=await vrf_name(netbox))
    written = netbox.made(netbox.owner, fields)
    assert (await written.observe()).blocks is None
    made = await written.reserve(key("web"), AddressRequest(WEB, OUTSIDE))
    (seen,) = (await written.observe()).reservations
    assert (seen.address, seen.holder, seen.id) == (OUTSIDE, WEB, made.id)
    assert (await netbox.entries())[0]["address"] == f"{OUTSIDE}/32"
    with pytest.raises(SourceRefused, match="asked for none"):
        await written.reserve(key("mail"), ANY)
    await written.release(seen)
    assert await netbox.entries() == []


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"status": "dhcp"}, id="another status"),
        pytest.param({"role": "anycast"}, id="another role"),
        pytest.param({"description": "what is this?"}, id="another description"),
        pytest.param({"dns_name": "printer.example.com"}, id="another name"),
    ],
)
async def test_an_entry_that_somebody_edited_is_seen_and_written_again(
    netbox: NetboxWorld, edit: dict[str, str]
) -> None:
    made = source(netbox)
    await made.reserve(key("web"), ANY)
    await netbox.edit(FIRST, **edit)
    (seen,) = (await made.observe()).reservations
    assert seen.holder != WEB
    await made.describe(seen, key("web"), WEB)
    assert [one.holder for one in (await made.observe()).reservations] == [WEB]


async def test_what_is_as_it_should_be_is_not_written_again(netbox: NetboxWorld) -> None:
    made = source(netbox)
    one = await made.reserve(key("web"), ANY)
    before = await netbox.entries()
    await made.describe(one, key("web"), WEB)
    await made.reserve(key("web"), ANY)
    assert await netbox.entries() == before


async def test_an_address_that_stands_twice_is_shown_as_anothers_too(
    netbox: NetboxWorld,
) -> None:
    made = source(netbox)
    await made.reserve(key("web"), ANY)
    await netbox.put(FIRST, "an anycast of the network team", role="anycast")
    reading = await made.observe()
    assert [one.address for one in reading.reservations] == [FIRST]
    assert list(reading.foreign) == [FIRST]


async def test_ours_are_found_where_the_prefix_is_another_now(netbox: NetboxWorld) -> None:
    before = await source(netbox).reserve(key("web"), ANY)
    moved = source(netbox, prefix=str(netbox.prefixes[Family.IPV6]))
    reading = await moved.observe()
    assert [one.id for one in reading.reservations] == [before.id]
    assert reading.blocks is not None
    assert before.address not in reading.blocks
    with pytest.raises(SourceRefused, match="has no IPv4 address"):
        await moved.reserve(key("mail"), ANY)


async def test_an_eip_whose_name_begins_alike_is_another(netbox: NetboxWorld) -> None:
    longer = replace(netbox.owner, eip=netbox.owner.eip + "2")
    theirs = await netbox.source(longer).reserve(key("web"), ANY)
    reading = await source(netbox).observe()
    assert (reading.reservations, list(reading.foreign)) == ((), [theirs.address])


async def test_a_token_that_is_none_is_said_and_never_shown(netbox: NetboxWorld) -> None:
    wrong = "nbt_abcdefghijkl.0123456789012345678901234567890123456789"
    refused = netbox.made(netbox.owner, netbox.fields(), token=lambda: wrong)
    with pytest.raises(Unavailable) as caught:
        await refused.observe()
    assert "token" in str(caught.value)
    assert wrong not in str(caught.value)


async def test_ipv6_is_given_without_the_routers_anycast_address(netbox: NetboxWorld) -> None:
    six = netbox.source(family=Family.IPV6)
    reading = await six.observe()
    assert reading.blocks == read_union(("2001:db8:16::1-2001:db8:16::7",))
    made = await six.reserve(key("web", Family.IPV6), ANY)
    assert made.address == read_address("2001:db8:16::1")


async def test_an_entry_in_another_vrf_is_no_answer_and_is_brought_back(
    netbox: NetboxWorld,
) -> None:
    made = source(netbox)
    one = await made.reserve(key("web"), ANY)
    elsewhere = await netbox.call("POST", "ipam/vrfs/", {"name": f"other-{netbox.field}"})
    await netbox.edit(FIRST, vrf=elsewhere["id"])
    (seen,) = (await made.observe()).reservations
    assert (seen.id, seen.holder) == (one.id, Holder(()))
    await made.describe(seen, key("web"), WEB)
    assert (await _only(netbox))["vrf"]["id"] == netbox.vrf
    await netbox.edit(FIRST, vrf=elsewhere["id"])
    assert (await made.reserve(key("web"), ANY)).id != one.id
    assert (await _only(netbox))["id"] != int(one.id)


async def _only(netbox: NetboxWorld) -> dict[str, Any]:
    (entry,) = await netbox.entries()
    return entry


async def test_a_range_that_netbox_takes_for_used_is_left_out(netbox: NetboxWorld) -> None:
    body = {
        "start_address": f"{FIRST}/29",
        "end_address": f"{FIRST + 1}/29",
        "vrf": netbox.vrf,
        "status": "active",
        "mark_populated": True,
    }
    await netbox.call("POST", "ipam/ip-ranges/", body)
    made = source(netbox)
    assert (await made.reserve(key("web"), ANY)).address == FIRST + 2
    with pytest.raises(SourceRefused, match="inside range"):
        await made.reserve(key("mail"), AddressRequest(WEB, FIRST))
