import io
import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.running import (
    OFFLINE,
    answer,
    eip,
    endpoints,
    node,
    obj,
    peer,
    process,
    run,
    service,
    small,
    write,
)

STATUS = "pointsman.dev/status"


def verdict(status: str, reason: str) -> dict[str, str]:
    return {"status": status, "reason": reason}


def path(prefix: str, next_hop: str, node: str) -> dict[str, Any]:
    return {
        "prefix": prefix, "nextHop": next_hop, "node": node, "communities": [],
        "localPref": None, "med": None, "asPathPrepend": 0, "weight": None,
    }  # fmt: skip


def without_sentences(shape: Any) -> Any:
    """The same without messages, which are the verdicts' own to test."""
    if isinstance(shape, dict):
        assert shape.get("message") != ""
        rest = {k: v for k, v in shape.items() if k not in ("message", STATUS)}
        return {key: without_sentences(value) for key, value in rest.items()}
    return [without_sentences(one) for one in shape] if isinstance(shape, list) else shape


EXPECTED = {
    "services": {
        "default/late": {
            "addresses": ["198.51.100.0"],
            "allocatedFrom": ["public"],
            "annotations": {"pointsman.dev/allocated-from": "public/198.51.100.0"},
            "allocated": verdict("True", "Allocated"),
            "announced": verdict("False", "NoServingEndpoint"),
        },
        "default/web": {
            "addresses": ["198.51.100.1", "2001:db8:100::"],
            "allocatedFrom": ["public", "public"],
            "annotations": {
                "pointsman.dev/allocated-from": "public/198.51.100.1,public/2001:db8:100::",
                "pointsman.dev/announced-by": "bgp",
            },
            "allocated": verdict("True", "Allocated"),
            "announced": verdict("True", "Announced"),
        },
    },
    "eips": {
        "closed": {
            "ready": verdict("False", "Disabled"),
            "capacity": {"ipv4": "5", "ipv6": "0"},
            "allocated": {"ipv4": "0", "ipv6": "0"},
            "available": {"ipv4": "5", "ipv6": "0"},
        },
        "public": {
            "ready": verdict("True", "Ready"),
            "capacity": {"ipv4": "4", "ipv6": "18446744073709551616"},
            "allocated": {"ipv4": "2", "ipv6": "1"},
            "available": {"ipv4": "2", "ipv6": "18446744073709551615"},
        },
    },
    "peers": {
        "spare": {"paths": []},
        "tor-1": {
            "paths": [
                path("198.51.100.1/32", "192.0.2.11", "node1"),
                path("198.51.100.1/32", "192.0.2.12", "node2"),
                path("2001:db8:100::/128", "2001:db8:2::11", "node1"),
                path("2001:db8:100::/128", "2001:db8:2::12", "node2"),
            ]
        },
    },
    "announcers": {"node1": [], "node2": [], "node3": []},
    "unreachable": {"node1": [], "node2": [], "node3": []},
    "sources": {},
    "conditions": {
        "BgpConf/default": {"Ready": verdict("True", "Ready")},
        "BgpPeer/spare": {"Ready": verdict("False", "Disabled")},
        "BgpPeer/tor-1": {
            "Ready": verdict("True", "Ready"),
            "NextHopsUnverified": verdict("True", "NotConnected"),  # no agent has reported
        },
        "Eip/closed": {"Ready": verdict("False", "Disabled")},
        "Eip/public": {"Ready": verdict("True", "Ready")},
    },
}


def test_a_folder_is_planned_as_the_contract_shows(capsys) -> None:
    assert without_sentences(answer(capsys, "plan", *OFFLINE)) == EXPECTED


def test_keys_are_sorted(capsys) -> None:
    _, out, _ = run(capsys, "plan", *OFFLINE, "-o", "json")
    assert out == json.dumps(json.loads(out), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_neither_hash_seed_nor_order_of_objects_shows(tmp_path: Path) -> None:
    objects = [*small(), service("api"), service("db"), peer("tor-2", "192.0.2.2")]
    given = [write(tmp_path / "a.yaml", *objects)]
    random.Random(7).shuffle(objects)
    given.append(write(tmp_path / "b.yaml", *objects))
    for output in ("json", "table"):
        words = ("plan", "--offline", "-o", output, "-f")
        outputs = {process(*words, file, seed=s).stdout for file in given for s in "12"}
        assert len(outputs) == 1
        assert "198.51.100.2" in outputs.pop()


def test_the_table_is_plain_text_in_a_pipe(capsys) -> None:
    status, out, err = run(capsys, "plan", *OFFLINE)
    assert status == 0
    assert "  tor-1  198.51.100.1/32     192.0.2.12      node2  -" in out.splitlines()
    assert "  public  True              4 IPv4 + 18446744073709551616 IPv6" in out
    assert "\x1b" not in out
    assert err.splitlines() == [
        "Passed over, as Pointsman does not look at these kinds: 1 Deployment."
    ]


def test_a_router_without_nodes_says_so_in_the_table(capsys, tmp_path: Path) -> None:
    far = peer("spine", "203.0.113.1", nextHops={"scope": "Connected"})
    asked = ("plan", "--offline", "-f", write(tmp_path / "a.yaml", *small(), far))
    _, out, _ = run(capsys, *asked)
    assert "  spine  True   0\n" in out
    (sentence,) = (line for line in out.splitlines() if line.startswith("  BgpPeer 'spine'"))
    assert "no node may be its next hop: each is on no network" in sentence


def test_standard_input_files_and_folders_add_up(capsys, tmp_path: Path, monkeypatch) -> None:
    objects = small()
    inner = tmp_path / "folder" / "deeper"
    inner.mkdir(parents=True)
    write(inner / "one.yml", *objects[:2])
    write(inner.parent / "two.json", {"kind": "List", "apiVersion": "v1", "items": objects[2:4]})
    (inner / "notes.txt").write_text("no object: [")
    (inner / ".hidden.yaml").write_text("no object: [")
    text = write(tmp_path / "piped", *objects[4:])
    piped = SimpleNamespace(buffer=io.BytesIO(Path(text).read_bytes()))
    monkeypatch.setattr(sys, "stdin", piped)
    whole = write(tmp_path / "whole.yaml", *objects)
    expected = answer(capsys, "plan", "--offline", "-f", whole)
    assert [p["nextHop"] for p in expected["peers"]["tor-1"]["paths"]] == [
        "192.0.2.11",
        "192.0.2.12",
    ]
    assert answer(capsys, "plan", "--offline", "-f", str(inner.parent), "-f", "-") == expected


def test_the_later_of_two_objects_with_one_name_counts(capsys, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", eip("public", "198.51.100.0/30"))
    write(tmp_path / "b.yaml", eip("public", "198.51.100.0/29"))
    files = [str(tmp_path / name) for name in ("b.yaml", "a.yaml")]
    shape = answer(capsys, "plan", "--offline", "-f", *files)
    assert shape["eips"]["public"]["capacity"]["ipv4"] == "4"


def test_flags_mean_what_they_mean_to_the_manager(capsys, tmp_path: Path) -> None:
    tainted = node("node1", "192.0.2.11")
    tainted["spec"] = {"taints": [{"key": "rack/off", "effect": "NoSchedule"}]}
    file = write(tmp_path / "a.yaml", *small()[:-2], tainted, node("node2", "192.0.2.12"))
    words = ("plan", "--offline", "-f", file)
    assert answer(capsys, *words, "--require-class")["services"] == {}
    drained = answer(capsys, *words, "--drain-taints", "other, rack/off")
    assert [p["node"] for p in drained["peers"]["tor-1"]["paths"]] == ["node2"]
    assert len(answer(capsys, *words)["peers"]["tor-1"]["paths"]) == 2


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--speakers", "0"), "--speakers 0 can't be meant: give how often"),
        (("--speakers", "100000000000"), "from 1 to 64."),
        (
            ("--drain-taints", "rack/off=yes:NoSchedule"),
            "--drain-taints: 'rack/off=yes:NoSchedule'",
        ),
    ],
)
def test_flags_that_no_manager_could_have_are_misuse(
    flags: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "a.yaml", *small())
    status, out, err = run(capsys, "plan", "--offline", "-f", file, *flags)
    assert (status, out) == (2, "")
    assert sentence in err


def test_annotations_are_honoured_by_plan_and_explain_as_by_the_manager(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    theirs = service("web")
    theirs["metadata"]["annotations"] = {"metallb.io/address-pool": "private"}
    other = eip("private", "203.0.113.0/30", default=False)
    file = write(tmp_path / "a.yaml", *small()[:3], other, theirs)
    words = ("--offline", "-f", file, "--honour-annotations", "metallb")
    shape = answer(capsys, "plan", *words)
    assert shape["services"]["default/web"]["allocatedFrom"] == ["private"]
    _, out, _ = run(capsys, "explain", "service", "default/web", *words)
    assert "203.0.113.0" in out
    assert "the Service names other Eips" in out  # of the default one
    plain = answer(capsys, "plan", "--offline", "-f", file)
    assert plain["services"]["default/web"]["allocatedFrom"] == ["public"]
    status, _, err = run(capsys, "plan", *words[:-1], "metalb")
    assert status == 2
    assert "--honour-annotations" in err


def test_a_router_is_said_to_hear_of_preference_and_prepending_what_it_hears(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wishes = {"asPathPrepend": 3, "localPref": 200}
    file = write(
        tmp_path / "mixed.yaml",
        node("node1", "192.0.2.11"),
        obj(
            "BgpConf",
            "default",
            spec={"as": 64501, "confederation": {"identifier": 64500, "members": [64505]}},
        ),
        obj("BgpPeer", "tor", spec={"address": "192.0.2.1", "as": 64499}),
        obj("BgpPeer", "rr", spec={"address": "192.0.2.2", "as": 64501}),
        obj("BgpPeer", "member", spec={"address": "192.0.2.3", "as": 64505}),
        eip("public", "198.51.100.0/28", bgp=wishes),
        service("web"),
        endpoints("web", "node1"),
    )
    peers = answer(capsys, "plan", "--offline", "-f", file)["peers"]
    found = {
        name: [(path["asPathPrepend"], path["localPref"]) for path in one["paths"]]
        for name, one in peers.items()
    }
    assert found == {"tor": [(3, None)], "rr": [(0, 200)], "member": [(0, None)]}


@pytest.mark.parametrize(
    ("spec", "clause"),
    [
        pytest.param({}, None, id="fine"),
        pytest.param({"bgp": {"communities": ["guests"]}}, "'guests' is neither", id="a wish"),
        pytest.param({"exclude": ["198.51.100.0/30"]}, "has nothing to give out", id="empty"),
        pytest.param({"disabled": True}, "spec.disabled is true", id="not Ready"),
    ],
)
def test_the_table_says_what_is_to_be_looked_at_in_an_eip(
    spec: dict, clause: str | None, capsys, tmp_path: Path
) -> None:
    objects = [eip("public", "198.51.100.0/30", **spec), *small()[1:]]
    _, out, _ = run(capsys, "plan", "--offline", "-f", write(tmp_path / "a.yaml", *objects))
    below = [line for line in out.splitlines() if "Eip 'public'" in line and "Service" not in line]
    assert below == [] if clause is None else [clause in line for line in below] == [True]


def test_nobody_is_asked_and_it_says_who_would_be(capsys, tmp_path: Path) -> None:
    where = {"url": "https://netbox.example.com", "prefix": "198.51.100.0/30"}
    netbox = {**where, "tokenSecretRef": {"name": "n"}}
    pool = {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "Eip",
        "metadata": {"name": "books"},
        "spec": {"default": True, "source": {"netbox": netbox}},
    }
    asks = ("--offline", "-f", str(write(tmp_path / "a.yaml", pool, service("web"))))
    _, out, _ = run(capsys, "plan", *asks)
    assert "Eip 'books' would ask NetBox prefix 198.51.100.0/30" in out
    _, out, _ = run(capsys, "explain", "service", "default/web", *asks)
    assert "Eip 'books' would ask NetBox prefix 198.51.100.0/30" in out
    assert answer(capsys, "plan", *asks)["sources"] == {
        "books": {
            "name": "NetBox prefix 198.51.100.0/30",
            "publishOnly": False,
            "requests": [
                {"services": ["default/web"], "family": "IPv4", "address": None, "within": None}
            ],
            "held": [],
        }
    }
