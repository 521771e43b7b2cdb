from pathlib import Path

import pytest

from tests.cli.running import OFFLINE, answer, eip, endpoints, run, service, small, write


def test_a_service_that_is_served(capsys) -> None:
    story = answer(capsys, "explain", "service", "default/web", *OFFLINE)
    assert story["ours"] is True
    assert story["addresses"] == ["198.51.100.1", "2001:db8:100::"]
    assert story["allocatedFrom"] == ["public", "public"]
    assert story["allocated"]["status"] == story["announced"]["status"] == "True"
    nodes = {one["node"]: (one["carries"], one["excludedBy"]) for one in story["candidates"]}
    assert nodes["node1"] == nodes["node2"] == (True, "")
    assert nodes["node3"] == (False, "node3 is drained by its annotation pointsman.dev/drain")
    assert [(p["prefix"], p["node"]) for p in story["paths"]["tor-1"]] == [
        ("198.51.100.1/32", "node1"), ("198.51.100.1/32", "node2"),
        ("2001:db8:100::/128", "node1"), ("2001:db8:100::/128", "node2"),
    ]  # fmt: skip
    assert story["paths"]["spare"] == []
    assert story["recorded"] == {"addresses": []}
    assert {(e["eip"], e["family"], e["why"] == "") for e in story["eips"]} == {
        ("closed", "IPv4", False), ("closed", "IPv6", False),
        ("public", "IPv4", True), ("public", "IPv6", True),
    }  # fmt: skip


def test_a_service_that_is_served_as_text(capsys) -> None:
    status, out, _ = run(capsys, "explain", "service", "web", *OFFLINE)
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "Service default/web"
    assert "  announced: True (Announced)" in lines
    assert "  not written yet: its status has no address" in lines
    assert lines[lines.index("  node3  False") + 1 :][:1] == [
        "  node3 is drained by its annotation pointsman.dev/drain"
    ]
    assert "REFUSED: none" in lines


def test_a_service_that_waits_says_who_refused_it(capsys, tmp_path: Path) -> None:
    asks = service("asks", notes={"addresses": "198.51.100.0"})
    asks["metadata"]["creationTimestamp"] = "2026-02-02T00:00:00Z"
    web = service()
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "198.51.100.0", "ipMode": "VIP"}]}}
    web["metadata"]["annotations"] = {"pointsman.dev/allocated-from": "public/198.51.100.0"}
    objects = [o for o in small() if o["kind"] != "Service"]
    file = ("--offline", "-f", write(tmp_path / "a.yaml", *objects, web, asks))
    story = answer(capsys, "explain", "service", "default/asks", *file)
    assert story["allocated"]["reason"] == "AddressInUse"
    assert story["announced"]["reason"] == "NoAddress"
    assert [one["candidate"] for one in story["refusals"]] == ["198.51.100.0"]
    assert "default/web" in story["refusals"][0]["why"]
    address = answer(capsys, "explain", "address", "198.51.100.0", *file)
    assert address["holders"] == ["default/web"]
    assert [one["candidate"] for one in address["waiting"]] == ["Service default/asks"]
    _, out, _ = run(capsys, "explain", "service", "default/asks", *file)
    assert "REFUSED\n  198.51.100.0: " in out


def test_paths_of_other_services_are_left_out(capsys, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", *small(), service("zoo"), endpoints("zoo", "node2"))
    story = answer(capsys, "explain", "service", "default/zoo", "--offline", "-f", file)
    assert {path["prefix"] for path in story["paths"]["tor-1"]} == {"198.51.100.1/32"}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param({"type": "ClusterIP"}, "is of type ClusterIP", id="another type"),
        pytest.param({"loadBalancerClass": "x/y"}, "has loadBalancerClass x/y", id="another class"),
        pytest.param({}, "has no loadBalancerClass, and --require-class", id="no class"),
    ],
)
def test_a_service_that_is_not_ours(spec, sentence, capsys, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", service(**spec))
    words = ("explain", "service", "default/web", "--offline", "-f", file, "--require-class")
    assert sentence in run(capsys, *words)[1]
    assert answer(capsys, *words)["ours"] is False


def test_a_service_that_another_load_balancer_has(capsys, tmp_path: Path) -> None:
    web = service()
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.99"}]}}
    file = write(tmp_path / "a.yaml", web, eip("public", "198.51.100.0/30"))
    story = answer(capsys, "explain", "service", "default/web", "--offline", "-f", file)
    assert story["ours"] is False
    assert "203.0.113.99" in story["why"]


@pytest.mark.parametrize(
    ("address", "summary", "eips"),
    [
        pytest.param("198.51.100.1", "held by Service default/web", ["public"], id="held"),
        pytest.param("198.51.100.2", "is free in Eip 'public'", ["public"], id="free"),
        pytest.param("198.51.100.17", "Eip 'closed' is disabled", ["closed"], id="in a closed Eip"),
        pytest.param("203.0.113.1", "is in no Eip", [], id="nowhere"),
        pytest.param("2001:0db8:100::0", "held by Service default/web", ["public"], id="IPv6"),
    ],
)
def test_an_address_is_explained_by_its_eips_and_holders(address, summary, eips, capsys) -> None:
    story = answer(capsys, "explain", "address", address, *OFFLINE)
    assert summary in story["summary"]
    assert [one["eip"] for one in story["eips"]] == eips
    status, out, _ = run(capsys, "explain", "address", address, *OFFLINE)
    assert status == 0
    assert out.startswith(story["summary"])


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        pytest.param(["service", "a/none", *OFFLINE], 1, "There is no Service a/none.", id="none"),
        pytest.param(["service", "/web", *OFFLINE], 2, "names no Service", id="no namespace"),
        pytest.param(["service", "ns/", *OFFLINE], 2, "names no Service", id="no name"),
        pytest.param(["address", "1.2.3", *OFFLINE], 2, "'1.2.3' is no IP address", id="no IP"),
        pytest.param(["address", "fe80::1%eth0", *OFFLINE], 2, "is no IP address", id="a zone"),
        pytest.param(
            ["pod", "x"], 2, "'pod' cannot be explained; write service", id="no such subject"
        ),
        pytest.param([], 2, "arguments are required: KIND.", id="no subject"),
        pytest.param(["service", "web", "-f", "x"], 2, "with --offline only", id="live with files"),
    ],
)
def test_trouble_is_a_sentence(words, status, sentence, capsys) -> None:
    got, out, err = run(capsys, "explain", *words)
    assert (got, out) == (status, "")
    assert sentence in err


@pytest.mark.parametrize(
    "words",
    [
        ("service", "default/web"), ("service", "web"), ("svc", "web"), ("services", "web"),
        ("svc/web",), ("service/web",), ("service/default/web",), ("SVC", "web"),
        ("svc", "web", "-n", "default"), ("svc/web", "--namespace", "default"),
        ("-n", "default", "svc", "default/web"), ("svc", "-n", "default", "web"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_service_is_named_as_kubectl_names_it(words: tuple[str, ...], capsys) -> None:
    assert answer(capsys, "explain", *words, *OFFLINE)["service"] == "default/web"


@pytest.mark.parametrize(
    "words", [("address", "198.51.100.1"), ("address/198.51.100.1",), ("ip", "198.51.100.1")]
)
def test_an_address_is_named_so_too(words: tuple[str, ...], capsys) -> None:
    assert answer(capsys, "explain", *words, *OFFLINE)["address"] == "198.51.100.1"


def test_the_namespace_is_the_one_that_is_asked_for(capsys, tmp_path: Path) -> None:
    other = service("web")
    other["metadata"]["namespace"] = "team"
    file = ("--offline", "-f", write(tmp_path / "a.yaml", *small(), other))
    assert answer(capsys, "explain", "svc", "web", "-n", "team", *file)["service"] == "team/web"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("svc",), "explain takes one service: explain service NAMESPACE/NAME."),
        (("svc", "a", "b"), "explain takes one service"),
        (("svc/",), "explain takes one service"),
        (("svc", "a/b/c"), "'a/b/c' names no Service"),
        (("svc", "a/web", "-n", "b"), "'a/web' is not in namespace 'b'"),
        (("pod", "x"), "'pod' cannot be explained"),
        (("address",), "explain takes one address"),
    ],
)
def test_what_names_nothing_is_misuse(words: tuple[str, ...], sentence: str, capsys) -> None:
    status, out, err = run(capsys, "explain", *words, *OFFLINE)
    assert (status, out) == (2, "")
    assert sentence in err


def test_help_promises_one_subject(capsys) -> None:
    out = run(capsys, "explain", "--help")[1]
    usage = " ".join(out.partition("\n\n")[0].split())
    assert usage.endswith("[-o {table,json,yaml}] KIND [NAME]")
    assert "SUPPRESS" not in out
