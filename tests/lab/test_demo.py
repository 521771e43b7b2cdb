"""How the story is told; that it is true is seen with the whole product."""

from typing import cast

import pytest

from lab.demo import Story, Untrue, ingress
from lab.handle import Lab
from lab.topology import Broken


class Stage:
    """A lab in which the first look decides."""

    def wait(self, what: str, look: object, *, timeout_s: float) -> None:
        if not callable(look) or not look():
            raise Broken(f"Waited {timeout_s:g} s in vain for {what}.")


def test_what_is_true_is_remembered_and_what_is_not_ends_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = Story(cast(Lab, Stage()))
    story.claim("water is wet", lambda: True)
    with pytest.raises(Untrue, match="in vain for pigs fly"):
        story.claim("pigs fly", lambda: False)
    first, second = story.table().splitlines()
    assert first.startswith("seen      water is wet")
    assert second.startswith("NOT SEEN  pigs fly")
    assert "NOT AS TOLD  pigs fly" in capsys.readouterr().out


def test_a_service_without_a_status_has_no_address() -> None:
    class Api:
        def get(self, path: str) -> dict[str, object]:
            return {"status": {"loadBalancer": {}}} if path.endswith("/web") else {}

    class Fake:
        api = Api()

    assert ingress(cast(Lab, Fake()), "web") == ingress(cast(Lab, Fake()), "other") == []
