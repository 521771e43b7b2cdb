"""Which addresses the IPAM of an Eip may give, also while it does not answer.

As it was read last; else as the Eip's status has it from then, so that a manager that starts
during an outage has the same pools as the one before; else as the Eip itself names a network or a
range. It refuses to believe a record of another source.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from manager.snapshot import Eip
from pointsman.api import EipSource, EipSpec
from pointsman.model.ranges import AddressSet, read_union, texts_of
from pointsman.model.reservation import SourceReading
from pointsman.model.unicast import unicast_of

RECORD: Final = "source"  # in the status of an Eip
RECORDED_MAX: Final = 256  # more blocks than an IPAM's prefix or range has


def source_of(eip: Eip) -> EipSource | None:
    """Return where the addresses of *eip* come from; None: they are its own, or unreadable."""
    return eip.spec.source if isinstance(eip.spec, EipSpec) else None


def has_ipam(eip: Eip) -> bool:
    """Return whether an IPAM may have entries of *eip*: it asks one, or publishes there."""
    return isinstance(eip.spec, EipSpec) and eip.spec.ipam is not None


def blocks_of(eip: Eip, reading: SourceReading | None) -> AddressSet | None:
    """Return what the IPAM of *eip* may give; None: it has none, or nothing is known yet."""
    source = source_of(eip)
    if source is None:
        return None
    found = _read_once(eip, source, reading)
    if found is None:
        found = _named(source)
    return None if found is None else unicast_of(found)


def entries_of(eip: Eip) -> tuple[str, ...]:
    """Return the addresses of *eip* as far as its spec and status tell, as `addresses` has them."""
    if eip.spec is None:
        return ()
    blocks = None if eip.spec.addresses else blocks_of(eip, None)
    return eip.spec.addresses if blocks is None else tuple(texts_of(blocks))


def recorded_blocks(eip: Eip, reading: SourceReading | None) -> Mapping[str, object] | None:
    """Return what the status of *eip* is to hold of them; None: nothing."""
    source = source_of(eip)
    if source is None:
        return None
    found = _read_once(eip, source, reading)
    texts = [] if found is None else texts_of(found)
    if not texts or len(texts) > RECORDED_MAX:
        return None
    return {"name": source.label, "blocks": texts}


def _read_once(eip: Eip, source: EipSource, reading: SourceReading | None) -> AddressSet | None:
    """Return what was read of *source*, by this manager or one before; None: it never was."""
    if reading is not None and reading.blocks is not None:
        return reading.blocks
    return _recorded(eip.status, source)


def _recorded(status: Mapping[str, object], source: EipSource) -> AddressSet | None:
    record = status.get(RECORD)
    if not isinstance(record, Mapping) or record.get("name") != source.label:
        return None
    texts = record.get("blocks")
    return _read(texts) if isinstance(texts, list | tuple) else None


def _named(source: EipSource) -> AddressSet | None:
    netbox = source.netbox
    text = "" if netbox is None else netbox.prefix or netbox.ip_range or ""
    return _read([text]) if "/" in text or "-" in text else None


def _read(texts: Sequence[object]) -> AddressSet | None:
    try:
        return read_union(tuple(map(str, texts)))
    except ValueError:
        return None
