"""The cut-over in order: whose class, who stops when. Sentences with the commands in them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cli.migration.draft import Draft
from cli.migration.services import Key, Served
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.dialects import KUBE_VIP, METALLB, OPENELB, PURELB, Dialect
from pointsman.model.names import LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.printable import clipped, sentence, some

LONGEST: Final = 4096  # characters of a step


@dataclass(frozen=True, slots=True)
class Programs:
    """What runs of another load balancer, and how each part of it is stopped."""

    decider: str
    announcers: str
    caution: str = ""


PROGRAMS: Final[Mapping[str, Programs]] = {
    OPENELB.name: Programs(
        "kubectl -n openelb-system scale deployment openelb-controller --replicas=0",
        "kubectl -n openelb-system delete daemonset openelb-speaker",
        "Before version 0.6 both are openelb-manager: stopping it withdraws its routes, so stop it "
        "only where the announcers are stopped.",
    ),
    METALLB.name: Programs(
        "kubectl -n metallb-system scale deployment controller --replicas=0",
        "kubectl -n metallb-system delete daemonset speaker",
        "With frr-k8s, its DaemonSet goes with the speaker.",
    ),
    PURELB.name: Programs(
        "kubectl -n purelb-system scale deployment allocator --replicas=0",
        "kubectl -n purelb-system delete daemonset lbnodeagent",
    ),
    KUBE_VIP.name: Programs(
        "kubectl -n kube-system scale deployment kube-vip-cloud-provider --replicas=0",
        "kubectl -n kube-system delete daemonset kube-vip-ds",
        "If kube-vip also has the control plane's address, leave it, with svc_enable=false.",
    ),
}


def steps(draft: Draft, served: Served, dialect: Dialect, folder: str) -> list[str]:
    """Return the steps, without numbers."""
    return [sentence(one, LONGEST) for one in _steps(draft, served, dialect, folder)]


def _steps(draft: Draft, served: Served, dialect: Dialect, folder: str) -> Iterator[str]:
    title, programs = dialect.title, PROGRAMS[dialect.name]
    protocols = {one["spec"].get("protocol", "bgp") for one in draft.of("Eip").values()}
    yield (
        "Install Pointsman beside it, the manager with --require-class: so it serves no Service "
        "yet (docs/install.md)."
    )
    yield from draft.by_hand
    yield (
        f"Make the objects: kubectl apply -f {folder}, and, as Services are others' "
        f"objects, kubectl apply --server-side -f {folder}/services; or pointsman "
        f"migrate --from {dialect.name} --apply."
    )
    if "bgp" in protocols:
        yield (
            "Enter the managers' nodes as neighbors at the routers (pointsman plan --router-config "
            f"frr prints it), after taking {title}'s speakers off these nodes: a router has one "
            "session per address. Wait until pointsman peers shows every session established."
        )
    if "kernel" in protocols:
        yield (
            "Let our agents change addresses and routes (NET_ADMIN), and have the router on each "
            f"node redistribute what they put on {KERNEL_INTERFACE}, beside {title}'s interface "
            "(docs/kernel.md)."
        )
    yield f"Look once more: pointsman migrate --from {dialect.name} says that no address moves."
    yield (
        f"Stop what decides at {title}: {programs.decider}. What announces goes on, and nothing "
        f"changes for clients. {programs.caution}".strip()
    )
    early = "layer2" in protocols
    stop = f"Stop what announces: {programs.announcers}."
    if early:
        yield (
            f"{stop} Two may not answer ARP for one address: clients wait from here to the end of "
            "the next step."
        )
    yield (
        "Take --require-class away from the manager. It takes over every Service without class "
        "whose addresses lie in its Eips, with these addresses; pointsman status shows them "
        "announced."
    )
    yield from _bound(served)
    if not early:
        yield f"{stop} The routers had the paths of both meanwhile, and keep ours."
    yield from _finalizers(served, title)
    yield (
        f"Remove {title}, its CRDs last. Until then the way back is to start it again, and to give "
        "the manager --require-class."
    )


def _bound(served: Served) -> Iterator[str]:
    if not served.bound:
        return
    first = served.bound[0]
    namespace, name = (clipped(part) for part in first)
    away = '{"spec":{"type":"ClusterIP","loadBalancerClass":null}}'
    back = f'{{"spec":{{"type":"{LOAD_BALANCER}","loadBalancerClass":"{LOAD_BALANCER_CLASS}"}}}}'
    yield (
        f"A class can't be changed, and {_listed(served.bound)} bear the old one: make each a "
        f"ClusterIP and a LoadBalancer again, one after the other (kubectl -n {namespace} patch "
        f"service {name} --type merge -p '{away}', then -p '{back}'). Its address comes back, as "
        "it asks for it by annotation; it is away for a second or two."
    )


def _finalizers(served: Served, title: str) -> Iterator[str]:
    if served.finalizers:
        namespace, name = (clipped(part) for part in next(iter(served.finalizers)))
        found = sorted({one for several in served.finalizers.values() for one in several})
        yield (
            f"Take {title}'s finalizers ({', '.join(map(clipped, found))}) off "
            f"{_listed(served.finalizers)}, or none of them can ever be deleted: kubectl -n "
            f"{namespace} edit service {name}."
        )


def _listed(keys: Iterable[Key]) -> str:
    return "Services " + ", ".join(some(["/".join(map(clipped, key)) for key in sorted(keys)]))
