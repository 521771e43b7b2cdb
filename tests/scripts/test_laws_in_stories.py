"""The laws hold in every story: as it is written, backwards, and when a speaker restarts.

Beside `test_stories.py`, not in it: files run side by side, and this is half of the work.
Nothing here asks for the tables of the story as it is written.
"""

from tests.scripts import laws
from tests.scripts.every import each_story
from tests.scripts.ipams import Ipam
from tests.scripts.story import Story, tell
from tests.scripts.table import replayed
from tests.scripts.world import World


@each_story
def test_laws(story: Story) -> None:
    world = story.world()
    for decided, tables, _ in replayed(story, world):
        laws.hold(world, decided)
        laws.nothing_lost_on_the_way(tables)


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
    for name, ipam in state.ipams.items():
        world.ipams.setdefault(name, Ipam()).become(ipam)
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
