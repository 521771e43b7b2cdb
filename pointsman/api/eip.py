"""The Eip: a pool of external addresses, and who may use it.

Each entry of `addresses` is checked here one by one; what needs all of them at once (a
reversed range, overlap) CEL cannot decide, so the planner does, with `Ready=False`.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StrictBool, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, Rule
from pointsman.api.condition import CONDITIONS, OBSERVED_GENERATION, Conditions, Count, Totals
from pointsman.api.eipbgp import EipBgp
from pointsman.api.eiplayer2 import EipLayer2
from pointsman.api.eipsource import EipPublishTo, EipSource
from pointsman.api.selector import LabelSelector
from pointsman.model.names import SERVICE_NAME, SERVICE_NAMESPACE


def _is_block(text: str) -> bool:
    if dialect.is_ip(text) or dialect.is_cidr(text):
        return True
    ends = dialect.range_ends(text)
    return ends is not None and all(dialect.is_ip(end) for end in ends)


def _is_one_family(text: str) -> bool:
    first, last = map(dialect.read_ip, dialect.range_ends(text) or ("", ""))
    return first is None or last is None or first.version == last.version


IS_BLOCK = Rule(
    cel="isIP(self) || isCIDR(self) || (self.split('-').size() == 2"
    " && isIP(self.split('-')[0]) && isIP(self.split('-')[1]))",
    holds=_is_block,
    words='"{self}" is neither an address (192.0.2.7), a network (192.0.2.0/24) nor a range '
    "(192.0.2.10-192.0.2.20)",
)
IS_ONE_FAMILY = Rule(
    cel="self.split('-').size() != 2 || !isIP(self.split('-')[0]) || !isIP(self.split('-')[1])"
    " || ip(self.split('-')[0]).family() == ip(self.split('-')[1]).family()",
    holds=_is_one_family,
    words='"{self}" mixes IPv4 and IPv6: write one range for each family',
)
HAS_ADDRESSES = Rule(
    cel="has(self.source) || (has(self.addresses) && self.addresses.size() > 0)",
    holds=lambda spec: spec.source is not None or bool(spec.addresses),
    words="write the addresses of the pool into addresses, or name the IPAM that they come from "
    "in source",
)
PUBLISHES_OWN = Rule(
    cel="!has(self.source) || !has(self.publish) || !self.publish",
    holds=lambda spec: spec.source is None or not spec.publish,
    words="publish is for addresses of the pool's own: with source, the IPAM knows them already; "
    "remove one of the two",
)
PUBLISHES_SOMEWHERE = Rule(
    cel="!has(self.publish) || !self.publish || has(self.publishTo)",
    holds=lambda spec: not spec.publish or spec.publish_to is not None,
    words="publish needs to know where to: set publishTo.netbox",
)

# 89 holds any range; without bounds the API server refuses the rules as too expensive.
Block = Annotated[str, Field(max_length=89), IS_BLOCK, IS_ONE_FAMILY]
Namespace = Annotated[str, Field(max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
FORMS = (
    "Each entry is an address (192.0.2.7), a network (192.0.2.0/24, host bits are masked) or a "
    "range (192.0.2.10-192.0.2.20); IPv4 and IPv6 may mix."
)


class Protocol(StrEnum):
    """How an address becomes reachable; the planner's table has one entry for each."""

    BGP = "bgp"
    LAYER2 = "layer2"
    KERNEL = "kernel"
    NONE = "none"


class EipSpec(ApiModel):
    """Which addresses the pool holds, how they become reachable, and who may use them."""

    rules: ClassVar[tuple[Rule, ...]] = (HAS_ADDRESSES, PUBLISHES_OWN, PUBLISHES_SOMEWHERE)

    addresses: Annotated[tuple[Block, ...], Field(max_length=64), ListType("atomic")] = Field(
        default=(),
        description=f"The addresses of the pool. {FORMS} Entries must not overlap each other, nor "
        "another Eip: of two that overlap, the younger is not Ready. With source they may be left "
        "out; else they limit what is taken from there.",
    )
    source: EipSource | None = Field(
        default=None,
        description="The IPAM that the addresses come from; absent: the pool's own are given out. "
        "Every address that a Service is given is reserved there first.",
    )
    publish: StrictBool = Field(
        default=False,
        description="Write who holds which address into the IPAM that publishTo names. It is "
        "asked for nothing, and nothing waits for it.",
    )
    publish_to: EipPublishTo | None = Field(
        default=None, description="Where to publish; without publish, nothing is written."
    )
    exclude: Annotated[tuple[Block, ...], Field(max_length=64), ListType("atomic")] = Field(
        default=(), description=f"Addresses of the pool that are never given out. {FORMS}"
    )
    protocol: Protocol = Field(
        default=Protocol.BGP,
        description="How the addresses become reachable: bgp advertises them to the BgpPeers; "
        "layer2 has one node answer ARP and NDP for each, on the node's own network; kernel gives "
        "them to the nodes, as addresses or as routes to aggregates, for a router on each node to "
        "advertise; none only allocates, and something else (a CNI, say) announces.",
    )
    default: StrictBool = Field(
        default=False, description="Whether the pool serves Services that name no Eip."
    )
    priority: StrictInt = Field(
        default=100,
        ge=-2_147_483_648,
        le=2_147_483_647,
        description="Which pool is tried first when several could serve: the smallest number, "
        "and among equals the first name.",
    )
    disabled: StrictBool = Field(
        default=False, description="Give out nothing new; addresses that are held stay."
    )
    avoid_buggy_ips: StrictBool = Field(
        default=False,
        description="Never give out IPv4 addresses that end in .0 or .255, which some clients "
        "take for a network or a broadcast address.",
    )
    namespaces: Annotated[tuple[Namespace, ...], Field(max_length=256), ListType("set")] = Field(
        default=(), description="Namespaces whose Services may use the pool; empty: any."
    )
    namespace_selector: LabelSelector | None = Field(
        default=None,
        description="Labels of the namespaces whose Services may use the pool; absent: any. "
        "Together with namespaces and serviceSelector: all that are set must match.",
    )
    service_selector: LabelSelector | None = Field(
        default=None,
        description="Labels of the Services that may use the pool; absent: any. The labels "
        f"{SERVICE_NAME} and {SERVICE_NAMESPACE} always hold the name and "
        "the namespace of the Service.",
    )
    node_selector: LabelSelector | None = Field(
        default=None,
        description="Labels of the nodes that may announce these addresses or be next hops for "
        "them; absent: any. Independent of the Service's traffic policy.",
    )
    bgp: EipBgp = Field(
        default=EipBgp(),
        description="How the addresses are advertised; where protocol is bgp, and of kernel the "
        "aggregation lengths alone.",
    )
    layer2: EipLayer2 = Field(
        default=EipLayer2(),
        description="How the addresses are answered for; only where protocol is layer2.",
    )

    @property
    def ipam(self) -> EipSource | EipPublishTo | None:
        """The IPAM that the addresses come from, or are written into; None: there is none."""
        return self.source or (self.publish_to if self.publish else None)

    @property
    def on_link(self) -> bool:
        """Whether the addresses are hosts' on the nodes' own networks, to whoever is there."""
        return self.protocol is Protocol.LAYER2


class SourceStatus(ApiModel):
    """What an IPAM said last; a manager that starts while it is away goes by that."""

    name: str = Field(description="What sentences call it, such as NetBox prefix 42.")
    blocks: Annotated[tuple[str, ...], ListType("atomic")] = Field(
        default=(), description="The addresses that it may give, as ranges."
    )


class EipStatus(ApiModel):
    """What became of the pool; written by Pointsman."""

    conditions: Conditions = Field(default=(), description=CONDITIONS)
    observed_generation: StrictInt | None = Field(default=None, description=OBSERVED_GENERATION)
    capacity: Count | None = Field(
        default=None, description="How many addresses can be given out in all."
    )
    allocated: Count | None = Field(
        default=None, description="How many addresses are held by Services."
    )
    available: Count | None = Field(
        default=None, description="How many addresses can still be given out."
    )
    totals: Totals | None = Field(
        default=None, description="The two numbers that kubectl get prints: both families added."
    )
    source: SourceStatus | None = Field(
        default=None, description="What is known of the IPAM that the addresses come from."
    )
    services: StrictInt | None = Field(
        default=None, description="How many Services hold an address of the pool."
    )
