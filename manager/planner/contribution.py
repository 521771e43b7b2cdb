"""One Service put before a protocol: everything known about it, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from manager.planner.bgp.context import Shared
from manager.planner.desired import Candidate
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.serving import Serving
from manager.snapshot import EipName, Service
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family
from pointsman.model.route import Route, RouteKey
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """A Service with those of its addresses that one Eip gave: hence of one protocol."""

    service: Service
    eip: EipName
    spec: EipSpec | None  # None: the Eip cannot be read; its addresses keep being served
    addresses: tuple[Address, ...]  # granted, in order
    recorded: frozenset[Address]  # of these: already in the Service's status
    nodes: Nodes
    serving: Mapping[Family, Serving]  # of the families that have an EndpointSlice
    shared: Shared  # what is the same for all Services


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one protocol adds to the plan for one Service."""

    verdict: Verdict
    candidates: tuple[Candidate, ...] = ()
    routes: Mapping[RouteKey, Route] = field(default_factory=dict)
    kept: Mapping[RouteKey, Route] = field(default_factory=dict)  # as the speaker holds them
    carriers: tuple[str, ...] = ()  # for the annotation announced-by
