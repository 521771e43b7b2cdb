from ipaddress import IPv4Address
from typing import Any

import pytest

from pointsman.api import AnnouncerSpec, parse

KEY = "A" * 43 + "="
MANAGER = {"name": "manager-a", "address": "192.0.2.10", "port": 7470, "publicKey": KEY}


def test_a_manager_is_read_into_values() -> None:
    spec, sentence = parse(AnnouncerSpec, {"managers": [MANAGER]})
    assert sentence == ""
    assert spec is not None
    (manager,) = spec.managers
    assert (manager.address, manager.port) == (IPv4Address("192.0.2.10"), 7470)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"publicKey": "key"}, '"key" is no X25519 public key', id="no key"),
        pytest.param({"publicKey": KEY[1:] + "="}, "44 characters of base64", id="padded twice"),
        pytest.param({"address": "manager.example"}, "is no address", id="a host name"),
        pytest.param({"port": 0}, "spec.managers[0].port", id="port 0"),
        pytest.param({"name": ""}, "spec.managers[0].name", id="no name"),
    ],
)
def test_a_manager_nobody_can_send_to_is_refused(change: dict[str, Any], sentence: str) -> None:
    spec, found = parse(AnnouncerSpec, {"managers": [MANAGER | change]})
    assert spec is None
    assert sentence in found
