"""What is counted when it happens: requests, plans, sessions that went down, routes that came.

Everything else is read from the last plan when somebody asks (`collector`). Noting something
here costs microseconds and can't fail. Labels come from closed sets, or name a BgpPeer or an Eip.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from manager.planner.bgp.session_entries import entry_name
from manager.planner.desired import SpeakerSession
from manager.snapshot import Observed
from pointsman.model.route import PeerName, SessionReport

# Seconds. A plan of what changed takes milliseconds, one of all in a large cluster seconds.
PLAN_BUCKETS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
ROUTE_BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
IPAM_BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
Planned = Mapping[PeerName, Sequence[SpeakerSession]]


class Counters:
    """The counters of one process, in *registry*. *replica* names it in the label `speaker`."""

    def __init__(self, registry: CollectorRegistry, *, replica: str) -> None:
        self._replica = replica
        self._last: dict[tuple[int, PeerName], SessionReport] = {}
        self._requests = Counter(
            "pointsman_api_requests",
            "Requests to the API server by verb, and HTTP status; code none: no answer.",
            ("verb", "code"),
            registry=registry,
        )
        self._plans = Histogram(
            "pointsman_plan_seconds",
            "How long making a plan took.",
            buckets=PLAN_BUCKETS,
            registry=registry,
        )
        self._routes = Histogram(
            "pointsman_event_to_route_seconds",
            "From the first event that a plan answers to the last of its paths in the speaker.",
            buckets=ROUTE_BUCKETS,
            registry=registry,
        )
        self._ipam_requests = Counter(
            "pointsman_ipam_requests",
            "Requests to the IPAM of an Eip by method, and HTTP status; code none: no answer.",
            ("eip", "method", "code"),
            registry=registry,
        )
        self._ipam_operations = Counter(
            "pointsman_ipam_operations",
            "What the IPAM of an Eip was asked to do, by how it ended: done, refused, failed.",
            ("eip", "operation", "result"),
            registry=registry,
        )
        self._ipam_seconds = Histogram(
            "pointsman_ipam_request_seconds",
            "How long the IPAM of an Eip took to answer a request.",
            ("eip",),
            buckets=IPAM_BUCKETS,
            registry=registry,
        )
        self._flaps = Counter(
            "pointsman_bgp_session_flaps",
            "How often a session with a router ended after it had been established.",
            ("peer", "speaker"),
            registry=registry,
        )

    def requested(self, verb: str, code: int | None) -> None:
        """Note a request to the API server; no *code*: it was not answered."""
        self._requests.labels(verb, "none" if code is None else str(code)).inc()

    def asked_ipam(self, eip: str, operation: str, result: str) -> None:
        """Note how something ended that the IPAM of *eip* was asked to do."""
        self._ipam_operations.labels(eip, operation, result).inc()

    def requested_of_ipam(self, eip: str, method: str, code: int | None, took_s: float) -> None:
        """Note a request to the IPAM of *eip*; no *code*: it was not answered."""
        self._ipam_requests.labels(eip, method, "none" if code is None else str(code)).inc()
        self._ipam_seconds.labels(eip).observe(took_s)

    def planned(self, took_s: float) -> None:
        """Note that a plan was made."""
        self._plans.observe(took_s)

    def routed(self, after_s: float) -> None:
        """Note that a speaker holds all paths of a plan, *after_s* after what caused it."""
        self._routes.observe(after_s)

    def looked(self, readings: Sequence[Observed], planned: Planned) -> None:
        """Note the sessions of the speakers as read now, and which of them ended since.

        *planned*: which there are to be. A daemon that was started anew knows none of them for a
        moment; those of the one before have ended all the same.
        """
        wanted = {(one.speaker, peer) for peer, found in planned.items() for one in found}
        seen = {
            (index, peer): report
            for index, reading in enumerate(readings)
            for peer, report in reading.sessions.items()
        }
        for (index, peer), report in seen.items():
            flaps = self._flaps.labels(peer, entry_name(self._replica, index))
            if _ended(self._last.get((index, peer)), report):
                flaps.inc()
        for index, peer in self._last.keys() - seen.keys():
            if (index, peer) in wanted or _configured(readings, index, peer):
                seen[index, peer] = self._last[index, peer]  # unknown; nothing was learnt of it
            else:
                self._forget(index, peer)
        self._last = seen

    def _forget(self, index: int, peer: PeerName) -> None:
        self._flaps.remove(peer, entry_name(self._replica, index))


def _ended(before: SessionReport | None, now: SessionReport) -> bool:
    """Whether the session that was up is over; another one may be up by now."""
    if before is None or not before.live:
        return False
    return not now.live or before.established_at_s != now.established_at_s


def _configured(readings: Sequence[Observed], index: int, peer: PeerName) -> bool:
    """Whether a session that is not reported may be back."""
    if index >= len(readings):
        return False
    reading: Observed = readings[index]
    neighbors: Mapping[PeerName, object] = reading.neighbors
    return not reading.fresh or peer in neighbors
