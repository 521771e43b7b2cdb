"""Everything the planner may look at, frozen: the cluster as it was at one moment.

Adapters fill it from raw JSON and from what speakers and agents report. Nothing here
does I/O, and nothing here decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, NewType, TypeVar

from manager.announcer import Announcer as Announcer
from manager.announcer import Assigned as Assigned
from manager.announcer import Conflict as Conflict
from manager.announcer import Interface as Interface
from manager.announcer import NodeName as NodeName
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipSpec, Legible
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.liveness import Liveness
from pointsman.model.names import ANNOUNCED, ANNOUNCED_BY, LOAD_BALANCER, OUT_OF_SERVICE
from pointsman.model.ranges import read_address
from pointsman.model.replicas import AmongReplicas
from pointsman.model.reservation import SourceReading
from pointsman.model.route import (
    Neighbor,
    PeerName,
    Route,
    RouteKey,
    SessionReport,
    SpeakerIdentity,
)

ServiceKey = NewType("ServiceKey", str)  # "NAMESPACE/NAME"
EipName = NewType("EipName", str)
SliceKey = tuple[str, str]  # namespace, name

Truth = Literal["True", "False", "Unknown"]
TrafficPolicy = Literal["Cluster", "Local"]
FamilyPolicy = Literal["SingleStack", "PreferDualStack", "RequireDualStack"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A metav1.Condition, whole: others' entries are copied back as they were."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int | None = None


@dataclass(frozen=True, slots=True)
class Ingress:
    """One entry of status.loadBalancer.ingress: as it is spelled, and the address it spells."""

    ip: str = ""
    hostname: str = ""
    ip_mode: str = ""
    address: Address | None = field(init=False, repr=False, compare=False)  # None: no address

    def __post_init__(self) -> None:
        # Read here and nowhere else: whoever wrote it may have spelled it in another way.
        try:
            address = read_address(self.ip) if self.ip else None
        except ValueError:
            address = None
        object.__setattr__(self, "address", address)


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service; sharing an address needs (protocol, port) to differ."""

    protocol: str
    port: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A Service of any type; whether it is ours is the planner's question."""

    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""
    created: str = ""  # RFC 3339, UTC: sorts as text
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    # whether we were the last to write allocated-from; None: the API server doesn't say
    hints_are_ours: bool | None = None
    type: str = LOAD_BALANCER
    load_balancer_class: str | None = None
    policy: TrafficPolicy = "Cluster"
    families: tuple[Family, ...] = (Family.IPV4,)
    family_policy: FamilyPolicy = "SingleStack"
    load_balancer_ip: str = ""
    cluster_ips: tuple[Address, ...] = ()
    external_ips: tuple[Address, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict)
    ingress: tuple[Ingress, ...] = ()
    conditions: tuple[Condition, ...] = ()
    # One object for all who hold something by it: half a dozen mappings do, of every Service.
    key: ServiceKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", ServiceKey(f"{self.namespace}/{self.name}"))

    @property
    def status_addresses(self) -> tuple[Address, ...]:
        """Every address in its status, whoever wrote it, in its order; no hostnames."""
        found = [one.address for one in self.ingress if one.address is not None]
        return tuple(found) if len(found) < 2 else tuple(dict.fromkeys(found))

    @property
    def announced(self) -> Condition | None:
        """Its condition that says whether it is announced; None: nothing is said of that."""
        return next((one for one in self.conditions if one.type == ANNOUNCED), None)

    @property
    def announced_by(self) -> tuple[str, ...]:
        """By whom its record says that it is announced."""
        return tuple(filter(None, self.annotations.get(ANNOUNCED_BY, "").split(",")))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a slice, with its conditions as published (None = absent)."""

    node: NodeName | None = None
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None
    address: str | None = None  # the first, in its one spelling: all lead to the same Pod


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """One EndpointSlice; a Service may have several, also per family."""

    namespace: str
    name: str
    service: str  # label kubernetes.io/service-name; "" when absent
    family: Family
    endpoints: tuple[Endpoint, ...] = ()
    has_ports: bool = True  # False: it says that no port of its Pods is one of the Service's

    @property
    def key(self) -> SliceKey:
        return self.namespace, self.name


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    effect: str


@dataclass(frozen=True, slots=True)
class Node:
    """A Node, reduced to what decides whether it may carry traffic."""

    name: NodeName
    uid: str = ""
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    ready: Truth = "True"
    network_unavailable: bool = False
    internal_ips: tuple[Address, ...] = ()
    other_ips: tuple[Address, ...] = ()  # ExternalIP and the like: its own, but no next hops
    pod_cidrs: tuple[Prefix, ...] = ()


Spec = TypeVar("Spec")


@dataclass(frozen=True, slots=True)
class Resource(Generic[Spec]):
    """One of our custom resources: metadata, its spec (or why it cannot be read), its status."""

    name: str
    spec: Spec | None
    invalid: str = ""  # the sentence, when spec is None
    uid: str = ""
    resource_version: str = ""
    created: str = ""
    generation: int = 0
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    status: Mapping[str, object] = field(default_factory=dict)
    legible: Legible = Legible()  # of an Eip, when spec is None


Eip = Resource[EipSpec]
BgpConf = Resource[BgpConfSpec]
BgpPeer = Resource[BgpPeerSpec]


@dataclass(frozen=True, slots=True)
class Observed:
    """Read back from one of this replica's own speakers; None: it has not answered yet."""

    identity: SpeakerIdentity | None = None
    exports: Mapping[PeerName, Address] = field(default_factory=dict)
    routes: Mapping[RouteKey, Route] = field(default_factory=dict)
    neighbors: Mapping[PeerName, Neighbor] = field(default_factory=dict)
    sessions: Mapping[PeerName, SessionReport] = field(default_factory=dict)
    refused: str = ""  # why it could not be started as the BgpConf says; "": it could, or wasn't
    fresh: bool = True  # False: the speaker does not answer, this is what it held last
    sessions_unknown: bool = False  # and not for so long that they may be anything by now
    known: bool = True  # False: never read, and not for so long that the plan goes without
    # Handed to the speaker and not there yet: nobody else is given an address of these.
    putting: frozenset[Prefix] = frozenset()
    # For how many seconds it has not answered, monotonic; None: it does. Time alone is no news.
    silent_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ManagerReplica:
    """Where one replica of the manager hears heartbeats, as it published itself."""

    name: str
    addresses: tuple[Address, ...]  # its host's, in order
    port: int
    public_key: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decided: the same for every plan of a process."""

    require_class: bool = False
    honoured: tuple[str, ...] = ()  # whose annotations count beside ours (pointsman.model.dialects)
    drain_taints: frozenset[str] = frozenset({OUT_OF_SERVICE, "ToBeDeletedByClusterAutoscaler"})
    speaker_name: str = ""  # this replica's name: it makes the router-id unique
    speakers: int = 1  # how many a replica has
    # How many managers run: with two, each covers for the other. None: as many as are recorded.
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The planner's whole world."""

    services: Mapping[ServiceKey, Service] = field(default_factory=dict)
    endpoint_slices: Mapping[SliceKey, EndpointSlice] = field(default_factory=dict)
    nodes: Mapping[NodeName, Node] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # name -> labels
    cluster_uid: str = ""  # uid of the kube-system namespace
    eips: Mapping[EipName, Eip] = field(default_factory=dict)
    bgp_confs: Mapping[str, BgpConf] = field(default_factory=dict)
    bgp_peers: Mapping[PeerName, BgpPeer] = field(default_factory=dict)
    announcers: Mapping[NodeName, Announcer] = field(default_factory=dict)
    # (Secret, key) -> password, of the manager's namespace; never shown
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    secrets_read: bool = False  # False: not read, so a missing one may exist: keep what is there
    # Of this replica, in order: its first serves whoever takes several paths (planner.bgp).
    # The routes' keys say which. There is at least one; one not asked yet holds nothing.
    speakers: tuple[Observed, ...] = (Observed(),)
    # Addresses that were granted and not surely answered: a Service may have them by now.
    pending: Mapping[ServiceKey, tuple[Address, ...]] = field(default_factory=dict)
    # Replicas that hear heartbeats, in order of names; and whether these are all.
    managers: tuple[ManagerReplica, ...] = ()
    managers_known: bool = False
    # What heartbeats and probes say of a node. Absent: no verdict, and nothing follows from it.
    liveness: Mapping[NodeName, Liveness] = field(default_factory=dict)
    # What the IPAM of each Eip that has one held when it answered last.
    sources: Mapping[EipName, SourceReading] = field(default_factory=dict)
    # Addresses that a write may bring to a node's spec of which the answer is not known yet.
    assigning: Mapping[NodeName, frozenset[Address]] = field(default_factory=dict)
    # Interfaces that reach no gateway, as the agents say in their heartbeats.
    links_down: Mapping[NodeName, frozenset[str]] = field(default_factory=dict)
    # They moved so often lately that they stay with their node while that can serve them.
    damped: frozenset[Address] = frozenset()
    # Who else speaks for addresses that this replica answers for centrally: a hardware address.
    claimed: Mapping[Address, str] = field(default_factory=dict)
    # Failure domains whose agents fell silent together: no verdict of theirs turns.
    frozen: tuple[str, ...] = ()
    among: AmongReplicas = AmongReplicas()
    settings: Settings = field(default_factory=Settings)
    # Drained, and carrying on while routers turn to others: the plan's own first answer.
    leaving: frozenset[NodeName] = frozenset()
    taken_at: datetime | None = None  # wall clock, UTC; None offline: no clock there

    @property
    def routes(self) -> Mapping[RouteKey, Route]:
        """Return what all speakers of this replica together hold."""
        if not any(one.routes for one in self.speakers[1:]):
            return self.speakers[0].routes
        return {key: route for one in self.speakers for key, route in one.routes.items()}
