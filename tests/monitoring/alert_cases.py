"""For each alert: series at which it is told, with which words, and series at which it is not.

In promtool's notation: `0x60` is sixty-one times 0, one a minute; `0+1x60` counts up by one.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Case:
    """*bad* fires with *labels* and *value*, as `$value` is printed; *good* does not."""

    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    value: str = ""


def _leader(*values: str) -> dict[str, str]:
    return {
        f'pointsman_is_leader{{instance="{name}"}}': value
        for name, value in zip("abc", values, strict=False)
    }


def _bucket(metric: str, **by_le: str) -> dict[str, str]:
    return {
        f'pointsman_{metric}_bucket{{le="{le.replace("_", ".").strip("le")}"}}': value
        for le, value in by_le.items()
    }


UP: Final = 'pointsman_bgp_session_up{peer="tor-1",speaker="a"}'
UP_B: Final = 'pointsman_bgp_session_up{peer="tor-1",speaker="b"}'
FLAPS: Final = 'pointsman_bgp_session_flaps_total{peer="tor-1",speaker="a"}'
DRIFT: Final = 'pointsman_drift_paths{peer="tor-1",instance="a"}'
START: Final = 'process_start_time_seconds{job="manager",instance="a"}'
BUILD: Final = 'pointsman_build_info{job="manager",instance="a",version="1"}'
ALIEN: Final = 'process_start_time_seconds{job="other",instance="x"}'
FREE: Final = 'pointsman_pool_addresses{eip="public",family="ipv4",state="available"}'
SIZE: Final = 'pointsman_pool_addresses{eip="public",family="ipv4",state="capacity"}'
IPAM_UP: Final = 'pointsman_ipam_up{eip="public",instance="a"}'
LACKS: Final = 'pointsman_ipam_drift{eip="public",instance="a"}'
TOR: Final = {"peer": "tor-1"}
SESSION: Final = {"peer": "tor-1", "speaker": "a"}
NODE: Final = {"node": "node1"}

CASES: Final = {
    "PointsmanNoManager": Case(
        {'pointsman_build_info{version="1"}': "1x200"}, _leader("1x200"),
    ),
    "PointsmanNoLeader": Case(_leader("0x200", "0x200"), _leader("0x200", "1x200")),
    "PointsmanSeveralLeaders": Case(
        _leader("1x200", "1x200"), _leader("1x200", "0x200"), value="2",
    ),
    "PointsmanReplicaLost": Case(
        _leader("1x200", "0x110 stale"), _leader("1x200", "0x200"), value="1",
    ),
    "PointsmanRestarts": Case(
        {BUILD: "1x200", START: "0+100x200"},
        {BUILD: "1x200", START: "7x200", ALIEN: "0+100x200"},
        {"job": "manager", "instance": "a"}, "60",
    ),
    "PointsmanVersionsDiffer": Case(
        {BUILD: "1x200", 'pointsman_build_info{instance="b",version="2"}': "1x200"},
        {BUILD: "1x200", 'pointsman_build_info{instance="b",version="1"}': "1x200"},
        value="2",
    ),
    "PointsmanRouterLost": Case({UP: "0x200", UP_B: "0x200"}, {UP: "0x200", UP_B: "1x200"}, TOR),
    "PointsmanSessionDown": Case({UP: "0x200", UP_B: "1x200"}, {UP: "1x200"}, SESSION),
    "PointsmanSessionFlaps": Case({FLAPS: "0+1x200"}, {FLAPS: "0x112 1x88"}, SESSION),
    "PointsmanDrift": Case({DRIFT: "3x200"}, {DRIFT: "0x200"}, TOR, "3"),
    "PointsmanQuiet": Case(
        {'pointsman_bgp_quiet{peer="tor-1"}': "1x200"},
        {'pointsman_bgp_quiet{peer="tor-1"}': "0x200"}, TOR,
    ),
    "PointsmanOutbids": Case(
        {'pointsman_bgp_outbids{instance="a"}': "1x200"},
        {'pointsman_bgp_outbids{instance="a"}': "0x200"}, {"instance": "a"},
    ),
    "PointsmanSlowRoutes": Case(
        _bucket("event_to_route_seconds", le10_0="0x200", le100_0="0+9x200", leInf="0+9x200"),
        _bucket("event_to_route_seconds", le0_3="0+9x200", le10_0="0+9x200", leInf="0+9x200"),
        value="1m 39s",
    ),
    "PointsmanUnannounced": Case(
        {'pointsman_unannounced_services{reason="NoSession"}': "4x200"},
        {'pointsman_unannounced_services{reason="NoServingEndpoint"}': "4x200"},
        {"reason": "NoSession"}, "4",
    ),
    "PointsmanPoolExhausted": Case(
        {'pointsman_verdicts{kind="Service",reason="AddressPoolExhausted"}': "2x200"},
        {'pointsman_verdicts{kind="Service",reason="Allocated"}': "2x200"}, value="2",
    ),
    "PointsmanPoolNearlyFull": Case(
        {FREE: "1x200", SIZE: "16x200"}, {FREE: "0x200", SIZE: "1x200"},
        {"eip": "public", "family": "ipv4"},
    ),
    "PointsmanPending": Case(
        {'pointsman_services{state="pending"}': "1x200"},
        {'pointsman_services{state="pending"}': "0x200"}, value="1",
    ),
    "PointsmanInternalError": Case(
        {'pointsman_verdicts{kind="Eip",reason="InternalError"}': "1x200"},
        {'pointsman_verdicts{kind="Eip",reason="Ready"}': "1x200"}, {"kind": "Eip"}, "1",
    ),
    "PointsmanIpamAway": Case({IPAM_UP: "0x200"}, {IPAM_UP: "1x200"}, {"eip": "public"}),
    "PointsmanIpamDrift": Case({LACKS: "2x200"}, {LACKS: "0x200"}, {"eip": "public"}, "2"),
    "PointsmanNodeDead": Case(
        {'pointsman_nodes{liveness="Dead"}': "1x200"},
        {'pointsman_nodes{liveness="Dead"}': "0x200"}, value="1",
    ),
    "PointsmanAgentSilent": Case(
        {'pointsman_nodes{liveness="AgentSilent"}': "1x200"},
        {'pointsman_nodes{liveness="Alive"}': "3x200",
         'pointsman_nodes{liveness="LinkDown"}': "0x200"},
        {"liveness": "AgentSilent"}, "1",
    ),
    "PointsmanFrozen": Case(
        {"pointsman_frozen": "1x200"}, {"pointsman_frozen": "0x200"}, value="1",
    ),
    "PointsmanForgedHeartbeats": Case(
        {'pointsman_heartbeats_total{result="forged"}': "0+1x200"},
        {'pointsman_heartbeats_total{result="counted"}': "0+1x200",
         'pointsman_heartbeats_total{result="forged"}': "5x200"},
    ),
    "PointsmanAddressConflict": Case(
        {'pointsman_l2_conflicts{node="node1"}': "1x200"},
        {'pointsman_l2_conflicts{node="node1"}': "0x200"}, NODE, "1",
    ),
    "PointsmanAddressClaimed": Case(
        {'pointsman_l2_claims_total{instance="node1"}': "0+1x200"},
        {'pointsman_l2_claims_total{instance="node1"}': "5x200"}, {"instance": "node1"},
    ),
    "PointsmanUnacknowledged": Case(
        {'pointsman_l2_unacknowledged{node="node1"}': "2x200"},
        {'pointsman_l2_unacknowledged{node="node1"}': "0x200"}, NODE, "2",
    ),
    "PointsmanWithheld": Case(
        {'pointsman_withheld{node="node1"}': "2x200"},
        {'pointsman_withheld{node="node1"}': "0x200"}, NODE, "2",
    ),
    "PointsmanWatchSilent": Case(
        {'pointsman_watch_age_seconds{instance="a",kind="nodes"}': "400x200"},
        {'pointsman_watch_age_seconds{instance="a",kind="nodes"}': "70x200"},
        {"instance": "a", "kind": "nodes"},
    ),
    "PointsmanWritesHeldBack": Case(
        {"pointsman_api_held_back": "3x200"}, {"pointsman_api_held_back": "0x200"}, value="3",
    ),
    "PointsmanSlowPlans": Case(
        _bucket("plan_seconds", le3_0="0x200", le10_0="0+9x200", leInf="0+9x200"),
        _bucket("plan_seconds", le0_1="0+9x200", le3_0="0+9x200", leInf="0+9x200"),
        value="9.93s",
    ),
}  # fmt: skip
