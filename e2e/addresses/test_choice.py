"""Which Eip and which address a Service gets, and what it is told while it gets none."""

import time

import pytest

from conftest import Say
from e2e import cluster
from e2e.addresses import words
from e2e.addresses.words import TEAM, TEAM_LABEL, service
from e2e.bed import Bed

pytestmark = pytest.mark.lab

# name, annotations, spec, reason, parts of the sentence
REFUSALS = [
    ("full", {"eip": "one"}, {}, "AddressPoolExhausted", ["'one'", "Widen"]),
    ("busy", {"addresses": "198.51.100.64"}, {}, "AddressInUse", ["default/holder"]),
    ("outside", {"addresses": "203.0.113.77"}, {}, "AddressOutsideEips", ["203.0.113.77"]),
    ("excluded", {"addresses": "198.51.100.73"}, {}, "AddressExcluded", ["'holes'"]),
    ("router", {"addresses": "192.0.2.1"}, {}, "AddressExcluded", ["BgpPeer tor-1"]),
    ("family", {"addresses": "2001:db8:100::1"}, {}, "WrongFamily", ["IPv4"]),
    ("nowhere", {"eip": "nowhere"}, {}, "EipNotFound", ["'nowhere'"]),
    ("closed", {"eip": "closed"}, {}, "EipDisabled", ["'closed' is disabled"]),
    ("stranger", {"eip": "members"}, {}, "NotAdmitted", ["'members'", "spec.namespaces"]),
    ("typo", {"addresses": "198.51.100.300"}, {}, "InvalidAnnotation", ["198.51.100.300"]),
    ("clash", {"share-key": "k", "addresses": "198.51.100.80"}, {}, "ShareConflict", ["TCP/80"]),
    (
        "both",
        {"eip": "holes"},
        {"ipFamilyPolicy": "RequireDualStack"},
        "WaitingForFamily",
        ["'holes' has no IPv6 addresses"],
    ),
]


def test_every_refusal_is_told_by_kubectl_describe(lab: Bed) -> None:
    words.eip(lab, "one", "198.51.100.64")
    words.eip(lab, "holes", "198.51.100.72/30", exclude=["198.51.100.73"])
    words.eip(lab, "closed", "198.51.100.96/30", disabled=True)
    words.eip(lab, "members", "198.51.100.100/30", namespaces=[TEAM])
    words.eip(lab, "lan", "192.0.2.0/29", "198.51.100.80")
    words.apply(
        lab,
        service("holder", notes={"eip": "one"}),
        service("mate", notes={"share-key": "k", "addresses": "198.51.100.80"}),
    )
    words.has(lab, "holder", "198.51.100.64")
    words.has(lab, "mate", "198.51.100.80")
    cases = [service(name, notes=notes, **spec) for name, notes, spec, _, _ in REFUSALS]
    words.apply(lab, *cases)
    sentences = {
        name: words.refused(lab, name, reason, f"default/{name}", *parts)
        for name, _, _, reason, parts in REFUSALS
    }
    described = lab.kubectl("describe", "service", *sentences).split("\n\n\n")
    for (name, _, _, reason, _), text in zip(REFUSALS, described, strict=True):
        assert text.split()[:2] == ["Name:", name]
        # kubectl cuts annotations after 140 characters; the Event has it whole
        assert f"pointsman.dev/status: {sentences[name][:99]}" in " ".join(text.split())
        (event_line,) = [
            line for line in text.splitlines() if line.split()[:2] == ["Warning", reason]
        ]
        assert sentences[name] in event_line
    # a family that is held stays when the other one is not to be had
    words.patch(lab, "service/holder", {"spec": {"ipFamilyPolicy": "RequireDualStack"}})
    words.refused(lab, "holder", "WaitingForFamily", "keeps 198.51.100.64")
    # nobody is a default
    words.patch(lab, "eip/public", {"spec": {"default": False}})
    words.read(lab, "public")
    words.apply(lab, service("plain"))
    words.refused(lab, "plain", "NoDefaultEip", "default: true")
    words.patch(lab, "eip/public", {"spec": {"default": True}})
    words.has(lab, "plain", "198.51.100.0")
    sentence = cluster.reported(lab, "plain", "Allocated", "True", "Allocated")
    given = [("Normal", "Allocated", sentence)]
    lab.wait(
        "its one Event",
        lambda: (
            given == [event for event in cluster.events(lab, "plain") if event[1] == "Allocated"]
        ),
    )


def test_admission_holds_for_a_named_eip_and_follows_labels(lab: Bed) -> None:
    words.team(lab)
    words.eip(lab, "team", "198.51.100.64/30", namespaces=[TEAM])
    named = {"eip": "team"}
    words.apply(lab, service("member", namespace=TEAM, notes=named), service("guest", notes=named))
    words.refused(lab, "guest", "NotAdmitted", "Eip 'team' does not admit it (spec.namespaces)")
    member = f"{words.SERVICES.format(namespace=TEAM)}/member"
    lab.wait("an address", lambda: lab.api.get(member)["status"]["loadBalancer"].get("ingress"))

    selector = {"matchLabels": {TEAM_LABEL: "a"}}
    words.patch(lab, "eip/team", {"spec": {"namespaces": None, "namespaceSelector": selector}})
    sentence = "Eip 'team' does not admit it (spec.namespaceSelector)"
    cluster.reported(lab, "guest", "Allocated", "False", "NotAdmitted", sentence)
    lab.kubectl("label", "namespace", "default", f"{TEAM_LABEL}=a")
    words.has(lab, "guest", "198.51.100.65")
    lab.kubectl("label", "namespace", "default", f"{TEAM_LABEL}-")

    virtual = {"pointsman.dev/service-name": "chosen"}
    own = {"namespaceSelector": None, "serviceSelector": {"matchLabels": virtual}}
    words.patch(lab, "eip/team", {"spec": own})
    words.read(lab, "team")
    liar = service("liar", notes=named)
    liar["metadata"]["labels"] = virtual
    words.apply(lab, liar, service("chosen", notes=named))
    words.refused(lab, "liar", "NotAdmitted", "(spec.serviceSelector)")
    words.has(lab, "chosen", "198.51.100.66")
    words.has(lab, "guest", "198.51.100.65")  # admission was for the grant; held is held
    why = words.explained(lab, "service", "default/liar")
    assert why["allocated"]["reason"] == "NotAdmitted"
    assert {"eip": "team", "family": "IPv4"}.items() <= why["eips"][-1].items()
    assert "(spec.serviceSelector)" in why["eips"][-1]["why"]


def test_a_list_of_eips_is_tried_in_order_for_each_family(lab: Bed) -> None:
    words.eip(lab, "small", "198.51.100.64")
    words.eip(lab, "spare", "198.51.100.72/30")
    words.eip(lab, "six", "2001:db8:100::64")
    notes = {"eip": "small,spare,six"}
    cluster.make(lab, "first", notes=notes, ipFamilyPolicy="RequireDualStack")
    assert cluster.held(lab, "first", 2) == ["198.51.100.64", "2001:db8:100::64"]
    words.booked(lab, "first", "small/198.51.100.64", "six/2001:db8:100::64")
    cluster.routed(lab, "2001:db8:100::64", "123")
    assert cluster.settled(lab, "first") == "198.51.100.64"
    lab.wait("an answer", lambda: lab.get("2001:db8:100::64"))
    cluster.make(lab, "second", notes=notes)
    assert cluster.settled(lab, "second") == "198.51.100.72"
    words.booked(lab, "second", "spare/198.51.100.72")


def test_a_requested_address_is_had_waited_for_and_explained(lab: Bed, say: Say) -> None:
    cluster.make(lab, "byspec", loadBalancerIP="198.51.100.9")
    cluster.make(lab, "bynote", notes={"addresses": "198.51.100.7"}, loadBalancerIP="198.51.100.9")
    assert cluster.settled(lab, "byspec") == "198.51.100.9"
    assert cluster.settled(lab, "bynote") == "198.51.100.7"  # the annotation wins
    cluster.make(lab, "later", loadBalancerIP="198.51.100.9")
    cluster.make(lab, "last", notes={"addresses": "198.51.100.7"})
    for name, holder in (("later", "default/byspec"), ("last", "default/bynote")):
        words.refused(lab, name, "AddressInUse", holder)
    story = words.explained(lab, "address", "198.51.100.9")
    assert story["holders"] == story["recorded"] == ["default/byspec"]
    assert (story["bookedOn"], story["routed"]) == ("public", True)
    (waiting,) = story["waiting"]
    assert waiting["candidate"] == "Service default/later"
    assert "default/byspec" in waiting["why"]

    began = time.monotonic()
    cluster.delete(lab, "byspec")
    words.patch(lab, "service/bynote", {"spec": {"type": "ClusterIP"}})
    assert cluster.settled(lab, "later") == "198.51.100.9"
    assert cluster.settled(lab, "last") == "198.51.100.7"
    took_s = time.monotonic() - began
    say(f"two freed addresses are their next holders' and answer after {took_s * 1000:.0f} ms")
    assert took_s < cluster.SOON_S
    story = words.explained(lab, "service", "default/later")
    assert story["addresses"] == story["recorded"]["addresses"] == ["198.51.100.9"]
    conditions = cluster.verdicts(cluster.get(lab, "later"))
    for aspect in ("allocated", "announced"):
        assert {*story[aspect].values()} == {*conditions[aspect.capitalize()]}
