"""The whole of it: real dumps, the proof, order, and input that means harm."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from cli.migration import files
from cli.migration.files import texts
from cli.migration.inventory import inventory
from cli.migration.migrate import drafted
from cli.migration.steps import steps
from pointsman.model.dialects import DIALECTS
from tests.cli.migration.making import dump, field, made_of, refusals, theirs
from tests.cli.running import answer, write

POOL = theirs("IPAddressPool", "metallb.io/v1beta1", {"addresses": ["198.51.100.0/28"]}, "good")
PEER = {"myASN": 64501, "peerASN": 64500, "peerAddress": "192.0.2.1"}


@pytest.mark.parametrize("name", DIALECTS)
def test_no_address_of_a_cluster_moves_and_all_is_valid(name: str) -> None:
    made = made_of(name, *dump(name))
    assert made.proof.holding >= 2
    assert made.proof.moves == made.proof.waiting == made.proof.problems == ()
    assert made.problems == ()
    assert refusals(made) == []
    assert made.notes
    assert len(made.steps) >= 7


@pytest.mark.parametrize("name", DIALECTS)
def test_the_order_of_objects_shows_nowhere(name: str) -> None:
    objects = dump(name)
    first = made_of(name, *objects)
    for seed in range(3):
        random.Random(seed).shuffle(objects)
        again = made_of(name, *objects)
        assert list(texts(again.draft, again.served)) == list(texts(first.draft, first.served))
        assert (again.notes, again.proof, again.steps) == (first.notes, first.proof, first.steps)


@pytest.mark.parametrize("name", DIALECTS)
def test_our_own_plan_of_the_files_keeps_every_address(name: str, tmp_path, capsys) -> None:
    """The proof, done a second time by hand: the dump with what was written, through `plan`."""
    objects = dump(name)
    made = made_of(name, *objects)
    files.write(made.draft, made.served, tmp_path / "out")
    core = [one for one in objects if one["apiVersion"] == "v1" and one["kind"] != "ConfigMap"]
    cluster = write(tmp_path / "cluster.yaml", *core)
    shape = answer(capsys, "plan", "--offline", "-f", cluster, str(tmp_path / "out"))
    for key, held in made.served.holds.items():
        if key not in made.served.bound:  # a class can't be changed by applying a file
            assert set(held) <= set(shape["services"]["/".join(key)]["addresses"])


def test_writing_again_over_files_is_refused(tmp_path) -> None:
    from pointsman.runtime.errors import Failed

    made = made_of("metallb", *dump("metallb"))
    written = files.write(made.draft, made.served, tmp_path)
    assert [path.name for path in written] == [
        "bgpconf.yaml", "bgppeers.yaml", "eips.yaml", "services.yaml",
    ]  # fmt: skip
    with pytest.raises(Failed, match="is there already"):
        files.write(made.draft, made.served, tmp_path)


def test_a_password_is_nobody_elses_to_read(tmp_path) -> None:
    made = made_of("openelb", *dump("openelb"))
    files.write(made.draft, made.served, tmp_path)
    assert (tmp_path / "secrets.yaml").stat().st_mode & 0o077 == 0


def test_a_text_that_looks_like_a_number_is_a_text_for_kubectl_too() -> None:
    """`08` and `1e3` are numbers for kubectl, `y` is true: each would be refused."""
    peer = theirs("BGPPeer", "metallb.io/v1beta2", {**PEER, "password": "0987"}, "08")
    meta = {"namespace": "default", "labels": {"commit": "12e5", "y": "n"}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    asks = {"metallb.io/address-pool": "good"}
    web = theirs("Service", "v1", spec, "web", annotations=asks, **meta)
    made = made_of("metallb", POOL, peer, web)
    found = "".join(text for _, text in texts(made.draft, made.served))
    for line in ("password: '0987'", "name: '08'", "commit: '12e5'", "'y': 'n'"):
        assert line in found


# --- input that means harm -------------------------------------------------------------------

DEEP: Any = "x"
for _ in range(200):
    DEEP = {"a": DEEP}
NONSENSE = [
    None,
    True,
    7,
    -1,
    1.5,
    "",
    "x",
    "\x1b[2J\n",
    "9" * 5000,
    [],
    ["x"],
    [[]],
    {},
    {"": {}},
    DEEP,
]


def everything_in(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(raw, dict):
        return [(*path, k) for k in raw] + [
            p for k in raw for p in everything_in(raw[k], (*path, k))
        ]
    if isinstance(raw, list):
        return [p for k, one in enumerate(raw) for p in everything_in(one, (*path, k))]
    return []


@pytest.mark.parametrize("name", DIALECTS)
def test_no_value_anywhere_ends_it_or_spreads(name: str) -> None:
    """Each field of a dump holds nonsense once: of a kind chosen by chance."""
    objects, chance = dump(name), random.Random(7)
    whole, _ = drafted(inventory([("x", one) for one in objects]), DIALECTS[name])
    for index, one in enumerate(objects):
        for path in everything_in(one):
            for value in chance.sample(NONSENSE, 1):
                changed = put(one, path, value)
                found = inventory(
                    [("x", each) for each in (*objects[:index], changed, *objects[index + 1 :])]
                )
                draft, served = drafted(found, DIALECTS[name])
                lost = whole.objects.keys() - draft.objects.keys()
                assert len(lost) <= 2, (path, value)  # it, and what hangs on it
                words = "".join(map(str, draft.notes))
                words += "".join(steps(draft, served, DIALECTS[name], "DIR"))
                assert words.isprintable(), (path, value)


@pytest.mark.parametrize("name", DIALECTS)
def test_our_planner_reads_the_worst_of_services(name: str) -> None:
    """What nonsense in a Service comes to goes through the whole: the proof has its own reader."""
    objects = dump(name)
    for value in NONSENSE:
        for path in (("metadata", "annotations"), ("status",), ("spec", "loadBalancerClass")):
            changed = [put(one, path, value) if one["kind"] == "Service" else one
                       for one in objects]  # fmt: skip
            proof = made_of(name, *changed).proof
            assert not proof.moves or proof.problems or proof.waiting  # it is said why


def put(raw: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(raw)
    inside = changed
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    "raw", [None, 7, "x", [], {}, {"kind": 7}, {"kind": "Eip", "apiVersion": "x", "metadata": 3}]
)
def test_what_is_no_object_is_said_and_the_rest_counts(raw: object) -> None:
    made = made_of("metallb", raw, POOL)
    assert ("Eip", "good") in made.draft.objects
    assert bool(made.problems) is (raw is not None)


@pytest.mark.parametrize(
    ("spec", "ours", "expected", "words"),
    [
        ({"addresses": ["nonsense", "198.51.100.0/28"]}, "addresses", ["198.51.100.0/28"],
         "neither an address"),
        ({"addresses": ["198.51.100.0/28"], "serviceAllocation": {"priority": 10**12}}, "addresses",
         ["198.51.100.0/28"], "spec.priority"),
    ],
)  # fmt: skip
def test_what_an_api_server_would_refuse_is_left_out_alone(
    spec: Any, ours: str, expected: Any, words: str
) -> None:
    made = made_of("metallb", {**POOL, "spec": spec})
    assert field(made, "Eip", ours, "good") == expected
    assert any(words in note.text for note in made.notes)


@pytest.mark.parametrize(
    "allocation",
    [{"namespaces": ["No Namespace"]}, {"serviceSelectors": [{"matchLabels": {"no label": "x"}}]}],
)
def test_what_would_serve_others_without_a_field_is_left_out_as_a_whole(allocation: Any) -> None:
    spec = {"addresses": ["198.51.100.0/28"], "serviceAllocation": allocation}
    made = made_of("metallb", {**POOL, "spec": spec}, {**POOL, "metadata": {"name": "other"}})
    assert made.draft.objects.keys() == {("Eip", "other")}
    assert any("no API server would take it" in note.text for note in made.notes)


def test_an_unknown_field_is_named() -> None:
    made = made_of("metallb", {**POOL, "spec": {**POOL["spec"], "novelty": {"a": 1}}})
    assert [str(note) for note in made.notes if "novelty" in note.field] == [
        "IPAddressPool good, spec.novelty: pointsman migrate doesn't know this field, so nothing "
        "came of it"
    ]
