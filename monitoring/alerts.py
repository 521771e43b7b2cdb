"""The table of alerts: for what somebody should be woken, or look.

A query here counts replicas, routers, nodes or addresses by metrics of ours alone, whatever the
jobs and instances of a Prometheus are called. What one replica says of the whole cluster all of
them say, so it is `max`, not `sum`. Long, and a table: each alert with its reason for being.
"""

from typing import Final

from monitoring.alert import Alert, Severity

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO

PROGRAMS: Final = (
    Alert(
        "PointsmanNoManager", CRITICAL, "absent(pointsman_is_leader)", "5m",
        "No manager of Pointsman answers Prometheus.",
        "Either none runs, or none is scraped. What is announced stays announced; nobody is given "
        "an address, and a node that dies is not noticed. Look at the Pods of the Deployment "
        "pointsman-manager, then at the targets of Prometheus.",
    ),
    Alert(
        "PointsmanNoLeader", CRITICAL, "sum(pointsman_is_leader) == 0", "1m",
        "No replica of Pointsman leads.",
        "Nobody writes to the API: no grants and no conditions. What is announced stays. The logs "
        "of the managers say why the Lease cannot be had.",
    ),
    Alert(
        "PointsmanSeveralLeaders", CRITICAL, "sum(pointsman_is_leader) > 1", "1m",
        "{{ $value }} replicas of Pointsman say that they lead.",
        "Two managers have one name, or belong to two clusters that this Prometheus scrapes. Give "
        "each a name of its own (--name), or add a label of the cluster to the rule.",
    ),
    Alert(
        "PointsmanReplicaLost", WARNING,
        "count(pointsman_is_leader) < max_over_time(count(pointsman_is_leader)[1h:1m])", "5m",
        "Pointsman runs with fewer managers than an hour ago: {{ $value }}.",
        "The other replicas carry on, and routers have a session less. See what became of the "
        "Pods of the Deployment pointsman-manager.",
    ),
    Alert(
        "PointsmanRestarts", WARNING,
        "changes(process_start_time_seconds[1h]) > 3 and on (job, instance) pointsman_build_info",
        "0m",
        "{{ $labels.instance }} was started again {{ $value }} times within an hour.",
        "The last lines of its log before each start say why it ended.",
    ),
    Alert(
        "PointsmanVersionsDiffer", INFO,
        "count(count by (version) (pointsman_build_info)) > 1", "1h",
        "{{ $value }} versions of Pointsman run side by side.",
        "Normal while it is upgraded. After that, some nodes have still the old agent: see the "
        "Announcers' status.version.",
    ),
)  # fmt: skip
ROUTERS: Final = (
    Alert(
        "PointsmanRouterLost", CRITICAL, "sum by (peer) (pointsman_bgp_session_up) == 0", "1m",
        "No session with router {{ $labels.peer }}.",
        "It is told nothing by any replica, so nothing reaches the Services through it. The "
        "condition Established of the BgpPeer says why, in the router's own words.",
    ),
    Alert(
        "PointsmanSessionDown", WARNING, "pointsman_bgp_session_up == 0", "5m",
        "The session of {{ $labels.speaker }} with router {{ $labels.peer }} is down.",
        "Another replica may serve it. `pointsman peers`, and status.speakers of the BgpPeer, say "
        "why this one does not.",
    ),
    Alert(
        "PointsmanSessionFlaps", WARNING,
        "increase(pointsman_bgp_session_flaps_total[15m]) > 2.5", "0m",
        "The session of {{ $labels.speaker }} with router {{ $labels.peer }} comes and goes.",
        "Look for lost packets between them, a hold time that is too short, or a router that "
        "restarts. The BgpPeer's events hold the reasons of each end.",
    ),
    Alert(
        "PointsmanDrift", WARNING, "sum by (peer) (pointsman_drift_paths) > 0", "2m",
        "Router {{ $labels.peer }} is not told what is planned: {{ $value }} paths differ.",
        "A speaker does not take what it is given. `pointsman routes --peer {{ $labels.peer }}` "
        "shows which paths; the logs of the sidecar and the manager say why.",
    ),
    Alert(
        "PointsmanQuiet", WARNING, "pointsman_bgp_quiet > 0", "5m",
        "A replica tells router {{ $labels.peer }} nothing, because its view of the API is old.",
        "It leaves the router to a replica that sees the API. The network between this replica "
        "and the API server is at fault.",
    ),
    Alert(
        "PointsmanOutbids", WARNING, "pointsman_bgp_outbids > 0", "5m",
        "{{ $labels.instance }} does not hear another replica, and outbids it.",
        "Replicas speak to each other by UDP, at the port of heartbeats. Either the other one "
        "died without ending its sessions, or something drops these packets.",
    ),
    Alert(
        "PointsmanSlowRoutes", WARNING,
        "histogram_quantile(0.99, "
        "sum by (le) (rate(pointsman_event_to_route_seconds_bucket[10m]))) > 10",
        "15m",
        "It takes {{ $value | humanizeDuration }} until routers are told of a change.",
        "Look at the CPU that managers and speakers get, and at how much changes at once.",
    ),
)  # fmt: skip
SERVICES: Final = (
    Alert(
        "PointsmanUnannounced", WARNING,
        'max by (reason) (pointsman_unannounced_services{reason!="NoServingEndpoint"}) > 0', "5m",
        "Services have an address that nobody announces: {{ $labels.reason }} ({{ $value }}).",
        "`pointsman status` names them, and `pointsman explain service` says of each what to do. "
        "Those without a serving endpoint are not counted: that is their application's business.",
    ),
    Alert(
        "PointsmanPoolExhausted", WARNING,
        'max(pointsman_verdicts{kind="Service",reason="AddressPoolExhausted"}) > 0', "5m",
        "{{ $value }} Services wait for an address: their Eips are exhausted.",
        "`kubectl get eip` shows which. Widen spec.addresses, or what spec.source names, or delete "
        "Services that nobody needs: who waits is served within seconds.",
    ),
    Alert(
        "PointsmanPoolNearlyFull", INFO,
        'max by (eip, family) (pointsman_pool_addresses{state="available"}) / '
        'max by (eip, family) (pointsman_pool_addresses{state="capacity"} >= 10) < 0.1',
        "1h",
        "Less than a tenth of Eip {{ $labels.eip }} is free ({{ $labels.family }}).",
        "Widen spec.addresses, or what spec.source names, before it is full; nothing that is held "
        "moves by that.",
    ),
    Alert(
        "PointsmanPending", INFO, 'max(pointsman_services{state="pending"}) > 0', "15m",
        "{{ $value }} Services of type LoadBalancer wait for an address.",
        "The condition pointsman.dev/Allocated of each says why: often an annotation that asks "
        "for what cannot be had.",
    ),
    Alert(
        "PointsmanInternalError", CRITICAL,
        'max by (kind) (pointsman_verdicts{reason="InternalError"}) > 0', "1m",
        "{{ $value }} objects of kind {{ $labels.kind }} could not be judged: that is a bug.",
        "They keep what they have, and nothing new is decided for them. The manager's log has the "
        "traceback: please report it, with the object.",
    ),
)  # fmt: skip
IPAMS: Final = (
    Alert(
        "PointsmanIpamAway", WARNING, "max by (eip) (pointsman_ipam_up) == 0", "10m",
        "The IPAM of Eip {{ $labels.eip }} does not answer, or refuses what it is asked.",
        "Nobody is given a new address of that Eip; nothing that is held changes. A condition of "
        "the Eip says what it answers, and since when.",
    ),
    Alert(
        "PointsmanIpamDrift", WARNING, "max by (eip) (pointsman_ipam_drift) > 0", "10m",
        "The IPAM of Eip {{ $labels.eip }} lacks {{ $value }} addresses that are in use.",
        "Somebody deleted or edited the entries, or the addresses belong to another there, and "
        "they cannot be put right. They stay announced, and might be given to somebody else.",
    ),
)  # fmt: skip
NODES: Final = (
    Alert(
        "PointsmanNodeDead", WARNING, 'max(pointsman_nodes{liveness="Dead"}) > 0', "1m",
        "{{ $value }} nodes are dead: they are next hops no more.",
        "The manager's log, and `pointsman status`, name them. Kubernetes notices later: until "
        "then kube-proxy on other nodes still sends to their Pods.",
    ),
    Alert(
        "PointsmanAgentSilent", WARNING,
        'max by (liveness) (pointsman_nodes{liveness=~"AgentSilent|NodeHung|LinkDown"}) > 0', "5m",
        "{{ $value }} nodes are {{ $labels.liveness }}.",
        "The node or its link is not well, or its agent does not run. `pointsman explain node` "
        "says what was heard last.",
    ),
    Alert(
        "PointsmanFrozen", CRITICAL, "max(pointsman_frozen) > 0", "1m",
        "The agents of {{ $value }} failure domains fell silent together.",
        "Nothing is withdrawn for it until others confirm it, because the manager may be the one "
        "that is cut off. If those nodes are really gone, taint them "
        "node.kubernetes.io/out-of-service.",
    ),
    Alert(
        "PointsmanForgedHeartbeats", WARNING,
        'sum(rate(pointsman_heartbeats_total{result="forged"}[2m])) > 0', "10m",
        "Heartbeats arrive that their node did not sign.",
        "Somebody sends in an agent's name, or an agent works with another key than its Announcer "
        "shows. They count for nothing. (For seconds after a manager starts that is normal: agents "
        "learn its key from their Announcers.)",
    ),
)  # fmt: skip
LAYER2: Final = (
    Alert(
        "PointsmanAddressConflict", CRITICAL, "pointsman_l2_conflicts > 0", "1m",
        "Another host uses {{ $value }} addresses of node {{ $labels.node }}.",
        "status.conflicts of its Announcer says which MAC claims which address. Take the address "
        "from that host, or exclude it in the Eip.",
    ),
    Alert(
        "PointsmanAddressClaimed", WARNING, "increase(pointsman_l2_claims_total[10m]) > 0", "0m",
        "Somebody else spoke for an address at {{ $labels.instance }}.",
        "Once, at a move, it may be the node that had it before. Again and again, another host "
        "uses it.",
    ),
    Alert(
        "PointsmanUnacknowledged", WARNING, "pointsman_l2_unacknowledged > 0", "2m",
        "A gateway of node {{ $labels.node }} does not send {{ $value }} addresses there.",
        "It was asked in the name of each and did not answer to this node: what it has in its "
        "cache is another's, or it ignores announcements. Packets go elsewhere until it asks.",
    ),
    Alert(
        "PointsmanWithheld", WARNING, "pointsman_withheld > 0", "5m",
        "Node {{ $labels.node }} withholds {{ $value }} addresses that it was assigned.",
        "status.withheld of its Announcer says why of each.",
    ),
)  # fmt: skip
API: Final = (
    Alert(
        "PointsmanWatchSilent", WARNING,
        "max by (instance, kind) (pointsman_watch_age_seconds) > 300", "1m",
        "The API server tells {{ $labels.instance }} nothing of {{ $labels.kind }}.",
        "The connection stands, and even the bookmark of every minute is missing. What is "
        "announced stays; what changes meanwhile is not seen.",
    ),
    Alert(
        "PointsmanWritesHeldBack", WARNING, "max(pointsman_api_held_back) > 0", "5m",
        "{{ $value }} objects cannot be written to the API.",
        "Each is tried again, later and later, and none holds up another. The manager's log says "
        "what the API server answers: a missing right, or an admission webhook.",
    ),
    Alert(
        "PointsmanSlowPlans", WARNING,
        "histogram_quantile(0.99, sum by (le) (rate(pointsman_plan_seconds_bucket[10m]))) > 3",
        "15m",
        "A plan takes {{ $value | humanizeDuration }}.",
        "A change waits as long. The manager gets too little CPU, or the cluster is larger than "
        "any that was measured.",
    ),
)  # fmt: skip

ALERTS: Final = (*PROGRAMS, *ROUTERS, *SERVICES, *IPAMS, *NODES, *LAYER2, *API)
