"""A report as a status and back; the models of the API as the independent reader."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.status_codec import FIELDS, from_status, status_patch, to_status
from agent.planner.desired import (
    AddressConflict,
    Report,
    ReportedInterface,
    ReportedRoute,
    Withheld,
)
from agent.snapshot import ProxyHealth
from pointsman.api import AnnouncerStatus
from pointsman.model.address import Family
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.record import ConditionValue
from pointsman.wire.heartbeat_keys import key_text
from tests.merging import merged

NOW = datetime(2026, 11, 23, 10, 0, 0, 999_999, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
REPORT = Report(
    version="1.2.3",
    interfaces=(
        ReportedInterface(
            "eth0",
            "02:00:00:00:00:11",
            up=True,
            addresses=(ip_interface("192.0.2.11/24"), ip_interface("2001:db8:2::11/64")),
        ),
    ),
    default_routes=(
        ReportedRoute(Family.IPV4, "eth0", ip_address("192.0.2.1")),
        ReportedRoute(Family.IPV6, "eth0", None),
    ),
    proxy=ProxyHealth.HEALTHY,
    conditions={"Ready": ConditionValue("True", "Reporting", "It reports.")},
    generation=7,
    withheld=(
        Withheld(ip_address("192.0.2.7"), "the link hears nobody"),
        Withheld(ip_address("192.0.2.8"), "no interface", ip_address("192.0.2.90")),
    ),
    conflicts=(
        AddressConflict(
            ip_address("2001:db8:2::7"), "eth0", "02:00:00:00:00:99", "2026-11-23T09:00:00Z"
        ),
    ),
    strict_arp=False,
    net_admin=True,
    arriving=(
        Arriving(ip_address("192.0.2.7"), ip_address("203.0.113.10"), "2026-11-23T09:59:59Z"),
    ),
    quiet=Quiet(7, "2026-11-23T09:59:59.250000Z", "2026-11-23T10:00:03.500000Z"),
    arriving_unmeasured="the link's packets pass by XDP",
)
STATUS: dict[str, Any] = {
    "agentVersion": "1.2.3",
    "interfaces": [
        {
            "name": "eth0",
            "mac": "02:00:00:00:00:11",
            "up": True,
            "addresses": ["192.0.2.11/24", "2001:db8:2::11/64"],
        }
    ],
    "defaultRoute": {
        "ipv4": {"gateway": "192.0.2.1", "interface": "eth0"},
        "ipv6": {"interface": "eth0"},
    },
    "proxy": {"healthy": True},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Reporting",
            "message": "It reports.",
            "lastTransitionTime": "2026-11-23T10:00:00Z",
        }
    ],
    "observedGeneration": 7,
    "withheld": [
        {"address": "192.0.2.7", "reason": "the link hears nobody"},
        {"address": "192.0.2.8", "through": "192.0.2.90", "reason": "no interface"},
    ],
    "conflicts": [
        {
            "address": "2001:db8:2::7",
            "interface": "eth0",
            "mac": "02:00:00:00:00:99",
            "since": "2026-11-23T09:00:00Z",
        }
    ],
    "strictARP": False,
    "netAdmin": True,
    "arriving": [
        {"address": "192.0.2.7", "source": "203.0.113.10", "last": "2026-11-23T09:59:59Z"}
    ],
    "quiet": {
        "observedGeneration": 7,
        "since": "2026-11-23T09:59:59.250000Z",
        "until": "2026-11-23T10:00:03.500000Z",
    },
    "arrivingUnmeasured": "the link's packets pass by XDP",
}

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
UNMAPPED = st.integers(2**48, 2**128 - 1).map(IPv6Address)  # others are never reported
interfaces = st.builds(
    ReportedInterface,
    name=words,
    mac=words | st.just(""),
    up=st.booleans(),
    addresses=st.lists(
        st.builds(lambda ip, n: IPv4Interface((ip, n)), st.ip_addresses(v=4), st.integers(0, 32))
        | st.builds(
            lambda ip, n: IPv6Interface((ip, n)),
            UNMAPPED,
            st.integers(0, 128),
        ),
        max_size=3,
    ).map(tuple),
)
GATEWAYS = st.none() | UNMAPPED
reports = st.builds(
    Report,
    version=words,
    interfaces=st.lists(interfaces, max_size=3).map(tuple),
    default_routes=st.lists(
        st.builds(ReportedRoute, st.sampled_from(Family), words, GATEWAYS),
        max_size=2,
        unique_by=lambda route: route.family,
    ).map(lambda routes: tuple(sorted(routes, key=lambda route: route.family.value))),
    proxy=st.sampled_from([ProxyHealth.OFF, ProxyHealth.HEALTHY, ProxyHealth.UNHEALTHY]),
    conditions=st.dictionaries(words, st.builds(ConditionValue, words, words, words), max_size=2),
    host=words | st.just(""),
    public_key=st.just("") | st.binary(min_size=32, max_size=32).map(key_text),
    generation=st.integers(0, 9),
    withheld=st.lists(
        st.builds(Withheld, st.ip_addresses(v=4), words, st.none() | st.ip_addresses(v=4)),
        max_size=2,
    ).map(tuple),
    conflicts=st.lists(
        st.builds(AddressConflict, UNMAPPED, words, words, st.just("2026-11-23T09:00:00Z")),
        max_size=2,
    ).map(tuple),
    strict_arp=st.none() | st.booleans(),
    net_admin=st.none() | st.booleans(),
    arriving=st.lists(
        st.builds(Arriving, UNMAPPED, st.ip_addresses(v=4), st.just("2026-11-23T09:00:00Z")),
        max_size=2,
    ).map(tuple),
    quiet=st.none() | st.builds(Quiet, st.integers(1, 9), words, words),
    arriving_unmeasured=words | st.just(""),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def test_a_report_in_full() -> None:
    assert to_status(REPORT, {}, now=NOW) == STATUS


@given(reports)
def test_every_report_comes_back(report: Report) -> None:
    assert from_status(to_status(report, {}, now=NOW)) == report


@given(reports)
def test_the_models_of_the_api_read_the_same(report: Report) -> None:
    conditions = {
        key: ConditionValue("True", one.reason, one.message)
        for key, one in report.conditions.items()
    }
    sane = replace(report, conditions=conditions)
    status = to_status(sane, {}, now=NOW)
    model = AnnouncerStatus.model_validate(status)
    dumped = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    empty = {
        key for key in ("arriving", "conflicts", "withheld") if not dumped[key]
    }  # nothing, if absent
    assert {key: value for key, value in dumped.items() if key not in empty} == status
    assert set(AnnouncerStatus.model_json_schema()["properties"]) == set(FIELDS)


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    same = to_status(REPORT, STATUS, now=LATER)
    assert same["conditions"][0]["lastTransitionTime"] == "2026-11-23T10:00:00Z"
    reworded = Report(
        "1", conditions={"Ready": ConditionValue("True", "Reporting", "Other words.")}
    )
    status = to_status(reworded, STATUS, now=LATER)
    assert status["conditions"][0]["lastTransitionTime"] == "2026-11-23T10:00:00Z"
    turned = Report("1", conditions={"Ready": ConditionValue("False", "NoAddress", "None.")})
    moved = to_status(turned, STATUS, now=LATER)
    assert moved["conditions"][0]["lastTransitionTime"] == "2026-11-23T11:00:00Z"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({}, id="wiped"),
        pytest.param(None, id="never written"),
        pytest.param("text", id="not even a mapping"),
        pytest.param(STATUS | {"interfaces": None}, id="a field emptied"),
        pytest.param(STATUS | {"interfaces": [{"name": "eth0"}]}, id="an interface cut short"),
        pytest.param(STATUS | {"conditions": STATUS["conditions"] * 2}, id="a condition twice"),
        pytest.param(STATUS | {"proxy": {"healthy": "yes"}}, id="text for a boolean"),
        pytest.param(STATUS | {"defaultRoute": ["eth0"]}, id="a list for a mapping"),
        pytest.param(STATUS | {"defaultRoute": {"ipv4": {"gateway": "x"}}}, id="no address"),
        pytest.param(
            STATUS | {"conditions": [{**STATUS["conditions"][0], "lastTransitionTime": ""}]},
            id="a condition without its time",
        ),
    ],
)
def test_what_no_agent_wrote_is_no_report(damage: object) -> None:
    assert from_status(damage) is None


def test_fields_of_a_newer_schema_are_passed_over() -> None:
    interface = {**STATUS["interfaces"][0], "speed": 10}
    assert from_status(STATUS | {"interfaces": [interface], "answering": []}) == REPORT


@given(json_values)
def test_any_json_is_a_report_or_none(value: object) -> None:
    assert from_status(value) is None
    assert from_status(STATUS | {"interfaces": value, "proxy": value}) != REPORT


@given(json_values | reports.map(lambda report: to_status(report, {}, now=NOW)), reports)
def test_the_patch_leads_from_anything_to_the_report(observed: Any, report: Report) -> None:
    before = observed if isinstance(observed, dict) else {}
    desired = to_status(report, before, now=NOW)
    after = merged(before, status_patch(before, desired))
    assert {key: value for key, value in after.items() if key in FIELDS} == desired
    assert {k: v for k, v in after.items() if k not in FIELDS} == {
        k: v for k, v in before.items() if k not in FIELDS
    }


def test_the_patch_names_only_what_changed_and_nulls_what_goes() -> None:
    quieter = Report("1.2.3", REPORT.interfaces, REPORT.default_routes[:1], ProxyHealth.OFF)
    desired = to_status(quieter, STATUS, now=LATER)
    assert status_patch(STATUS, desired) == {
        "arriving": None,
        "arrivingUnmeasured": None,
        "conditions": [],
        "conflicts": None,
        "defaultRoute": {"ipv6": None},
        "netAdmin": None,
        "observedGeneration": None,
        "proxy": None,
        "quiet": None,
        "strictARP": None,
        "withheld": None,
    }
    assert status_patch(STATUS, STATUS) == {}


def test_the_host_is_reported_where_it_is_known() -> None:
    status = to_status(replace(REPORT, host="worker-1"), {}, now=NOW)
    assert status == {**STATUS, "agentHost": "worker-1"}
    assert from_status(status) != from_status(STATUS)
