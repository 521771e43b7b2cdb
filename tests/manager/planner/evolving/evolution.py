"""A cluster that changes at random, as snapshots: users, controllers, nodes, routers, we ourselves.

Most steps change one thing, as an event does; some change several, as a manager sees it that was
busy; some change nothing but who is who: equal objects that are others, mappings in another order.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from manager.planner.desired import Plan
from manager.snapshot import EipName, NodeName, Observed, Settings, Snapshot
from pointsman.model.route import PeerName
from tests.manager.planner.evolving.life import START, slices_of, with_slices
from tests.manager.planner.evolving.objects import NODES
from tests.manager.planner.evolving.ours import Ours
from tests.manager.planner.evolving.speakers import Speakers
from tests.manager.planner.evolving.theirs import Theirs
from tests.manager.planner.evolving.things import Things

K = TypeVar("K")
V = TypeVar("V")


class Evolution(Ours, Theirs, Things, Speakers):
    """One story, from its *seed*. `snapshot` is the cluster now; `step` goes on."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        speakers = self.rng.choice([1, 1, 1, 2, 4])
        self.snapshot = Snapshot(
            nodes={NodeName(name): self._make.node(name) for name in NODES[:3]},
            namespaces={"a": {"team": "red"}, "b": {}},
            cluster_uid="cluster",
            announcers={NodeName(name): self._make.announcer(name) for name in NODES[:3]},
            eips={EipName("public"): self._make.eip("public")},
            bgp_confs={"default": self._make.conf("default")},
            bgp_peers={PeerName("tor-1"): self._make.peer("tor-1")},
            secrets={("bgp", "there"): "geheim"},
            secrets_read=True,
            speakers=(Observed(),) * speakers,
            settings=Settings(
                speakers=speakers,
                speaker_name="m1",
                require_class=self._make.odd(0.1),
                replicas=self.rng.choice([None, None, 1, 2]),
            ),
            taken_at=START,
        )
        for _ in range(5):
            self._service()

    def step(self, decided: Plan) -> str:
        """Let something happen, given the plan of the snapshot now; return what it was."""
        count = self.rng.choice([1, 1, 1, 1, 2, 5])
        names = [self._happen(decided) for _ in range(count)]
        self._forward(self.rng.choice([0, 1, 1, 4, 12, 70]))
        return ", ".join(names)

    def _happen(self, decided: Plan) -> str:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (20, partial(self._all_applied, decided)),
            (5, partial(self._some_applied, decided)),
            (4, partial(self._speaker_applied, decided)),
            (2, partial(self._statuses_applied, decided)),
            (8, self._service),
            (4, self._other_wishes),
            (3, self._no_service),
            (2, self._touched),
            (3, self._status_edited),
            (10, self._slices),
            (1, self._no_slices),
            (5, self._node),
            (1, self._no_node),
            (3, self._announcer),
            (4, partial(self._announcers_applied, decided)),
            (1, self._assigned_by_hand),
            (3, self._conflict),
            (3, self._heartbeats),
            (4, self._eip),
            (1, self._no_eip),
            (3, self._peer),
            (1, self._no_peer),
            (2, self._conf),
            (1, self._namespace),
            (1, self._settings),
            (1, self._secrets),
            (6, self._session),
            (2, self._silence),
            (2, self._restart),
            (2, self._stray_path),
            (2, self._putting),
            (3, self._pending),
            (2, self._shuffled),
            (1, self._copied),
        ]
        (deed,) = self.rng.choices([one for _, one in deeds], [weight for weight, _ in deeds])
        deed()
        found = deed.func if isinstance(deed, partial) else deed
        return found.__name__.strip("_")

    def _shuffled(self) -> None:
        now = self.snapshot

        def mixed(found: Mapping[K, V]) -> dict[K, V]:
            items = list(found.items())
            return dict(self.rng.sample(items, len(items)))

        self._become(
            services=mixed(now.services),
            nodes=mixed(now.nodes),
            eips=mixed(now.eips),
            bgp_peers=mixed(now.bgp_peers),
            announcers=mixed(now.announcers),
        )
        found = slices_of(now)
        self.snapshot = with_slices(self.snapshot, self.rng.sample(found, len(found)))

    def _copied(self) -> None:
        """Every object is another one, and equal."""
        self.snapshot = copy.deepcopy(self.snapshot)
