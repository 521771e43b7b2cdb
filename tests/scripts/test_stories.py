"""Every story against its transcript, and told again by each expander."""

from pathlib import Path

import pytest

from tests.scripts import laws
from tests.scripts.story import FOLDER, Story, stories, tell
from tests.scripts.table import Table, replayed, table, transcript
from tests.scripts.world import World, shuffler

FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "base.yaml")
ALL = [
    pytest.param(story, id=f"{path.stem}: {story.name}")
    for path in FILES
    for story in stories(path)
]
each_story = pytest.mark.parametrize("story", ALL)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_the_transcript(path: Path, update: bool) -> None:
    found = "\n\n".join("\n".join(transcript(story)) for story in stories(path)) + "\n"
    golden = path.with_suffix(".txt")
    if update:
        golden.write_text(found)
    assert golden.read_text() == found


def plainly(story: Story) -> list[Table]:
    """The tables of *story* as it is written."""
    world = story.world()
    return [table(world, decided) for decided, _, _ in replayed(story, world)]


@each_story
def test_laws(story: Story) -> None:
    world = story.world()
    for decided, tables, _ in replayed(story, world):
        laws.hold(world, decided)
        laws.nothing_lost_on_the_way(tables)


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
def test_a_speaker_that_restarts_is_told_anew_and_no_service_is_written(story: Story) -> None:
    if story.speaker:
        return  # the story says why
    world = story.world()
    for _ in replayed(story, world):
        before = world.snapshot().routes
        world.speakers = ()
        world.settle()
        assert (world.snapshot().routes, world.writes) == (before, [])


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


def states(story: Story) -> list[World]:
    """What users would have in their files after each step: no status of ours."""
    world, found = story.world(), []
    for step in story.steps:
        tell(world, step)
        found.append(world.restarted())
    return found


def become(world: World, state: World) -> None:
    """Make the objects of *world* those of *state*, as `kubectl apply --prune` would."""
    for name in world.docs.keys() - state.docs.keys():
        world.delete(name)
    for doc in state.docs.values():
        world.put(doc)
    world.down, world.single = dict(state.down), set(state.single)
    world.now = max(world.now, state.now)


@each_story
def test_reversed(story: Story) -> None:
    world = story.world()
    for state in [*reversed(states(story)), *states(story)]:
        become(world, state)
        decided, tables = world.settle()
        laws.hold(world, decided)
        laws.nothing_lost_on_the_way(tables)
