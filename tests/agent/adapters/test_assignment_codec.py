"""The Announcer's spec as the agent reads it: what the models write, and anything else."""

from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.assignment_codec import assignment_of
from agent.snapshot import Assignment
from pointsman.api import AnnouncerSpec
from pointsman.model.address import address_order
from pointsman.model.heartbeats import MOST_MANAGERS, ManagerEndpoint
from pointsman.model.ranges import read_address
from pointsman.wire.heartbeat_keys import key_text

KEY = key_text(bytes(range(32)))
GOOD = {"name": "manager-a", "address": "192.0.2.10", "port": 7470, "publicKey": KEY}
UNMAPPED = st.integers(2**48, 2**128 - 1).map(IPv6Address)  # the API takes no others
ADDRESSES = st.ip_addresses(v=4) | UNMAPPED


def announcer(spec: Any, generation: Any = 3) -> dict[str, Any]:
    return {"metadata": {"name": "node1", "generation": generation}, "spec": spec}


def names(spec: Any) -> list[str]:
    return [one.name for one in assignment_of(announcer(spec)).managers]


@given(
    st.lists(
        st.builds(
            ManagerEndpoint,
            st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True),
            ADDRESSES,
            st.integers(1, 65_535),
            st.binary(min_size=32, max_size=32),
        ),
        unique_by=lambda one: one.name,
        max_size=4,
    )
)
def test_what_the_models_of_the_api_write_is_read(managers: list[ManagerEndpoint]) -> None:
    entries = [
        {
            "name": one.name,
            "address": str(one.address),
            "port": one.port,
            "publicKey": key_text(one.key),
        }
        for one in managers
    ]
    model = AnnouncerSpec.model_validate({"managers": entries})
    spec = model.model_dump(by_alias=True, mode="json")
    assert spec["managers"] == entries
    found = assignment_of(announcer(spec))
    assert found == Assignment(3, tuple(sorted(managers, key=lambda one: one.name)))
    for one in found.managers:
        assert address_order(one.address) == address_order(read_address(str(one.address)))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(None, id="nothing"),
        pytest.param("manager-a", id="text"),
        pytest.param(GOOD | {"name": ""}, id="no name"),
        pytest.param(GOOD | {"name": 7}, id="a number for a name"),
        pytest.param(GOOD | {"address": "manager.example"}, id="a host name"),
        pytest.param(GOOD | {"port": 0}, id="port 0"),
        pytest.param(GOOD | {"port": True}, id="a truth for a port"),
        pytest.param(GOOD | {"port": "7470"}, id="text for a port"),
        pytest.param(GOOD | {"publicKey": KEY[:-1]}, id="a short key"),
        pytest.param({"name": "manager-a"}, id="a name alone"),
    ],
)
def test_what_cannot_be_read_is_left_out_alone(bad: Any) -> None:
    assert names({"managers": [bad, GOOD | {"name": "manager-b"}]}) == ["manager-b"]


@pytest.mark.parametrize("spec", [None, [], "text", {}, {"managers": {}}, {"managers": None}])
def test_a_spec_of_another_shape_names_nobody(spec: Any) -> None:
    assert assignment_of(announcer(spec)) == Assignment(3)


@pytest.mark.parametrize("generation", [None, "7", True, -1, 1.5])
def test_a_generation_that_is_no_number_is_none(generation: Any) -> None:
    assert assignment_of(announcer({}, generation)).generation == 0


def test_more_managers_than_the_api_takes_are_not_followed() -> None:
    many = [GOOD | {"name": f"m{n:02}"} for n in range(MOST_MANAGERS + 3)]
    assert len(names({"managers": many})) == MOST_MANAGERS
