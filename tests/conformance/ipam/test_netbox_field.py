"""The custom field by which entries are found, as NetBox's people may have set it up."""

import re
from typing import Any, Final

import pytest

from pointsman.api.eipsource import OnRelease
from pointsman.model.reservation import AddressRequest, SourceOwner
from pointsman.runtime.target import Unavailable
from tests.conformance.ipam.test_netbox import ANY, WEB, source, vrf_name
from tests.conformance.ipam.worlds import FIRST, LAST, NetboxWorld, key
from tests.docs import pages

QUERY: Final = re.compile(r'"\$NETBOX/api/(ipam/ip-addresses/\?[^"]*__isw=[^"]*)"')
NO_FIELD: Final = r"has no custom field .* to find entries by"


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "only written"])
@pytest.mark.parametrize("logic", ["exact", "loose"])
async def test_ours_are_found_whatever_the_custom_fields_filter_is(
    netbox: NetboxWorld, logic: str, taken: bool
) -> None:
    await filter_by(netbox, logic)
    name = "" if taken else await vrf_name(netbox)
    places: dict[str, Any] = {} if taken else {"prefix": "", "vrf": name}
    made = source(netbox, on_release=OnRelease.RESERVE, **places)
    await netbox.put(LAST, "", status="reserved", custom_fields={netbox.field: netbox.owner.text})
    await netbox.put(FIRST + 3, "the printer")
    assert (await made.observe()).reservations == ()
    asked = [AddressRequest(WEB, FIRST + number) for number in range(2)]
    entries = [await made.reserve(key(f"{one.address}"), one) for one in asked]
    assert (await made.reserve(key(f"{FIRST}"), asked[0])).id == entries[0].id
    assert [one.id for one in (await made.observe()).reservations] == [one.id for one in entries]


@pytest.mark.parametrize("logic", ["disabled", "no such field"])
async def test_a_custom_field_that_finds_nothing_is_said_before_all_is_listed(
    netbox: NetboxWorld, logic: str
) -> None:
    await netbox.put(FIRST, "the printer")
    changes: dict[str, Any] = {}
    if logic == "disabled":
        await filter_by(netbox, logic)
    else:
        changes = {"owner_field": "missing"}
    made = source(netbox, **changes)
    with pytest.raises(Unavailable, match=NO_FIELD):
        await made.observe()
    with pytest.raises(Unavailable, match=NO_FIELD):
        await made.reserve(key("web"), ANY)


@pytest.mark.parametrize("logic", ["exact", "loose"])
async def test_what_stays_behind_is_found_as_the_page_says(netbox: NetboxWorld, logic: str) -> None:
    """Where the filter is loose more is listed, and the page's second command looks again."""
    await filter_by(netbox, logic)
    left = await source(netbox).reserve(key("web"), ANY)
    longer = SourceOwner(netbox.owner.cluster_uid, f"{netbox.owner.eip}2")
    for number, owner in enumerate((longer, SourceOwner("other", netbox.owner.eip)), 1):
        fields = {netbox.field: owner.entry(key("web"))}
        await netbox.put(FIRST + number, "not ours", custom_fields=fields)
    own = f"{netbox.owner.text}/"
    (path,) = QUERY.findall((pages.ROOT / "docs/ipam.md").read_text())
    path = path.replace("pointsman_owner", netbox.field).replace("$OWN", own)
    found = (await netbox.call("GET", path))["results"]
    ours = [one for one in found if (one["custom_fields"].get(netbox.field) or "").startswith(own)]
    assert [str(one["id"]) for one in ours] == [left.id]
    assert logic == "loose" or ours == found


async def filter_by(netbox: NetboxWorld, logic: str) -> None:
    found = await netbox.call("GET", f"extras/custom-fields/?name={netbox.field}")
    path = f"extras/custom-fields/{found['results'][0]['id']}/"
    await netbox.call("PATCH", path, {"filter_logic": logic})
