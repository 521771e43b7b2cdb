"""Where in NetBox an Eip's addresses come from: a prefix, a range, or nowhere (entries only).

It is looked up at each reading: a prefix can be resized, or deleted. What NetBox does not have
is `Unavailable`, with a sentence: its people may yet make it.
"""

from dataclasses import dataclass
from ipaddress import ip_interface, ip_network, summarize_address_range
from typing import Any

from manager.adapters.ipam.calls import Calls, Query
from manager.adapters.ipam.netbox_codec import NetboxFields
from pointsman.model.address import Address, Family, family_of
from pointsman.model.ranges import AddressSet, Span, read_block, span_text, union
from pointsman.runtime.answer import shown
from pointsman.runtime.target import Unavailable

PARENTS_MAX = 64  # networks that one URL names; a range that needs more is read with what is around


@dataclass(frozen=True, slots=True)
class Place:
    """A prefix or a range, as NetBox has it now; *available* is "" where nothing is taken.

    *blocks*: what NetBox gives out of it. *parents*: networks in which its entries lie.
    *mask*: the prefix length that NetBox gives its addresses; None: that of a host.
    """

    title: str
    vrf: int | None
    available: str = ""
    blocks: AddressSet | None = None
    parents: tuple[str, ...] = ()
    mask: int | None = None

    @property
    def vrf_query(self) -> tuple[str, str]:
        return "vrf_id", "null" if self.vrf is None else str(self.vrf)

    def written(self, address: Address) -> str:
        """Return *address* as an entry of this place spells it."""
        return f"{address}/{address.max_prefixlen if self.mask is None else self.mask}"


async def find_place(calls: Calls, fields: NetboxFields) -> Place:
    """Return where *fields* say that addresses come from.

    Raises:
        Unavailable: NetBox does not answer, or has no such thing.
    """
    vrf = await _vrf(calls, fields.vrf) if fields.vrf else None
    if not fields.prefix and not fields.ip_range:
        return Place("its entries", vrf)
    found = await _parent(calls, fields, vrf)
    try:
        place = _prefix(found) if fields.prefix else _range(found)
    except (KeyError, TypeError, ValueError) as error:
        raise calls.garbled(f"it is no prefix or range: {error!r}") from error
    if fields.vrf and place.vrf != vrf:
        raise Unavailable(f"{place.title} of {calls.name} is not in VRF '{fields.vrf}'")
    return place


async def _vrf(calls: Calls, vrf: str) -> int:
    if vrf.isdecimal():
        return int(vrf)
    found = await _list(calls, "vrfs", [("name", vrf)])
    found = found or await _list(calls, "vrfs", [("rd", vrf)])
    try:
        return _id(_only(calls, found, f"VRF '{vrf}'"))
    except ValueError as error:
        raise calls.garbled(f"it is no VRF: {error}") from error


async def _parent(calls: Calls, fields: NetboxFields, vrf: int | None) -> dict[str, Any]:
    kind, text = ("prefixes", fields.prefix) if fields.prefix else ("ip-ranges", fields.ip_range)
    words = f"prefix {text}" if fields.prefix else f"IP range {text}"
    if text.isdecimal():
        answered = await calls.call("GET", f"/api/ipam/{kind}/{text}/")
        if not answered.ok:
            raise Unavailable(f"{calls.name} has no {words}: {answered.message}")
        return calls.as_object(answered.body)
    query = [("vrf_id", "null" if vrf is None else str(vrf))]
    if fields.prefix:
        network = str(ip_network(text, strict=False))
        found = await _list(calls, kind, [*query, ("prefix", network)])
        return _only(calls, [one for one in found if one.get("prefix") == network], words)
    try:
        family, span = read_block(text)
    except ValueError as error:  # reversed: the one fault that CEL can't see
        raise Unavailable(f"{calls.name} can't be asked for {words}: {error}") from error
    first, _, last = span_text(family, *span).partition("-")
    query += [("start_address", first), ("end_address", last or first)]
    found = await _list(calls, kind, query)
    return _only(calls, [one for one in found if _span(one) == span], words)


async def _list(calls: Calls, kind: str, query: Query) -> list[dict[str, Any]]:
    answered = await calls.call("GET", f"/api/ipam/{kind}/", query=[*query, ("limit", "100")])
    if not answered.ok:
        raise Unavailable(f"{calls.name} does not list {kind}: {answered.message}")
    results = calls.as_object(answered.body).get("results")
    if not isinstance(results, list):
        raise calls.garbled(f"it lists no {kind}: is this NetBox?")
    return [calls.as_object(one) for one in results]


def _only(calls: Calls, found: list[dict[str, Any]], words: str) -> dict[str, Any]:
    if len(found) != 1:
        many = f"{len(found)} times: name its id, or its VRF"
        raise Unavailable(f"{calls.name} has {words} {many if found else '0 times'}")
    return found[0]


def _prefix(found: dict[str, Any]) -> Place:
    network = ip_network(found["prefix"])
    family, (first, last) = family_of(network), _ends(network)
    # As NetBox counts: network and broadcast of IPv4, and the subnet routers' anycast of IPv6
    # (RFC 4291 section 2.6.1), are given to nobody unless it is a pool.
    if not found.get("is_pool") and network.num_addresses > 2:
        first, last = first + 1, last - 1 if family is Family.IPV4 else last
    return Place(
        title=f"prefix {network}",
        vrf=_vrf_of(found),
        available=f"/api/ipam/prefixes/{_id(found)}/available-ips/",
        blocks=union([(family, (first, last))]),
        parents=(str(network),),
        mask=network.prefixlen,
    )


def _range(found: dict[str, Any]) -> Place:
    start, end = ip_interface(found["start_address"]), ip_interface(found["end_address"])
    family, span = family_of(start.ip), (int(start.ip), int(end.ip))
    networks = tuple(map(str, summarize_address_range(start.ip, end.ip)))
    if len(networks) > PARENTS_MAX:
        networks = (_around(span, family),)
    return Place(
        title=f"IP range {span_text(family, *span)}",
        vrf=_vrf_of(found),
        available=f"/api/ipam/ip-ranges/{_id(found)}/available-ips/",
        blocks=union([(family, span)]),
        parents=networks,
        mask=start.network.prefixlen,
    )


def _around(span: Span, family: Family) -> str:
    bits = 32 if family is Family.IPV4 else 128
    length = bits - (span[0] ^ span[1]).bit_length()
    first = span_text(family, span[0], span[0])
    return str(ip_network(f"{first}/{length}", strict=False))


def _ends(network: Any) -> Span:
    return int(network.network_address), int(network.broadcast_address)


def _span(found: dict[str, Any]) -> Span | None:
    try:
        start, end = ip_interface(found["start_address"]), ip_interface(found["end_address"])
    except (KeyError, ValueError):
        return None
    return int(start.ip), int(end.ip)


def _vrf_of(found: dict[str, Any]) -> int | None:
    vrf = found.get("vrf")
    return None if vrf is None else _id(vrf)


def _id(found: Any) -> int:
    """Return the id of an object, or of one nested in another.

    Raises:
        ValueError: it has none.
    """
    number = found.get("id") if isinstance(found, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        raise ValueError(f"its id is {shown(number)}")
    return number
