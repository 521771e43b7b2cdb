"""Services that share an address: who may join, who has to leave, when it is free."""

import pytest

from e2e import cluster
from e2e.addresses import words
from e2e.bed import Bed
from e2e.witness import Witness

pytestmark = pytest.mark.lab

ADDRESS = "198.51.100.64"
NOTES = {"eip": "shared", "share-key": "front"}


def ports(number: int) -> list[dict[str, int]]:
    return [{"port": number, "targetPort": 8080}]


def test_sharers_answer_on_one_address_and_the_last_frees_it(lab: Bed) -> None:
    words.eip(lab, "shared", f"{ADDRESS}/30")
    cluster.make(lab, "web", notes=NOTES)
    assert cluster.settled(lab, "web") == ADDRESS
    cluster.make(lab, "api", notes=NOTES, ports=ports(81))
    words.has(lab, "api", ADDRESS)
    lab.wait("an answer of web", lambda: lab.get(ADDRESS, 80))
    lab.wait("an answer of api", lambda: lab.get(ADDRESS, 81))
    with Witness(lab) as events:
        cluster.make(lab, "rival", notes=NOTES)
        words.refused(lab, "rival", "ShareConflict", ADDRESS, "default/web", "TCP/80")
        assert cluster.addresses(lab, "rival") == []  # never silently another one
        cluster.make(lab, "local", notes=NOTES, ports=ports(82), externalTrafficPolicy="Local")
        words.refused(
            lab, "local", "ShareConflict", "externalTrafficPolicy Cluster, this one Local"
        )
        cluster.delete(lab, "web")
        words.has(lab, "rival", ADDRESS)  # the port is free
        lab.wait("an answer of rival", lambda: lab.get(ADDRESS, 80))
        lab.wait("an answer of api", lambda: lab.get(ADDRESS, 81))
        # the one that changes its terms is the one that leaves
        words.patch(lab, "service/api", {"spec": {"ports": ports(80)}})
        words.refused(lab, "api", "ShareConflict", "default/rival", "TCP/80")
        words.has(lab, "api")
        words.has(lab, "rival", ADDRESS)
        words.restarted(lab)
        words.patch(lab, "service/api", {"spec": {"ports": ports(81)}})
        words.has(lab, "api", ADDRESS)
        lab.wait("an answer of api", lambda: lab.get(ADDRESS, 81))
        cluster.delete(lab, "rival")
        words.patch(lab, "eip/shared", {"spec": {"priority": 7}})
        words.read(lab, "shared")
        words.has(lab, "api", ADDRESS)
    assert events.about(ADDRESS) == []  # one address, one route, whoever shares it
    lab.wait("an answer of api", lambda: lab.get(ADDRESS, 81))
    cluster.delete(lab, "local")
    cluster.make(lab, "alone", notes={"addresses": ADDRESS})
    words.refused(lab, "alone", "AddressInUse", "default/api")
    cluster.delete(lab, "api")
    assert cluster.settled(lab, "alone") == ADDRESS


def test_the_only_holder_may_change_its_key_and_its_ports(lab: Bed) -> None:
    words.eip(lab, "shared", f"{ADDRESS}/30")
    cluster.make(lab, "web", notes=NOTES)
    assert cluster.settled(lab, "web") == ADDRESS
    words.patch(lab, "service/web", {"spec": {"ports": ports(8443)}})
    lab.kubectl("annotate", "--overwrite", "service/web", "pointsman.dev/share-key=back")
    recorded = lambda: '"key":"back"' in cluster.notes(cluster.get(lab, "web"))["shared-as"]  # noqa: E731
    lab.wait("the new terms", recorded)
    words.has(lab, "web", ADDRESS)
    lab.wait("an answer", lambda: lab.get(ADDRESS, 8443))
