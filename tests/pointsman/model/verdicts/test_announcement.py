"""The sentences of Announced: what is so, for whom, what to do. Their reasons are API."""

import pytest

from pointsman.model.verdicts.announcement import (
    Announced,
    ForeignController,
    NoAddress,
    NoEligibleNode,
    NoPeer,
    NoServingEndpoint,
    NoSession,
    NotAnnounced,
)
from pointsman.model.verdicts.base import Verdict

WEB = "default/web"


@pytest.mark.parametrize(
    ("verdict", "reason", "status", "sentence"),
    [
        pytest.param(
            Announced(WEB, ("198.51.100.0",)),
            "Announced",
            "True",
            "Service default/web: 198.51.100.0 is advertised over BGP with every eligible node "
            "as next hop.",
            id="one address",
        ),
        pytest.param(
            Announced(WEB, ("198.51.100.0", "2001:db8::1"), local=True, notes=("But so.",)),
            "Announced",
            "True",
            "Service default/web: 198.51.100.0 and 2001:db8::1 are advertised over BGP with every "
            "eligible node with a serving endpoint as next hop. But so.",
            id="two addresses, Local, and a note",
        ),
        pytest.param(
            NoAddress(WEB),
            "NoAddress",
            "False",
            "Service default/web has no address to announce: see its condition "
            "pointsman.dev/Allocated.",
            id="no address",
        ),
        pytest.param(
            NoServingEndpoint(WEB),
            "NoServingEndpoint",
            "False",
            "Service default/web is withdrawn: it has no endpoint that serves. Start a Pod that "
            "its selector matches and that becomes ready.",
            id="nothing serves",
        ),
        pytest.param(
            NoEligibleNode(WEB, ("node1 is not Ready", "node2 is drained"), at="2001:db8::1"),
            "NoEligibleNode",
            "False",
            "2001:db8::1 of Service default/web is withdrawn, because no node may carry its "
            "traffic: node1 is not Ready; node2 is drained. Lift one of these rules.",
            id="one address of several, and the rules",
        ),
        pytest.param(
            NoEligibleNode(WEB, ()),
            "NoEligibleNode",
            "False",
            "Service default/web is withdrawn: the cluster has no Node.",
            id="a cluster without Nodes",
        ),
        pytest.param(
            NoPeer(WEB, "there is no BgpPeer"),
            "NoPeer",
            "False",
            "Service default/web is not announced: there is no BgpPeer.",
            id="no router",
        ),
        pytest.param(
            NoSession(WEB, ("a", "b", "c")),
            "NoSession",
            "False",
            "Service default/web reaches no router: there has been no session with a, b and c for "
            "a minute. See the condition Established of the BgpPeer.",
            id="no session",
        ),
        pytest.param(
            NotAnnounced(WEB, "somebody else does"),
            "NotAnnounced",
            "False",
            "Service default/web is not announced: somebody else does.",
            id="left to others",
        ),
        pytest.param(
            ForeignController(WEB, ("203.0.113.9",)),
            "ForeignController",
            "False",
            "Service default/web is left alone: 203.0.113.9 came from another load balancer. Run "
            "the manager with --require-class, or set spec.loadBalancerClass, so that each Service "
            "has one.",
            id="another controller's",
        ),
        pytest.param(
            ForeignController(WEB, (), ("198.51.100.0", "2001:db8:100::")),
            "ForeignController",
            "False",
            "Service default/web is left alone for a while: another controller takes away "
            "198.51.100.0 and 2001:db8:100:: again and again. Stop it from serving this Service, "
            "or run the manager with --require-class and set spec.loadBalancerClass, so that each "
            "Service has one. Pointsman tries again now and then, and at once when the Service is "
            "changed.",
            id="another controller that takes ours away",
        ),
    ],
)
def test_sentences(verdict: Verdict, reason: str, status: str, sentence: str) -> None:
    assert (verdict.reason, verdict.status, str(verdict)) == (reason, status, sentence)
