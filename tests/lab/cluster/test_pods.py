import json

import pytest

from lab.cluster.pods import answer, pod_name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.244.1.10", "node1-pod1"),
        ("10.244.1.12", "node1-pod3"),
        ("2001:db8:244:1::11", "node1-pod2"),
    ],
)
def test_a_pod_is_named_after_its_address(address: str, name: str) -> None:
    assert pod_name("node1", address) == name


def test_one_line_of_three_words() -> None:
    reply = answer("node1", local="10.244.1.10", remote="203.0.113.10", accepts_json=False)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert body == b"node1 node1-pod1 203.0.113.10\n"
    assert f"Content-Length: {len(body)}".encode() in head


def test_the_same_as_json() -> None:
    reply = answer("node1", local="10.244.1.10", remote="::ffff:203.0.113.10", accepts_json=True)
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["client"] == "203.0.113.10"
