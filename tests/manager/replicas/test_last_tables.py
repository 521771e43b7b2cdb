"""What stood here a moment before another replica was heard last."""

from manager.replicas.last_tables import LastTables
from manager.replicas.timing import BEHIND_S
from pointsman.model.replicas import Held


def table() -> tuple[Held, ...]:
    return ({},)


OLD, MIDDLE, NEW = table(), table(), table()


def test_it_is_at_least_as_old_as_a_replica_may_be_behind() -> None:
    tables = LastTables(OLD, 0.0)
    for held, at_s in ((MIDDLE, 0.5), (MIDDLE, BEHIND_S), (NEW, 1.5)):
        tables.note(held, at_s)
        assert tables.standing is OLD
    tables.note(NEW, 2 * BEHIND_S)
    assert tables.standing is MIDDLE
    tables.note(NEW, 3 * BEHIND_S)
    assert tables.standing is NEW
