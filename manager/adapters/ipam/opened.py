"""Opens the IPAM that an Eip names. Nothing is asked of it yet."""

from collections.abc import Callable

from manager.adapters.ipam.calls import Access, Ended
from manager.adapters.ipam.netbox import NetboxSource
from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.adapters.ipam.webhook import WebhookSource
from manager.ipam.configured import SourceConfig
from manager.ipam.group import Open
from manager.ports import AddressSource, WriteFence
from pointsman.api.eipsource import EipPublishTo, EipSource, NetboxEntries, Webhook
from pointsman.api.eipsource import NetboxSource as NetboxSourceSpec
from pointsman.model.reservation import SourceOwner


def opening(fence: WriteFence, requested: Callable[[str, str, int | None, float], None]) -> Open:
    """Return what opens the IPAM of an Eip, for a manager that writes behind *fence*.

    *requested* hears of each request its Eip, method, status (None: no answer) and seconds.
    """

    def open_source(config: SourceConfig, token: Callable[[], str]) -> AddressSource:
        owner = SourceOwner(config.cluster_uid, config.eip)
        return opened(
            config.spec,
            owner,
            token=token,
            ended=lambda *about: requested(config.eip, *about),
            check=fence.check,
        )

    return open_source


def opened(
    spec: EipSource | EipPublishTo,
    owner: SourceOwner,
    *,
    token: Callable[[], str],
    ended: Ended,
    check: Callable[[], None],
) -> AddressSource:
    """Return what *spec* names, as *owner* sees it.

    *token* is asked for each request, so one that is exchanged needs no new source. *ended* hears
    of each request: its method, its status (None: no answer), its seconds. *check* is called
    before each that changes something, and raises NotLeading if it may not be sent.
    """

    def access(name: str, at: NetboxEntries | Webhook) -> Access:
        authority = at.ca_bundle or ""
        return Access(name, at.url, token, authority=authority, ended=ended, check=check)

    if spec.netbox is not None:
        return NetboxSource(access("NetBox", spec.netbox), fields_of(spec.netbox), owner)
    if spec.webhook is not None:
        return WebhookSource(access("the IPAM", spec.webhook), owner)
    raise ValueError("an Eip's source names neither netbox nor webhook")  # CEL refuses it


def fields_of(spec: NetboxEntries) -> NetboxFields:
    """Return where addresses are taken from, and how entries are written."""
    source = spec if isinstance(spec, NetboxSourceSpec) else None
    return NetboxFields(
        prefix=(source and source.prefix) or "",
        ip_range=(source and source.ip_range) or "",
        vrf=spec.vrf or "",
        tenant=spec.tenant or "",
        role=spec.role.value,
        tags=spec.tags,
        owner_field=spec.owner_field,
        on_release=spec.on_release,
    )
