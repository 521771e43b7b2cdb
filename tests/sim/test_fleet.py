"""Agents and managers over a bad network: nobody alive is called dead, every death is found.

A failing seed prints its story; `make sim SEED=7` tells that one again, `SEED=1-2000` many.
"""

import pytest

from pointsman.model.liveness import Liveness
from tests.sim.fleet_luck import Luck
from tests.sim.seeds import seeds

TROUBLES = 8


@pytest.mark.sim
@pytest.mark.parametrize("seed", seeds(6))
def test_no_living_node_is_called_dead_and_every_death_is_found_in_time(seed: int) -> None:
    luck = Luck(seed)
    luck.run(TROUBLES)
    story = "\n".join(luck.fleet.story)
    assert not luck.wrong, f"seed {seed}: {luck.wrong}\n{story}"
    assert not luck.late, f"seed {seed}: {luck.late}\n{story}"
    # When all is mended and calm, everybody is alive to everybody, and nothing is frozen.
    luck.fleet.run(90.0)
    for manager in luck.fleet.managers.values():
        assert set(manager.judgement.liveness.values()) == {Liveness.Alive}, story
        assert not manager.judgement.frozen, story
