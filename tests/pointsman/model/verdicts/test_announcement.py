"""The sentences of Announced: what is so, for whom, what to do. Their reasons are API."""

import pytest

from pointsman.model.verdicts.announcement import (
    Announced,
    NoAddress,
    NoEligibleNode,
    NoPeer,
    NoServingEndpoint,
    NoSession,
    NotAnnounced,
    OnNodeNetwork,
    OnNodes,
    StrictARPRequired,
    Withheld,
)
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.coexistence import ForeignController

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
            Announced(WEB, on_nodes=(OnNodes("203.0.113.0"), OnNodes("203.0.113.1")), local=True),
            "Announced",
            "True",
            "Service default/web: 203.0.113.0 and 203.0.113.1 are addresses of every eligible "
            "node with a serving endpoint, for a router there to advertise.",
            id="addresses of the nodes",
        ),
        pytest.param(
            Announced(
                WEB,
                on_nodes=(OnNodes("203.0.113.0", "203.0.113.0/28"),),
                missing=(Withheld("203.0.113.0", "node2", "the kernel refuses it."),),
            ).joined(Announced(WEB, on_nodes=(OnNodes("2001:db8::7"),))),
            "Announced",
            "True",
            "Service default/web: 203.0.113.0 lies in 203.0.113.0/28, to which every eligible "
            "node has a route for a router there to advertise; 2001:db8::7 is an address of every "
            "eligible node, for a router there to advertise. node2 does not have 203.0.113.0 now: "
            "the kernel refuses it.",
            id="an aggregate of theirs, and an address",
        ),
        pytest.param(
            OnNodeNetwork(WEB, ("node1 is itself on 192.0.2.0/24 (eth0)",), "192.0.2.64"),
            "OnNodeNetwork",
            "False",
            "192.0.2.64 of Service default/web is not announced, because the address lies in a "
            "network of the nodes, where neighbors ask for it by ARP and no router leads to it: "
            "node1 is itself on 192.0.2.0/24 (eth0). Use addresses of no such network with "
            "protocol kernel, or protocol layer2 for these.",
            id="an address of the nodes' own network",
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


def test_whose_kernels_answer_too_is_said_with_the_remedy() -> None:
    one, two = (str(StrictARPRequired("a/web", nodes)) for nodes in (("node2",), ("n1", "n2")))
    assert one.startswith("Service a/web is not announced: node2 has Service addresses on")
    assert "n1 and n2 have Service addresses" in two
    assert "net.ipv4.conf.all.arp_ignore=1" in one
