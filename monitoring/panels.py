"""The table of panels: what the dashboard shows, row by row.

What one replica says of the whole cluster all of them say, but not at the same moment: where the
parts make up the whole, it is the leader's word, else `max`. What each says of its own speakers
is added up. Long, and a table.
"""

from typing import Final

from monitoring.panel import Panel, Query, Row, Shape, Unit

RATE: Final = "$__rate_interval"  # Grafana's: long enough for two scrapes
LED: Final = "and on (job, instance) (pointsman_is_leader == 1)"

GLANCE: Final = Row("At a glance", (
    Panel("Leaders", "1; 0 or 2 for longer than a moment is an alert.",
          (Query("sum(pointsman_is_leader)"),), shape=Shape.NUMBER),
    Panel("Replicas", "Managers that are scraped.",
          (Query("count(pointsman_is_leader)"),), shape=Shape.NUMBER),
    Panel("Sessions down", "0. Each replica has a session with each router.",
          (Query("sum(1 - pointsman_bgp_session_up)"),), shape=Shape.NUMBER),
    Panel("Unannounced", "Services with an address that nobody announces: 0.",
          (Query('max(pointsman_services{state="unannounced"})'),), shape=Shape.NUMBER),
    Panel("Waiting", "Services without an address.",
          (Query('max(pointsman_services{state="pending"})'),), shape=Shape.NUMBER),
    Panel("Nodes not alive", "0.",
          (Query(f'sum(pointsman_nodes{{liveness!="Alive"}} {LED})'),),
          shape=Shape.NUMBER),
))  # fmt: skip
SERVICES: Final = Row("Services and addresses", (
    Panel("Services", "All of ours, by what became of them.",
          (Query(f"max by (state) (pointsman_services {LED})", "{{state}}"),), shape=Shape.STACK),
    Panel("Why not announced", "Each reason is explained in docs/reasons.md.",
          (Query(f"max by (reason) (pointsman_unannounced_services {LED})", "{{reason}}"),),
          shape=Shape.STACK),
    Panel("Addresses in use", "Of the capacity of each Eip, by family.",
          (Query('max by (eip, family) (pointsman_pool_addresses{state="allocated"}) / '
                 'max by (eip, family) (pointsman_pool_addresses{state="capacity"} > 0)',
                 "{{eip}} {{family}}"),), Unit.SHARE),
    Panel("From event to route", "How long until speakers hold what follows from a change.",
          (Query("histogram_quantile(0.5, sum by (le) "
                 f"(rate(pointsman_event_to_route_seconds_bucket[{RATE}])))", "half of them"),
           Query("histogram_quantile(0.99, sum by (le) "
                 f"(rate(pointsman_event_to_route_seconds_bucket[{RATE}])))", "99 of 100")),
          Unit.SECONDS),
))  # fmt: skip
ROUTERS: Final = Row("Routers", (
    Panel("Sessions", "1 while it is established.",
          (Query("pointsman_bgp_session_up", "{{peer}} of {{speaker}}"),)),
    Panel("Paths advertised", "What each router was told, read back from all speakers.",
          (Query("sum by (peer) (pointsman_bgp_advertised_paths)", "{{peer}}"),)),
    Panel("Drift", "Paths that differ from the plan: above 0 for moments only.",
          (Query("sum by (peer) (pointsman_drift_paths)", "{{peer}}"),)),
    Panel("Sessions that ended", "In the last five minutes.",
          (Query("sum by (peer) (increase(pointsman_bgp_session_flaps_total[5m]))", "{{peer}}"),)),
    Panel("Among replicas", "A replica that is quiet towards a router, or outbids another.",
          (Query("max by (peer) (pointsman_bgp_quiet)", "quiet towards {{peer}}"),
           Query("max(pointsman_bgp_outbids)", "outbids"))),
))  # fmt: skip
NODES: Final = Row("Nodes", (
    Panel("Nodes", "By what heartbeats and probes say.",
          (Query(f"max by (liveness) (pointsman_nodes {LED})", "{{liveness}}"),),
          shape=Shape.STACK),
    Panel("Heartbeats", "Those that count: about ten a second from each node, to each manager.",
          (Query(f'sum(rate(pointsman_heartbeats_total{{result="counted"}}[{RATE}]))',
                 "counted"),), Unit.RATE),
    Panel("Heartbeats that count for nothing", "By why.",
          (Query(f'sum by (result) (rate(pointsman_heartbeats_total{{result!="counted"}}[{RATE}]))',
                 "{{result}}"),), Unit.RATE),
    Panel("Frozen domains", "Failure domains in which nothing is withdrawn for silence.",
          (Query("max(pointsman_frozen)", "frozen"),)),
))  # fmt: skip
LAYER2: Final = Row("Layer 2", (
    Panel("Addresses by node", "What each node answers for.",
          (Query("pointsman_l2_announced", "{{node}}"),), shape=Shape.STACK),
    Panel("Answers", "By the kind of question.",
          (Query(f"sum by (kind) (rate(pointsman_l2_replies_total[{RATE}]))", "{{kind}}"),),
          Unit.RATE),
    Panel("Frames without an answer", "By why.",
          (Query(f"sum by (reason) (rate(pointsman_l2_dropped_total[{RATE}])) > 0", "{{reason}}",
                 empty="no frame was passed over"),), Unit.RATE),
    Panel("Claims by others", "Somebody else speaks for an address.",
          (Query(f"sum(rate(pointsman_l2_claims_total[{RATE}]))", "claims a second"),),
          Unit.RATE),
    Panel("Withheld, in conflict", "Addresses that a node was assigned and does not serve alone.",
          (Query("pointsman_withheld", "withheld at {{node}}"),
           Query("pointsman_l2_conflicts", "in conflict at {{node}}"))),
    Panel("Gateways asked", "In the name of an address that moved here: answers should follow.",
          (Query(f"sum(rate(pointsman_l2_gateway_asks_total[{RATE}]))", "asked"),
           Query(f"sum(rate(pointsman_l2_gateway_acks_total[{RATE}]))", "answered")), Unit.RATE),
))  # fmt: skip
KERNEL: Final = Row("Kernel and drains", (
    Panel("Held in the kernel", "Addresses and routes by node, of protocol kernel and under "
          "aggregates.",
          (Query("pointsman_kernel_held", "{{node}}"),), shape=Shape.STACK),
    Panel("Flows to nodes that drain", "New ones; lost: a buffer was full, so there were more.",
          (Query(f"sum by (result) (rate(pointsman_arriving_flows_total[{RATE}]))",
                 "{{result}}"),), Unit.RATE),
))  # fmt: skip
PROGRAMS: Final = Row("The programs", (
    Panel("Plans", "How long making one takes.",
          (Query("histogram_quantile(0.5, sum by (le) "
                 f"(rate(pointsman_plan_seconds_bucket[{RATE}])))", "half of them"),
           Query("histogram_quantile(0.99, sum by (le) "
                 f"(rate(pointsman_plan_seconds_bucket[{RATE}])))", "99 of 100")), Unit.SECONDS),
    Panel("Requests to the API", "By verb, of all managers and agents.",
          (Query(f"sum by (verb) (rate(pointsman_api_requests_total[{RATE}]))", "{{verb}}"),),
          Unit.RATE),
    Panel("Requests that failed", "By their HTTP status; none: no answer.",
          (Query(f'sum by (code) (rate(pointsman_api_requests_total{{code!~"2.."}}[{RATE}])) > 0',
                 "{{code}}", empty="every request was taken"),), Unit.RATE),
    Panel("Writes held back, Events dropped", "Objects whose write is tried again; lost Events.",
          (Query("max(pointsman_api_held_back)", "held back"),
           Query("sum(increase(pointsman_events_dropped_total[5m]))", "Events dropped"))),
    Panel("Silence of watches", "An API server says something every minute or so.",
          (Query("max by (kind) (pointsman_watch_age_seconds)", "{{kind}}"),), Unit.SECONDS),
    Panel("Memory", "Resident, of each process.",
          (Query("process_resident_memory_bytes and on (job, instance) pointsman_build_info",
                 "{{job}} {{instance}}"),), Unit.OCTETS),
    Panel("CPU", "Of one core.",
          (Query(f"rate(process_cpu_seconds_total[{RATE}]) and on (job, instance) "
                 "pointsman_build_info", "{{job}} {{instance}}"),), Unit.SHARE),
    Panel("Versions", "Processes by version.",
          (Query("count by (version) (pointsman_build_info)", "{{version}}"),)),
))  # fmt: skip

ROWS: Final = (GLANCE, SERVICES, ROUTERS, NODES, LAYER2, KERNEL, PROGRAMS)
