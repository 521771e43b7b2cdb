"""Every name that we and an API server, or its users, must spell alike. They are API.

A name that is spelled a second time is one that can be misspelt, and a Service whose mark is
misspelt is silently nobody's. So nothing else spells these (tests/pointsman/model/test_names.py).
"""

from typing import Final

GROUP: Final = "pointsman.dev"
API_VERSION: Final = GROUP + "/v1alpha1"
API_PATH: Final = "/apis/" + API_VERSION
PREFIX: Final = GROUP + "/"

# Annotations of a Service that its users set.
EIP: Final = PREFIX + "eip"
ADDRESSES: Final = PREFIX + "addresses"
SHARE_KEY: Final = PREFIX + "share-key"
SHARE_NAMESPACES: Final = PREFIX + "share-namespaces"
REQUESTS: Final = (ADDRESSES, EIP, SHARE_KEY, SHARE_NAMESPACES)

# Annotations of a Service that we write.
ALLOCATED_FROM: Final = PREFIX + "allocated-from"
SHARED_AS: Final = PREFIX + "shared-as"
ANNOUNCED_BY: Final = PREFIX + "announced-by"
STATUS: Final = PREFIX + "status"
OUR_ANNOTATIONS: Final = frozenset({ALLOCATED_FROM, SHARED_AS, ANNOUNCED_BY, STATUS})

DRAIN: Final = PREFIX + "drain"  # an annotation of a Node, set by its users

# Labels: two that serviceSelector and namespaceSelector of an Eip find on every Service and its
# namespace, though nobody set them; one of the nodes that may run a manager; one of the lab's.
SERVICE_NAME: Final = PREFIX + "service-name"
SERVICE_NAMESPACE: Final = PREFIX + "service-namespace"
MANAGER_LABEL: Final = PREFIX + "manager"
LAB_LABEL: Final = PREFIX + "lab"

LOAD_BALANCER_CLASS: Final = PREFIX + "lb"  # ours, in spec.loadBalancerClass
FINALIZER: Final = PREFIX + "in-use"  # of an Eip that a Service has an address of

# Condition types of a Service.
ALLOCATED: Final = PREFIX + "Allocated"
ANNOUNCED: Final = PREFIX + "Announced"
OUR_CONDITIONS: Final = frozenset({ALLOCATED, ANNOUNCED})

# Condition types of our own resources.
READY: Final = "Ready"
ESTABLISHED: Final = "Established"  # of a BgpPeer
ADD_PATH: Final = "AddPathNegotiated"  # of a BgpPeer
BGP_APPLIED: Final = "BgpApplied"  # of an Eip: all of its spec.bgp
AGGREGATES_REFUSED: Final = "AggregatesRefused"  # of an Eip; there only while it is so
AGGREGATES_UNGUARDED: Final = "AggregatesUnguarded"  # of an Eip; there only while it is so
CENTRAL_RESPONDER: Final = "CentralResponder"  # of an Eip; there only while it has one
PROXY_HEALTHY: Final = "ProxyHealthy"  # of an Announcer
HEARTBEATS: Final = "HeartbeatsHeard"  # of an Announcer
ADDRESSES_CONTESTED: Final = "Contested"  # of an Announcer
STRICT_ARP_REQUIRED: Final = "StrictARPRequired"  # of an Announcer; there only while it is so
UNACKNOWLEDGED: Final = "Unacknowledged"  # of an Announcer; there only while it is so
LIVENESS_FROZEN: Final = "LivenessFrozen"  # of BgpConf default; there only while it is so
# Of a BgpPeer; there only while it is so.
NEXT_HOPS_MISSING: Final = "NextHopsMissing"
NEXT_HOPS_UNVERIFIED: Final = "NextHopsUnverified"
NEXT_HOPS_LIMITED: Final = "NextHopsLimited"
PREFIXES_RECEIVED: Final = "PrefixesReceived"  # more than we take
NEXT_HOPS_CONTESTED: Final = "NextHopsContested"

# An annotation of a replica's Lease: where it hears heartbeats, and its public half of the key.
HEARTBEAT: Final = PREFIX + "heartbeat"

NODE_DEAD: Final = "NodeDead"  # reason of a Pod's condition Ready, with --mark-dead-nodes

# An annotation of the leading replica's Lease: which version of the manager leads.
VERSION: Final = PREFIX + "version"

# Who writes, as managedFields remember it. A speaker's name follows its prefix.
FIELD_MANAGER: Final = "pointsman-manager"
AGENT_FIELD_MANAGER: Final = "pointsman-agent"
SPEAKER_PREFIX: Final = "pointsman-speaker-"  # also of the names of replicas' Leases
LEASE: Final = "pointsman-manager"  # of the leading replica
EVENT_SOURCE: Final = "pointsman"
NAMESPACE: Final = "pointsman-system"  # where the programs run, as deploy/ has it

# What Kubernetes calls its own.
LOAD_BALANCER: Final = "LoadBalancer"  # spec.type of a Service
VIP: Final = "VIP"  # ipMode of an address in its status
SLICE_SERVICE: Final = "kubernetes.io/service-name"  # a label of an EndpointSlice: whose it is
CLUSTER_NAMESPACE: Final = "kube-system"  # its uid names the cluster, by convention
NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"  # a label of every Namespace
EXCLUDE_LABEL: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"  # a taint
ZONE: Final = "topology.kubernetes.io/zone"
