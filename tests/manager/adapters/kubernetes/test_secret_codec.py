"""What in a Secret may be a password, from the API server and from files."""

from base64 import b64encode
from typing import Any

import pytest

from manager.adapters.kubernetes.fields import Malformed
from manager.adapters.kubernetes.objects import snapshot_of
from manager.adapters.kubernetes.secret_codec import LONGEST, secret


def b64(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({"data": {"k": b64(b"hush")}}, {"k": "hush"}, id="data is base64"),
        pytest.param({"stringData": {"k": "hush"}}, {"k": "hush"}, id="stringData is text"),
        pytest.param(
            {"data": {"k": b64(b"old")}, "stringData": {"k": "new"}}, {"k": "new"}, id="which wins"
        ),
        pytest.param({"data": {"k": b64(b"\xff\xfe")}}, {}, id="bytes that are no text"),
        pytest.param({"data": {"k": "not base64!"}}, {}, id="text that is no base64"),
        pytest.param({"data": {"k": "pässword"}}, {}, id="text that is not even ASCII"),
        pytest.param({"data": {"k": b64(b"x" * (LONGEST + 1))}}, {}, id="a file"),
        pytest.param({"data": {"k": ""}}, {"k": ""}, id="an empty entry is there, and empty"),
        pytest.param({}, {}, id="nothing in it"),
        pytest.param({"data": ["k"]}, {}, id="a list where entries belong"),
    ],
)
def test_entries(raw: dict[str, Any], expected: dict[str, str]) -> None:
    found = secret({"metadata": {"name": "routers"}} | raw)
    assert (found.name, found.entries) == ("routers", expected)
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        (None, "A Secret in namespace default has no metadata.name; give it one."),
        ({"namespace": "shop"}, "A Secret in namespace shop has no metadata.name; give it one."),
    ],
)
def test_a_secret_without_a_name(metadata: object, sentence: str) -> None:
    with pytest.raises(Malformed) as refused:
        secret({"kind": "Secret", "metadata": metadata})
    assert str(refused.value) == sentence


@pytest.mark.parametrize("metadata", [True, {"name": 5}, {"name": "a", "namespace": {"b": 1}}])
def test_a_secret_whose_metadata_is_no_text(metadata: object) -> None:
    with pytest.raises(Malformed):
        secret({"kind": "Secret", "metadata": metadata})


def test_files_may_hold_passwords_and_one_that_is_not_there_is_unknown() -> None:
    raw = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "routers", "namespace": "pointsman-system"},
        "stringData": {"tor-1": "hush"},
    }
    snapshot, problems = snapshot_of([raw])
    assert (snapshot.secrets, problems) == ({("routers", "tor-1"): "hush"}, ())
    assert not snapshot.secrets_read
    assert "hush" not in repr(snapshot)
