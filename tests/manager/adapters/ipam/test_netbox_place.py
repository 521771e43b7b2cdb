"""Where in NetBox an Eip's addresses come from, as somebody wrote it."""

from dataclasses import replace

import pytest

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.netbox import NetboxSource
from pointsman.runtime.target import Unavailable
from tests.conformance.ipam.worlds import arranged
from tests.fakes.netbox import ADMIN, FakeNetbox, serving


async def test_a_range_written_the_wrong_way_round_is_the_users_to_mend() -> None:
    """CEL has no order of addresses, so the API server takes it: it ends no manager."""
    async with serving(FakeNetbox()) as url:
        access = Access("NetBox", url, lambda: ADMIN)
        async with arranged(access) as world:
            fields = replace(world.fields(), prefix="", ip_range="192.0.2.20-192.0.2.10")
            source = NetboxSource(access, fields, world.owner)
            with pytest.raises(Unavailable, match=r"is reversed: write 192\.0\.2\.10-"):
                await source.observe()
            await source.close()
