"""What a replica says of its view of the API: after an absence it is fresh once it was listed."""

from dataclasses import dataclass, field

from manager.replicas.own_view import OwnView
from pointsman.wire.heartbeat import View


@dataclass
class Lease:
    leading: bool = False
    fresh: bool = False
    holder: str = "other"


@dataclass
class Cluster:
    rechecked: bool = True
    asked: int = 0
    frozen: bool = False

    def recheck(self) -> None:
        self.asked, self.rechecked = self.asked + 1, False


@dataclass
class Rig:
    lease: Lease = field(default_factory=Lease)
    cluster: Cluster = field(default_factory=Cluster)
    view: OwnView = field(init=False)

    def __post_init__(self) -> None:
        self.view = OwnView(self.lease, self.cluster, frozen=lambda: self.cluster.frozen)

    def is_fresh(self) -> bool:
        return View.FRESH in self.view()[0]


def test_a_start_lists_nothing_twice() -> None:
    rig = Rig()
    assert not rig.is_fresh()
    rig.lease.fresh = True
    assert rig.is_fresh()
    assert not rig.cluster.asked


def test_after_an_absence_it_lists_once_before_it_is_fresh() -> None:
    rig = Rig(Lease(fresh=True))
    assert rig.is_fresh()
    rig.lease.fresh = False
    assert not rig.is_fresh()
    rig.lease.fresh = True
    assert not rig.is_fresh()
    assert not rig.is_fresh()
    assert rig.cluster.asked == 1
    rig.cluster.rechecked = True
    assert rig.is_fresh()
    assert rig.cluster.asked == 1


def test_one_that_suspects_itself_is_not_fresh() -> None:
    rig = Rig(Lease(fresh=True, leading=True))
    rig.cluster.frozen = True
    assert rig.view() == (View.LEADS, "other")
    rig.cluster.frozen = False
    assert rig.view() == (View.LEADS | View.FRESH, "other")
