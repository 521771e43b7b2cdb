"""Every story against its transcript, and told again by each expander."""

from pathlib import Path

import pytest

from tests.scripts import laws
from tests.scripts.every import FILES, each_story
from tests.scripts.story import Story, stories, tell
from tests.scripts.table import Table, replayed, table, transcript
from tests.scripts.world import shuffler


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_the_transcript(path: Path, update: bool) -> None:
    found = "\n\n".join("\n".join(transcript(story)) for story in stories(path)) + "\n"
    golden = path.with_suffix(".txt")
    if update:
        golden.write_text(found)
    assert golden.read_text() == found


PLAINLY: dict[str, list[Table]] = {}  # nearly every test below asks for it


def plainly(story: Story) -> list[Table]:
    """The tables of *story* as it is written."""
    name = repr(story)
    if name not in PLAINLY:
        world = story.world()
        PLAINLY[name] = [table(world, decided) for decided, _, _ in replayed(story, world)]
    return PLAINLY[name]


@each_story
@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled(story: Story, seed: int) -> None:
    world = story.world()
    world.order = shuffler(seed)
    assert [table(world, decided) for decided, _, _ in replayed(story, world)] == plainly(story)


@each_story
def test_a_restart_after_each_step_changes_nothing(story: Story) -> None:
    world, expected = story.world(), plainly(story)
    for step, wanted in zip(story.steps, expected, strict=True):
        tell(world, step)
        world = world.restarted()  # between the change and the manager's answer
        decided, _ = world.settle()
        assert table(world, decided) == wanted
        before, world = world, world.restarted()
        world.settle()
        assert (world.docs, world.speakers) == (before.docs, before.speakers)
        assert (world.writes, world.events) == ([], [])


@each_story
def test_a_restart_in_the_middle_of_a_step_changes_nothing(story: Story) -> None:
    world, expected = story.world(), plainly(story)
    for step, wanted in zip(story.steps, expected, strict=True):
        tell(world, step)
        for _ in range(3):
            world.step()
            world = world.restarted()
        decided, _ = world.settle()
        assert table(world, decided) == wanted


@each_story
def test_duplicated(story: Story) -> None:
    world, expected = story.world(), plainly(story)
    for step, wanted in zip(story.steps, expected, strict=True):
        for again in (step, {**step, "clock": 0}):
            tell(world, again)
            decided, _ = world.settle()
        assert table(world, decided) == wanted


@each_story
def test_squashed_to_the_last_state(story: Story) -> None:
    world = story.world()
    for step in story.steps:
        tell(world, step)
    decided, _ = world.settle()
    laws.hold(world, decided)
    if not story.history:  # else the story says why its end depends on the way
        assert table(world, decided) == plainly(story)[-1]
