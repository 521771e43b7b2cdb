"""Path attributes as octets, as ListPath with enable_attribute_binary gives them.

MP_REACH_NLRI is what RFC 4760 says; of the others only the type is, and equal octets mean
equal attributes: nobody reads more.
"""

from ipaddress import ip_address, ip_network

from pointsman.gobgp_api import attribute_pb2 as at
from pointsman.gobgp_api import gobgp_pb2 as pb

OPTIONAL, EXTENDED_LENGTH = 0x80, 0x10  # RFC 4271 section 4.3
MP_REACH_NLRI, OTHER = 14, 255


def listed(path: pb.Path) -> pb.Path:
    """Return *path* with its attributes as octets, too."""
    shown = pb.Path()
    shown.CopyFrom(path)
    shown.pattrs_binary.extend(_octets(attribute) for attribute in path.pattrs)
    return shown


def _octets(attribute: at.Attribute) -> bytes:
    if not attribute.HasField("mp_reach"):
        return bytes((OPTIONAL, OTHER)) + attribute.SerializeToString(deterministic=True)
    reach = attribute.mp_reach
    hops = b"".join(ip_address(hop).packed for hop in reach.next_hops)
    value = reach.family.afi.to_bytes(2) + bytes((reach.family.safi, len(hops))) + hops + b"\0"
    for nlri in reach.nlris:
        net = ip_network(f"{nlri.prefix.prefix}/{nlri.prefix.prefix_len}")
        value += bytes((net.prefixlen,)) + net.network_address.packed
    if len(value) > 255:
        return bytes((OPTIONAL | EXTENDED_LENGTH, MP_REACH_NLRI)) + len(value).to_bytes(2) + value
    return bytes((OPTIONAL, MP_REACH_NLRI, len(value))) + value
