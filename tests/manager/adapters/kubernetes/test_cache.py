from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.cache import Cache
from pointsman.model.version import changed


def raw(name: str = "node1", version: int = 1, uid: str = "u1", **labels) -> dict:
    meta = {"name": name, "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"kind": "Node", "metadata": meta}


class Rig:
    def __init__(self) -> None:
        self.wakes = self.parses = 0
        self.cache = Cache(key=lambda n: n.name, parse=self._parse, wake=self._wake)

    def _parse(self, obj):
        self.parses += 1
        return codec.node(obj)

    def _wake(self) -> None:
        self.wakes += 1

    def list(self, *raws: dict, version: str = "9") -> None:
        found = map(self.cache.read, raws)
        self.cache.replace_all(found, version, begun_at=self.cache.writes)


def test_an_object_is_parsed_once_per_change() -> None:
    rig = Rig()
    rig.list(raw(version=3))
    rig.cache.put(raw(version=3))
    rig.list(raw(version=3))
    assert (rig.parses, rig.wakes) == (1, 1)


def test_what_was_handed_out_never_changes() -> None:
    rig = Rig()
    rig.list(raw())
    before = rig.cache.items
    rig.cache.put(raw("node2"))
    assert list(before) == ["node1"]
    assert list(rig.cache.items) == ["node1", "node2"]


def test_an_empty_list_is_in_sync_and_said_once() -> None:
    rig = Rig()
    rig.list()
    rig.list()
    assert (rig.cache.synced, rig.wakes) == (True, 1)


def test_the_answer_to_our_write_outlives_older_events() -> None:
    rig = Rig()
    rig.list(raw(version=5))
    rig.cache.replace(raw(version=8, ours="yes"))
    rig.cache.put(raw(version=7, ours="no"))
    assert rig.cache.items["node1"].labels == {"ours": "yes"}
    rig.cache.put(raw(version=9, ours="newer"))
    assert rig.cache.items["node1"].labels == {"ours": "newer"}


def test_a_watch_that_goes_backwards_is_not_followed_but_a_list_is() -> None:
    rig = Rig()
    rig.list(raw(version=5, state="granted"))
    rig.cache.put(raw(version=7, state="edited"))
    rig.cache.put(raw(version=4, state="created"))
    assert rig.cache.items["node1"].labels == {"state": "edited"}
    rig.list(raw(version=4, state="restored"))
    assert rig.cache.items["node1"].labels == {"state": "restored"}
    rig.cache.put(raw(version=2, uid="u2", state="another object"))
    assert rig.cache.items["node1"].labels == {"state": "another object"}


def test_a_list_begun_before_our_write_does_not_undo_it() -> None:
    rig = Rig()
    begun_at = rig.cache.writes
    rig.cache.replace(raw(version=8, ours="yes"))
    rig.cache.replace(raw("created", version=9))
    found = [rig.cache.read(raw(version=5, ours="no"))]
    rig.cache.replace_all(found, "6", begun_at=begun_at)
    assert rig.cache.items["node1"].labels == {"ours": "yes"}
    assert "created" in rig.cache.items


def test_a_list_begun_after_our_write_is_the_truth_even_from_a_restored_backup() -> None:
    rig = Rig()
    rig.cache.replace(raw(version=800, ours="yes"))
    rig.list(raw(version=5, ours="restored"))
    assert rig.cache.items["node1"].labels == {"ours": "restored"}


def test_what_is_distrusted_while_a_list_is_read_is_read_again() -> None:
    rig = Rig()
    rig.list(raw(version=5, state="seen"))
    found = [rig.cache.read(raw(version=5, state="restored"))]
    rig.cache.distrust()
    rig.cache.replace_all(found, "6", begun_at=rig.cache.writes)
    rig.list(raw(version=5, state="restored"))
    assert rig.cache.items["node1"].labels == {"state": "restored"}


def test_a_repeated_deletion_spares_the_successor() -> None:
    rig = Rig()
    rig.list(raw(uid="u2"))
    rig.cache.remove(raw(uid="u1"))
    assert "node1" in rig.cache.items
    rig.cache.remove(raw(uid="u2"))
    assert not rig.cache.items


def test_a_malformed_change_keeps_what_was_known() -> None:
    rig = Rig()
    rig.list(raw(version=1, zone="a"))
    bad = raw(version=2)
    bad["metadata"]["labels"] = ["zone"]
    rig.cache.put(bad)
    assert rig.cache.items["node1"].labels == {"zone": "a"}
    assert list(rig.cache.malformed.values()) == [
        "Node node1: metadata.labels is a list; write an object (key: value)."
    ]
    rig.cache.put(raw(version=3, zone="b"))
    assert rig.cache.items["node1"].labels == {"zone": "b"}
    assert not rig.cache.malformed


def test_a_malformed_successor_is_not_mistaken_for_its_predecessor() -> None:
    rig = Rig()
    rig.list(raw(uid="u1"))
    bad = raw(version=2, uid="u2")
    bad["spec"] = []
    rig.cache.put(bad)
    assert not rig.cache.items
    rig.list()
    assert not rig.cache.malformed


OBJECTS = st.builds(
    raw,
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 9),
    st.sampled_from(["u1", "u2"]),
    step=st.sampled_from("xyz"),
)


@given(
    events=st.lists(st.tuples(st.sampled_from(["put", "remove", "replace"]), OBJECTS)),
    truth=st.dictionaries(st.sampled_from(["a", "b", "c"]), OBJECTS),
)
def test_after_any_stream_of_events_a_list_makes_it_equal(events, truth) -> None:
    rig = Rig()
    for number, (change, obj) in enumerate(events):
        obj["metadata"]["resourceVersion"] += f"{number:03}"  # a version names one state
        getattr(rig.cache, change)(obj)
    for name, obj in truth.items():
        obj["metadata"] |= {"name": name, "resourceVersion": "9999"}
    rig.list(*truth.values(), version="9999")
    assert rig.cache.items == {name: codec.node(obj) for name, obj in truth.items()}


def test_a_list_names_what_changed_and_keeps_the_objects_that_did_not() -> None:
    rig = Rig()
    rig.list(raw("a"), raw("b"), raw("c"))
    before = rig.cache.items
    rig.cache.distrust()  # so that all are read again
    rig.list(raw("a", version=7), raw("b", version=8, zone="b"), raw("d"))
    now = rig.cache.items
    assert now["a"] is before["a"]
    assert (now.follows(before), now.turned) == (True, {"b", "c", "d"})


def test_nothing_new_is_the_same_mapping_and_single_keys_lend_nothing() -> None:
    rig = Rig()
    rig.list(raw("a"), raw("b"))
    before = rig.cache.items
    rig.cache.put(raw("a", version=2))  # a heartbeat
    assert rig.cache.items is before
    rig.cache.put(raw("a", version=3, zone="a"))
    now = rig.cache._values
    assert rig.cache.get("a") is now["a"]
    rig.cache.put(raw("b", version=3, zone="b"))
    assert rig.cache._values is now  # nobody has read it all: no copy was made


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.none(), st.none()),
        st.tuples(
            st.sampled_from(["put", "replace", "remove"]),
            st.sampled_from("abcd"),
            st.sampled_from("xy"),
        ),
        st.tuples(
            st.just("list"),
            st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")),
            st.booleans(),
        ),
    ),
    max_size=20,
)


@given(CHANGES)
def test_what_is_handed_out_says_how_it_differs_from_the_last(changes: list) -> None:
    rig = Rig()
    before, lent = rig.cache.items, []
    for number, (change, what, how) in enumerate([*changes, ("read", None, None)], start=1):
        if change == "read":
            now = rig.cache.items
            assert changed(now, before) >= changed(dict(now), dict(before))
            lent.append((now, dict(now)))
            before = now
        elif change == "list":
            if how:
                rig.cache.distrust()
            rig.list(*(raw(n, number, zone=zone) for n, zone in what.items()), version=str(number))
        elif change == "remove":
            rig.cache.remove(raw(what, number))
        else:
            getattr(rig.cache, change)(raw(what, number, zone=how))
    assert all(items == copy for items, copy in lent)
