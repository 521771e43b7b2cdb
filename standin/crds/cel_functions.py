"""Kubernetes' own CEL functions that our CRDs may use: addresses, CIDRs, strings.

Values of type IP and CIDR travel through the evaluator as tagged maps. Refuses what Kubernetes
refuses: zones, IPv4-mapped IPv6, leading zeros.

Source: kubernetes.io, "Common Expression Language in Kubernetes" (IP and CIDR library; CEL
extended strings library).
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

IP: Final = "\x00ip"
CIDR: Final = "\x00cidr"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class NoOverload(TypeError):
    """A function was called on something it isn't defined for."""


def parse_ip(text: str) -> Address:
    """Raises:
    ValueError: not an address Kubernetes takes.
    """
    value = ipaddress.ip_address(text)
    if "%" in text:
        raise ValueError(f"IP address {text!r} with zone value is not allowed")
    if isinstance(value, ipaddress.IPv6Address) and value.ipv4_mapped is not None:
        raise ValueError(f"IPv4-mapped IPv6 address {text!r} is not allowed")
    return value


def parse_cidr(text: str) -> Interface:
    """Return address and length; host bits may be set.

    Raises:
        ValueError: not a CIDR Kubernetes takes (a dotted mask is none).
    """
    address, slash, length = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9]\d{0,2}", length):
        raise ValueError(f"network address parse error: {text!r} is no CIDR")
    parse_ip(address)
    return ipaddress.ip_interface(text)


def _holds(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def check(text: Any) -> bool:
        if not isinstance(text, str):
            raise NoOverload("no such overload")
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _tag(kind: str, value: Address | Interface) -> dict[str, str]:
    return {kind: str(value)}


def _ip_of(value: Any) -> Address:
    if isinstance(value, dict) and IP in value:
        return ipaddress.ip_address(value[IP])
    if isinstance(value, str):
        return parse_ip(value)
    raise NoOverload("no such overload")


def _cidr_of(value: Any) -> Interface:
    if isinstance(value, dict) and CIDR in value:
        return ipaddress.ip_interface(value[CIDR])
    if isinstance(value, str):
        return parse_cidr(value)
    raise NoOverload("no such overload")


def _receiver(value: Any, tag: str) -> dict[str, Any]:
    if not isinstance(value, dict) or tag not in value:
        raise NoOverload("no such overload")
    return value


def ip(value: Any) -> dict[str, str]:
    """`ip(string)`, and `cidr.ip()`."""
    if isinstance(value, dict) and CIDR in value:
        return _tag(IP, _cidr_of(value).ip)
    if not isinstance(value, str):
        raise NoOverload("no such overload")
    return _tag(IP, parse_ip(value))


def cidr(value: Any) -> dict[str, str]:
    if not isinstance(value, str):
        raise NoOverload("no such overload")
    return _tag(CIDR, parse_cidr(value))


def contains_ip(network: Any, address: Any) -> bool:
    inner, outer = _ip_of(address), _cidr_of(_receiver(network, CIDR)).network
    return inner.version == outer.version and inner in outer


def contains_cidr(network: Any, other: Any) -> bool:
    outer, inner = _cidr_of(_receiver(network, CIDR)).network, _cidr_of(other).network
    return bool(
        outer.version == inner.version
        and inner.network_address in outer
        and inner.prefixlen >= outer.prefixlen
    )


def masked(network: Any) -> dict[str, str]:
    net = _cidr_of(_receiver(network, CIDR)).network
    return {CIDR: f"{net.network_address}/{net.prefixlen}"}


def _property(name: str) -> Callable[[Any], bool]:
    return lambda value: bool(getattr(_ip_of(_receiver(value, IP)), name))


def is_global_unicast(value: Any) -> bool:
    """As Go has it: private addresses count, the unspecified and broadcast don't."""
    address = _ip_of(_receiver(value, IP))
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address == ipaddress.IPv4Address("255.255.255.255")
    )


def link_local_multicast(value: Any) -> bool:
    address = _ip_of(_receiver(value, IP))
    if address.version == 4:
        return address in ipaddress.ip_network("224.0.0.0/24")
    return address.is_multicast and (int(address) >> 112) & 0xF == 2


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NoOverload("no such overload")
    return value


def split(text: Any, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit == 1:
        return [_text(text)]
    if not separator:
        return list(_text(text))
    return _text(text).split(separator, limit - 1 if limit > 0 else -1)


def substring(text: Any, start: int, end: int | None = None) -> str:
    last = len(_text(text)) if end is None else end
    if not 0 <= start <= last <= len(text):
        raise ValueError(f"index out of range: {start}")
    return str(text[start:last])


def find_all(text: Any, pattern: str, limit: int = -1) -> list[str]:
    found = [m.group(0) for m in re.finditer(pattern, _text(text))]
    return found if limit < 0 else found[:limit]


def find(text: Any, pattern: str) -> str:
    match = re.search(pattern, _text(text))
    return match.group(0) if match else ""


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "isIP": _holds(parse_ip),
    "isCIDR": _holds(parse_cidr),
    "ip": ip,
    "cidr": cidr,
    "family": lambda value: _ip_of(_receiver(value, IP)).version,
    "isUnspecified": _property("is_unspecified"),
    "isLoopback": _property("is_loopback"),
    "isLinkLocalUnicast": _property("is_link_local"),
    "isLinkLocalMulticast": link_local_multicast,
    "isGlobalUnicast": is_global_unicast,
    "containsIP": contains_ip,
    "containsCIDR": contains_cidr,
    "prefixLength": lambda value: _cidr_of(_receiver(value, CIDR)).network.prefixlen,
    "masked": masked,
    "split": split,
    "join": lambda parts, separator="": separator.join(_text(p) for p in parts),
    "lowerAscii": lambda text: _text(text).lower(),
    "upperAscii": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "replace": lambda text, old, new, limit=-1: _text(text).replace(old, new, limit),
    "substring": substring,
    "charAt": lambda text, n: _text(text)[n : n + 1],
    "indexOf": lambda text, part, start=0: _text(text).find(part, start),
    "lastIndexOf": lambda text, part: _text(text).rfind(part),
    "find": find,
    "findAll": find_all,
}
