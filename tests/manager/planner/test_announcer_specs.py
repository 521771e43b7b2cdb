"""One spec of several parts: keys that protocols share are joined, and read back as written."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from manager.adapters.kubernetes import codec
from manager.planner.announcer_specs import as_read_back, assignments_in, joined, routes_in
from manager.snapshot import Assigned
from pointsman.api import AnnouncerSpec
from pointsman.model.assignment import MOST_ASSIGNMENTS, MOST_UNREACHABLE, Unreachable
from tests.manager.planner.layer2.lan import agent

MINE = {"interface": "eth0", "responder": "Node", "addresses": ["192.0.2.64"]}
KERNELS = {"interface": "dummy-pointsman", "responder": "Kernel", "addresses": ["203.0.113.0"]}


def route(prefix: str, *, redistribute: bool) -> dict[str, Any]:
    return {"prefix": prefix, "redistribute": redistribute}


def test_keys_of_one_part_stay_as_they_are() -> None:
    heard: dict[str, Any] = {"managers": []}
    drain: dict[str, Any] = {"drain": {"phase": "Withdrawn"}}
    assert joined((heard, None, {}, drain)) == heard | drain
    only = {"assignments": [MINE], "announcing": 1}
    assert joined((only, heard))["assignments"] is only["assignments"]


def test_what_is_assigned_is_joined_in_order_and_counted_together() -> None:
    layer2 = {"assignments": [MINE], "announcing": 1}
    kernel = {"assignments": [KERNELS], "announcing": 2}
    assert joined((layer2, kernel)) == {"assignments": [KERNELS, MINE], "announcing": 3}


def test_of_two_routes_to_one_prefix_there_is_one_and_a_router_picks_it_up() -> None:
    far, six = route("10.0.0.0/8", redistribute=True), route("2001:db8::/64", redistribute=False)
    near = [route("203.0.113.0/24", redistribute=flag) for flag in (False, True)]
    for bgp, kernel in ((near[0], near[1]), (near[1], near[0])):
        parts = ({"unreachable": [bgp, six]}, {"unreachable": [far, kernel]})
        assert joined(parts) == {"unreachable": [far, near[1], six]}


def test_what_comes_of_it_is_no_more_than_the_api_takes() -> None:
    entries = [{**MINE, "interface": f"e{n:03}"} for n in range(MOST_ASSIGNMENTS)]
    routes = [route(f"10.{n >> 8}.{n & 255}.0/24", redistribute=True) for n in range(200)]
    more = [route(f"11.{n >> 8}.{n & 255}.0/24", redistribute=False) for n in range(200)]
    spec = joined(
        (
            {"assignments": entries, "unreachable": more},
            {"assignments": [KERNELS], "unreachable": routes},
        )
    )
    assert (len(spec["assignments"]), len(spec["unreachable"])) == (
        MOST_ASSIGNMENTS,
        MOST_UNREACHABLE,
    )
    assert KERNELS in spec["assignments"]
    assert sum(one["redistribute"] for one in spec["unreachable"]) == 200
    assert spec["unreachable"][0]["prefix"] == "10.0.0.0/24"
    AnnouncerSpec.model_validate(spec)


def test_of_one_part_alone_it_is_no_more_either() -> None:
    entries = [{**MINE, "interface": f"e{n:03}"} for n in range(MOST_ASSIGNMENTS + 1)]
    routes = [route(f"10.{n >> 8}.{n & 255}.0/24", redistribute=True) for n in range(300)]
    spec = joined(({"assignments": entries, "unreachable": routes},))
    assert (len(spec["assignments"]), len(spec["unreachable"])) == (
        MOST_ASSIGNMENTS,
        MOST_UNREACHABLE,
    )
    AnnouncerSpec.model_validate(spec)


def test_what_is_read_back_is_what_a_server_would_show() -> None:
    spec = {
        "assignments": [KERNELS, {**MINE, "probe": ["192.0.2.64"], "announceRate": 10}],
        "announcing": 2,
        "unreachable": [route("10.0.0.0/8", redistribute=True)],
    }
    before = replace(agent("node1"), generation=4, executes=3)
    after = as_read_back(before, spec)
    shown = codec.announcer({"metadata": {"name": "node1"}, "spec": spec})
    assert (after.assignments, after.unreachable) == (shown.assignments, shown.unreachable)
    assert after.unreachable == (Unreachable(ip_network("10.0.0.0/8"), True),)
    assert after.assignments[0] == Assigned(
        "dummy-pointsman", "Kernel", (ip_address("203.0.113.0"),)
    )
    assert after.executes == 4
    assert as_read_back(after, spec) is after
    bare = as_read_back(after, {})
    assert (bare.assignments, bare.unreachable) == ((), ())
    assert (assignments_in({}), routes_in({})) == ([], [])
