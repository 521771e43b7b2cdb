"""Addresses that no Service has any more are nobody's until the other replicas follow."""

from ipaddress import ip_address

from manager.replicas.released import Released
from manager.replicas.timing import RELEASED_MOST_S
from manager.snapshot import Ingress, Service, ServiceKey
from pointsman.model.version import Version

IP = ip_address("198.51.100.7")


def services(**addresses: str) -> Version[ServiceKey, Service]:
    found = Version[ServiceKey, Service]()
    for name, text in addresses.items():
        one = Service("shop", name, ingress=(Ingress(text),) if text else ())
        found.set(one.key, one)
    return found


def released(*then: Version[ServiceKey, Service]) -> Released:
    one = Released()
    for version, seen in enumerate(then, 10):
        one.see(seen, version, 0.0)
    return one


def test_a_deleted_service_and_one_that_gave_it_back_are_alike() -> None:
    for after in (services(), services(web="")):
        one = released(services(web=str(IP)), after)
        assert one.follow(10, 0.1) == {IP}
        assert one.follow(11, 0.2) == frozenset()
        assert one.follow(0, 0.3) == frozenset()  # what is done with stays done with


def test_what_stood_free_at_the_start_is_waited_for_by_nobody() -> None:
    assert released(services()).follow(0, 0.0) == frozenset()


def test_nobody_is_there_to_wait_for() -> None:
    one = released(services(web=str(IP)), services())
    assert one.follow(None, 0.1) == frozenset()


def test_one_that_never_follows_is_not_waited_for_for_ever() -> None:
    one = released(services(web=str(IP)), services())
    assert one.follow(0, RELEASED_MOST_S - 1) == {IP}
    assert one.follow(0, RELEASED_MOST_S + 1) == frozenset()


def test_who_gets_it_back_ends_the_wait() -> None:
    one = released(services(web=str(IP)), services(), services(web=str(IP)))
    assert one.follow(0, 0.1) == frozenset()


def test_the_same_set_is_the_same_object() -> None:
    one = released(services(web=str(IP)), services())
    assert one.follow(0, 0.1) is one.follow(0, 0.2)
