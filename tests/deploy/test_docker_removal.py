"""The Docker bed's end, before a Docker that somebody else asks as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest
import requests

from e2e.containers import removal
from e2e.containers.daemon import Daemon
from lab.errors import Broken

OURS, THEIRS = "pointsman-ours", "pointsman-theirs"


def refusal(status: int, words: str) -> docker.errors.APIError:
    answer = requests.Response()
    answer.status_code = status
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    return kind(words, response=answer, explanation=words)


GONE = refusal(404, "No such container")
IN_PROGRESS = refusal(409, "removal of container is already in progress")
IN_USE = refusal(403, "network has active endpoints")


@dataclass
class Thing:
    """A container or a network: what its removals are answered, one after the other."""

    name: str
    answers: list[Exception] = field(default_factory=list)
    label: str = OURS
    gone: bool = False

    def remove(self, **_: object) -> None:
        answer = self.answers.pop(0) if self.answers else None
        # Somebody else's removal comes to its end, too.
        self.gone = not self.answers
        if answer is not None:
            raise answer


class Listed:
    """docker-py's containers, or its networks."""

    def __init__(self, *things: Thing) -> None:
        self.things = things

    def list(self, *, filters: dict[str, str], **_: object) -> Sequence[Thing]:
        name = filters["label"].partition("=")[2]
        return [one for one in self.things if not one.gone and name in ("", one.label)]


class FakeDocker:
    def __init__(self, *containers: Thing, networks: tuple[Thing, ...] = ()) -> None:
        self.containers, self.networks = Listed(*containers), Listed(*networks)
        self.closed = False

    def close(self) -> None:
        self.closed = True


def stubborn(name: str) -> Thing:
    return Thing(name, [IN_USE] * 1000)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([], id="nobody else asks"),
        pytest.param([GONE], id="it is gone since it was listed"),
        pytest.param([IN_PROGRESS], id="somebody else removes it"),
        pytest.param([IN_PROGRESS, IN_PROGRESS, GONE], id="for a while"),
        pytest.param([IN_USE, IN_USE], id="it is in use for a while"),
        pytest.param([requests.ConnectionError("reset")], id="the connection is lost"),
    ],
)
def test_nothing_is_left_whatever_docker_answers(answers: list[Exception], tmp_path: Path) -> None:
    client = FakeDocker(
        Thing("web"), Thing("one", list(answers)), networks=(Thing("lan", list(answers)),)
    )
    with Daemon(OURS, tmp_path, client):
        pass
    assert all(one.gone for one in (*client.containers.things, *client.networks.things))
    assert client.closed


def test_what_another_bed_has_is_left_alone(tmp_path: Path) -> None:
    theirs = Thing("theirs", label=THEIRS)
    with Daemon(OURS, tmp_path, FakeDocker(Thing("ours"), theirs)):
        assert not theirs.gone
    assert not theirs.gone


def test_one_that_stays_keeps_no_other_from_going_and_is_said() -> None:
    client = FakeDocker(stubborn("first"), Thing("second"), networks=(Thing("lan"),))
    (words,) = removal.clear(client, OURS, timeout_s=0)
    assert "first" in words
    assert "active endpoints" in words
    assert "second" not in words
    assert [one.gone for one in client.containers.things] == [False, True]
    assert client.networks.things[0].gone


def test_the_tests_own_failure_is_not_hidden(tmp_path: Path) -> None:
    client = FakeDocker(stubborn("first"))
    with (
        pytest.raises(AssertionError, match="the test's own") as caught,
        Daemon(OURS, tmp_path, client, removed_within_s=0),
    ):
        raise AssertionError("the test's own")
    assert any("first" in note for note in caught.value.__notes__)
    assert client.closed


def test_what_stays_is_a_failure_where_nothing_else_was_one(tmp_path: Path) -> None:
    client = FakeDocker(stubborn("first"))
    with (
        pytest.raises(Broken, match="first"),
        Daemon(OURS, tmp_path, client, removed_within_s=0),
    ):
        pass
    assert client.closed
