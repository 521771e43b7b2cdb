"""Which addresses a list of NetBox's shows, in which order, with which fields.

A filter that is not known is passed over, as NetBox does: a typing error in one lists everything.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from ipaddress import ip_interface, ip_network
from typing import Any, Final

from tests.fakes.netbox_store import Json, Row, Store

Query = Iterable[tuple[str, str]]
TEXT_LOOKUPS: Final[dict[str, Callable[[str, str], bool]]] = {
    "": lambda text, wanted: text == wanted,
    "__ic": lambda text, wanted: wanted.lower() in text.lower(),
    "__isw": lambda text, wanted: text.lower().startswith(wanted.lower()),
}


def matching(store: Store, query: Query) -> list[Row]:
    """Return the rows that pass all filters; several values of one filter are alternatives."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for name, value in query:
        wanted[name].append(value)
    rows = sorted(store.rows.values(), key=_order)
    for name, values in wanted.items():
        passes = _filter(store, name, values)
        if passes is not None:
            rows = [row for row in rows if passes(row)]
    if wanted.get("ordering") == ["id"]:
        rows.sort(key=lambda row: row.id)
    return rows


def chosen(shown: Json, query: Query) -> Json:
    """Return the fields that `fields` names, all if it names none."""
    named = [value for name, value in query if name == "fields"]
    if not named:
        return shown
    return {name: value for name, value in shown.items() if name in named[0].split(",")}


def _order(row: Row) -> tuple[int, int, int]:
    return row.address.version, int(row.address.ip), row.id


def _filter(store: Store, name: str, values: list[str]) -> Callable[[Row], bool] | None:
    if name.startswith("cf_"):
        return _custom(store, name.removeprefix("cf_"), values)
    if name == "parent":
        networks = [ip_network(value, strict=False) for value in values]
        return lambda row: any(
            row.address.version == one.version and row.address.ip in one for one in networks
        )
    if name == "address":
        return lambda row: any(_is_at(row, value) for value in values)
    if name == "vrf_id":
        return lambda row: ("null" if row.vrf is None else str(row.vrf)) in values
    if name == "status":
        return lambda row: row.status in values
    if name == "id":
        return lambda row: str(row.id) in values
    if name == "id__gt":
        return lambda row: any(row.id > int(value) for value in values)
    return None


def _is_at(row: Row, value: str) -> bool:
    """Whether *row* is at *value*: of an address alone, whatever the mask is."""
    read = ip_interface(value)
    return row.address == read if "/" in value else row.address.ip == read.ip


def _custom(store: Store, name: str, values: list[str]) -> Callable[[Row], bool] | None:
    fields: dict[str, Any] = {one["name"]: one for one in store.others["custom-fields"].values()}
    base, _, lookup = name.partition("__")
    if base not in fields or fields[base].get("filter_logic") == "disabled":
        return None
    loose = fields[base].get("filter_logic", "loose") != "exact"
    if loose and lookup:  # NetBox makes further lookups of exact fields alone
        return None
    passes = TEXT_LOOKUPS["__ic"] if loose else TEXT_LOOKUPS.get(f"__{lookup}" if lookup else "")
    if passes is None:
        return None
    return lambda row: any(passes(row.custom.get(base) or "", value) for value in values)
