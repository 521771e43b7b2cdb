"""What other load balancers have their users write on a Service, and what each of it means.

One place for those who read it: the planner, where a manager honours them
(`--honour-annotations`), and `pointsman migrate`. It refuses to know what becomes of it, and
nothing here is ever written.

Sources: OpenELB, MetalLB, PureLB, kube-vip: their documentation of annotations, read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """The annotations of one load balancer; of several with one meaning the newest comes first."""

    name: str
    title: str  # as its people spell it
    pools: tuple[str, ...] = ()  # name a pool
    addresses: tuple[str, ...] = ()  # ask for addresses, comma separated
    share_keys: tuple[str, ...] = ()  # share an address with whoever has the same text, anywhere
    classes: tuple[str, ...] = ()  # spec.loadBalancerClass of its Services
    anything: tuple[str, ...] = ()  # texts that ask for any address (DHCP, say)

    @property
    def understood(self) -> tuple[str, ...]:
        """Every annotation that is understood."""
        return (*self.pools, *self.addresses, *self.share_keys)


OPENELB: Final = Dialect(
    "openelb",
    "OpenELB",
    pools=("eip.openelb.kubesphere.io/v1alpha2", "eip.porter.kubesphere.io/v1alpha2"),
    addresses=("eip.openelb.kubesphere.io/v1alpha1", "eip.porter.kubesphere.io/v1alpha1"),
)
METALLB: Final = Dialect(
    "metallb",
    "MetalLB",
    pools=("metallb.io/address-pool", "metallb.universe.tf/address-pool"),
    addresses=("metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"),
    share_keys=("metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"),
)
PURELB: Final = Dialect(
    "purelb",
    "PureLB",
    pools=("purelb.io/service-group",),
    addresses=("purelb.io/addresses",),
    share_keys=("purelb.io/allow-shared-ip",),
    classes=("purelb.io/purelb",),
)
KUBE_VIP: Final = Dialect(
    "kube-vip",
    "kube-vip",
    addresses=("kube-vip.io/loadbalancerIPs",),
    classes=("kube-vip.io/kube-vip-class",),
    anything=("0.0.0.0", "::"),
)
DIALECTS: Final[Mapping[str, Dialect]] = {
    one.name: one for one in (OPENELB, METALLB, PURELB, KUBE_VIP)
}


def listed(text: str) -> tuple[str, ...]:
    """Return the load balancers that *text*, a comma list, names, in its order.

    Raises:
        ValueError: one is unknown; the text is a sentence.
    """
    names = tuple(dict.fromkeys(filter(None, (one.strip() for one in text.split(",")))))
    unknown = [one for one in names if one not in DIALECTS]
    if unknown:
        raise ValueError(
            f"Nobody's annotations are called {unknown[0]!r}: write any of {', '.join(DIALECTS)}, "
            "comma separated."
        )
    return names
