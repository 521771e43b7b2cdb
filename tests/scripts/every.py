"""Every story as a parameter, for the files whose tests are told all of them."""

import pytest

from tests.scripts.story import FOLDER, stories

FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "base.yaml")
each_story = pytest.mark.parametrize(
    "story",
    [
        pytest.param(story, id=f"{path.stem}: {story.name}")
        for path in FILES
        for story in stories(path)
    ],
)
