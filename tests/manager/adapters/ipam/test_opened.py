"""Which IPAM an Eip names, and how it is asked."""

import pytest

from manager.adapters.ipam.netbox import NetboxSource
from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.adapters.ipam.opened import fields_of, opened
from manager.adapters.ipam.webhook import WebhookSource
from manager.ports import NotLeading, SourceRefused
from pointsman.api.eipsource import EipPublishTo, EipSource, OnRelease
from pointsman.model.address import Family
from pointsman.model.ranges import read_address
from pointsman.model.reservation import AddressRequest, Holder, ReservationKey, SourceOwner
from tests.fakes.netbox import ADMIN, FakeNetbox, serving

OWNER = SourceOwner("c1", "public")
REACHED = {"url": "https://ipam.example.com", "tokenSecretRef": {"name": "ipam"}}
ALL = {
    **REACHED,
    "vrf": "red",
    "tenant": "kubernetes",
    "role": "anycast",
    "tags": ["a", "b"],
    "ownerField": "owner",
    "onRelease": "Reserve",
}
WRITTEN = NetboxFields(
    vrf="red",
    tenant="kubernetes",
    role="anycast",
    tags=("a", "b"),
    owner_field="owner",
    on_release=OnRelease.RESERVE,
)


def test_what_an_eip_says_of_netbox_is_what_is_asked_and_written() -> None:
    source = EipSource.model_validate({"netbox": {**ALL, "prefix": "42"}})
    written = EipPublishTo.model_validate({"netbox": ALL})
    assert source.netbox is not None
    assert fields_of(source.netbox) == NetboxFields(
        **{name: getattr(WRITTEN, name) for name in NetboxFields.__slots__} | {"prefix": "42"}
    )
    assert fields_of(written.netbox) == WRITTEN


def test_a_range_is_no_prefix() -> None:
    source = EipSource.model_validate({"netbox": {**REACHED, "ipRange": "7"}})
    assert source.netbox is not None
    assert fields_of(source.netbox) == NetboxFields(ip_range="7")


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (EipSource.model_validate({"netbox": {**REACHED, "prefix": "42"}}), NetboxSource),
        (EipSource.model_validate({"webhook": REACHED}), WebhookSource),
        (EipPublishTo.model_validate({"netbox": REACHED}), NetboxSource),
    ],
)
def test_the_ipam_that_is_named_is_opened(spec: EipSource | EipPublishTo, kind: type) -> None:
    made = opened(spec, OWNER, token=str, ended=lambda *_: None, check=lambda: None)
    assert type(made) is kind


async def test_a_token_that_is_exchanged_is_used_and_who_does_not_lead_reads_alone() -> None:
    tokens, leads = ["old"], [False]

    def check() -> None:
        if not leads[0]:
            raise NotLeading("it does not lead")

    fake = FakeNetbox()
    fake.store.add("custom-fields", {"name": "pointsman_owner"})
    async with serving(fake) as url:
        spec = EipPublishTo.model_validate({"netbox": {**REACHED, "url": url}})
        made = opened(spec, OWNER, token=lambda: tokens[-1], ended=lambda *_: None, check=check)
        request = AddressRequest(Holder.of(["red/web"]), read_address("192.0.2.1"))
        tokens.append(ADMIN)
        assert (await made.observe()).reservations == ()
        with pytest.raises(NotLeading):
            await made.reserve(ReservationKey("s1", Family.IPV4), request)
        assert not fake.store.rows
        leads[0] = True
        entry = await made.reserve(ReservationKey("s1", Family.IPV4), request)
        leads[0] = False
        for deed in (made.quarantine, made.release):
            with pytest.raises(NotLeading):
                await deed(entry)
        assert len(fake.store.rows) == 1
        with pytest.raises(SourceRefused):
            await made.reserve(
                ReservationKey("s2", Family.IPV4), AddressRequest(Holder(()), entry.address)
            )
        await made.close()
