"""`plan` refuses what `kubectl apply` refuses, and names all of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.running import conf, eip, endpoints, node, obj, peer, run, service, small, write

STRICT = "strict decoding error: unknown field"


def judged(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> tuple[int, list[str]]:
    """Return exit status and sentences of a plan of *text*, without the file's name."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    status, _, err = run(capsys, "plan", "--offline", "-f", str(path))
    return status, [line.removeprefix(f"{path}").lstrip(": ") for line in err.splitlines()]


def of(document: dict[str, Any], *, at: str, value: Any) -> str:
    """Return *document* as YAML, with *value* at the path *at*."""
    inner: Any = document
    *way, last = at.split(".")
    for key in way:
        inner = inner[int(key)] if key.isdigit() else inner.setdefault(key, {})
    inner[last] = value
    return yaml.safe_dump(document)


def web() -> dict[str, Any]:
    return service("web")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            of(eip("a", "192.0.2.0/24"), at="spec.defualt", value=True),
            f'Eip a: {STRICT} "spec.defualt"; did you mean default?', id="of an Eip"),
        pytest.param(
            of(peer("a"), at="spec.timers.hold", value=3),
            f'BgpPeer a: {STRICT} "spec.timers.hold"; did you mean holdSeconds?',
            id="below the spec of a BgpPeer"),
        pytest.param(
            of(conf(), at="spec.gracefulRestart.restartSecond", value=3),
            f'BgpConf default: {STRICT} "spec.gracefulRestart.restartSecond"; did you mean '
            "restartSeconds?", id="of a BgpConf"),
        pytest.param(
            of(eip("a", "192.0.2.0/24"), at="metadata.anotations", value={}),
            f'Eip a: {STRICT} "metadata.anotations"; did you mean annotations?',
            id="of the metadata of one of ours"),
        pytest.param(
            of(eip("a", "192.0.2.0/24"), at="specs", value={}),
            f'Eip a: {STRICT} "specs"; did you mean spec?', id="beside the spec"),
        pytest.param(
            of(web(), at="spec.externalTraficPolicy", value="Local"),
            f'Service default/web: {STRICT} "spec.externalTraficPolicy"; did you mean '
            "externalTrafficPolicy?", id="of a Service"),
        pytest.param(
            of(web(), at="spec.ports.0.prot", value="TCP"),
            f'Service default/web: {STRICT} "spec.ports[0].prot"; did you mean port?',
            id="of a port"),
        pytest.param(
            of(web(), at="metadata.label", value={}),
            f'Service default/web: {STRICT} "metadata.label"; did you mean labels?',
            id="of the metadata of a Service"),
        pytest.param(
            of(endpoints("web", "node1"), at="endpoints.0.node", value="node1"),
            f'EndpointSlice default/web-1: {STRICT} "endpoints[0].node"; did you mean nodeName?',
            id="of an endpoint"),
        pytest.param(
            of(node("node1", "192.0.2.11"), at="spec.taint", value=[]),
            f'Node node1: {STRICT} "spec.taint"; did you mean taints?', id="of a Node"),
        pytest.param(
            of(obj("Secret", "s", "v1"), at="dat", value={}),
            f'Secret s: {STRICT} "dat"; did you mean data?', id="of a Secret"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused_and_named(
    text: str, sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert judged(capsys, tmp_path, text) == (1, [sentence])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("kind: Service\nmetadata: {name: x}", "Service x: error validating data: "
                     "apiVersion not set.", id="no apiVersion"),
        pytest.param("apiVersion: v1\nmetadata: {name: x}", "object x: error validating data: "
                     "kind not set.", id="no kind"),
        pytest.param("metadata: {name: x}", "object x: error validating data: "
                     "[apiVersion not set, kind not set].", id="neither"),
        pytest.param("kind: Deployment\nmetadata: {name: x}", "Deployment x: error validating "
                     "data: apiVersion not set.", id="of a kind that is not looked at"),
        pytest.param("apiVersion: v1\nkind: service\nmetadata: {name: x}", "service x: no matches "
                     'for kind "service" in version "v1"; did you mean "Service"?', id="a case"),
        pytest.param("apiVersion: pointsman.dev/v1alpha1\nkind: EIP\nmetadata: {name: x}",
                     'EIP x: no matches for kind "EIP" in version "pointsman.dev/v1alpha1"; did '
                     'you mean "Eip"?', id="a case of ours"),
        pytest.param("a: 1\na: 2", 'cannot be used: line 2: key "a" already set in map.',
                     id="a key twice"),
        pytest.param('{"kind": "Service", "kind": "Node"}', 'cannot be used: duplicate field '
                     '"kind".', id="a key twice in JSON"),
        pytest.param(
            "\n".join([f"k{n}: &k{n} [{','.join([f'*k{n - 1}' if n else 'x'] * 9)}]"
                       for n in range(9)]),
            "cannot be used: the document contains excessive aliasing.", id="a billion laughs"),
        pytest.param("[" * 300_000, "is neither YAML nor JSON: it contains itself, or is nested "
                     "too deeply.", id="nested beyond all measure"),
        pytest.param('{"a": NaN}', "cannot be used: NaN is no number that JSON knows.", id="NaN"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused_in_kubectls_words(
    text: str, sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert judged(capsys, tmp_path, text) == (1, [sentence])


def test_all_type_errors_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wrong = eip("a")
    wrong["spec"] = {"addresses": "192.0.2.0/24", "priority": "high", "default": "yes"}
    status, reported = judged(capsys, tmp_path, yaml.safe_dump(wrong))
    assert status == 1
    assert reported == [
        f'Eip a: spec.{field}: Invalid value: "string": spec.{field} in body must be of type '
        f'{kind}: "string".'
        for field, kind in (("addresses", "array"), ("default", "boolean"), ("priority", "integer"))
    ]
    wrong = web()
    wrong["spec"] |= {"ports": [{"port": "80"}, {"port": 1.5}], "selector": {"a": 1}, "type": 7}
    status, reported = judged(capsys, tmp_path, yaml.safe_dump(wrong))
    assert status == 1
    assert [one.split(": ")[1] for one in reported] == [
        "spec.ports[0].port", "spec.ports[1].port", "spec.selector.a", "spec.type",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        pytest.param(
            {"ports": [{"port": 80, "protocol": "tcp"}]},
            'spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", '
            '"UDP".', id="a protocol in small letters"),
        pytest.param({"ports": [{"port": 70000}]}, "spec.ports[0].port: Invalid value: 70000: "
                     "must be between 1 and 65535, inclusive.", id="a port that is none"),
        pytest.param({"externalTrafficPolicy": "local"}, "spec.externalTrafficPolicy: Unsupported "
                     'value: "local": supported values: "Cluster", "Local".', id="a policy"),
        pytest.param({"ipFamilyPolicy": "Dual"}, 'spec.ipFamilyPolicy: Unsupported value: "Dual": '
                     'supported values: "PreferDualStack", "RequireDualStack", "SingleStack".',
                     id="a family policy"),
    ],
)  # fmt: skip
def test_a_value_that_no_server_takes_is_refused(
    document: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = yaml.safe_dump(service("web", **document))
    assert judged(capsys, tmp_path, text) == (1, [f"Service default/web: {sentence}"])


def test_a_name_that_no_server_takes_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for document in (service("Web"), eip("A_b", "192.0.2.0/24")):
        status, [reported] = judged(capsys, tmp_path, yaml.safe_dump(document))
        assert status == 1
        assert "metadata.name: Invalid value:" in reported


@pytest.mark.parametrize(
    ("key", "likely"),
    [
        ("pointsman.dev/eips", "pointsman.dev/eip"),
        ("pointsman.dev/Eip", "pointsman.dev/eip"),
        ("pointsman.dev/address", "pointsman.dev/addresses"),
        ("pointsman.dev/sharekey", "pointsman.dev/share-key"),
        ("pointsman.io/share-key", "pointsman.dev/share-key"),
        ("pointsmen.dev/addresses", "pointsman.dev/addresses"),
    ],
)
def test_a_misspelt_annotation_is_named_and_its_service_planned(
    key: str, likely: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wanted = service("late")
    wanted["metadata"]["annotations"][key] = "x"
    path = write(tmp_path / "a.yaml", *small(), wanted)
    status, out, err = run(capsys, "plan", "--offline", "-f", path)
    assert status == 1
    assert "default/late" in out
    assert err == (
        f"{path}: Service default/late: Pointsman knows no annotation {key} of a Service; did you "
        f"mean {likely}?\n"
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("metadata", "annotations", "pointsman.dev/eip"), None, id="an annotation"),
        pytest.param(("metadata", "labels"), {"app": None}, id="a label"),
        pytest.param(("spec", "ports"), [None], id="a port"),
        pytest.param(("spec", "ipFamilies"), [None], id="a family"),
        pytest.param(("spec", "loadBalancerSourceRanges"), [None], id="a source range"),
        pytest.param(("spec", "externalIPs"), [None], id="an external address"),
        pytest.param(("spec", "selector"), {"app": None}, id="a label that is selected"),
    ],
)
def test_a_value_that_was_forgotten_ends_no_command(
    path: tuple[str, ...], value: object, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A key with nothing behind its colon is null; it is no bug of ours, and needs a sentence."""
    wanted = service("late")
    inside = wanted
    for key in path[:-1]:
        inside = inside.setdefault(key, {})
    inside[path[-1]] = value
    file = write(tmp_path / "a.yaml", *small(), wanted)
    status, out, err = run(capsys, "plan", "--offline", "-f", file)
    assert "default/web" in out
    assert status in (0, 1)
    assert (status == 1) == ("Service default/late" in err)


@pytest.mark.parametrize("value", ["yes", "True", "1", ""])
def test_a_drain_that_drains_nothing_is_named(
    value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = node("node1", "192.0.2.11")
    one["metadata"]["annotations"] = {"pointsman.dev/drain": value}
    path = write(tmp_path / "a.yaml", *small()[:-2], one)
    status, out, err = run(capsys, "plan", "--offline", "-f", path)
    assert status == 1
    assert "192.0.2.11" in out
    assert err == (
        f"{path}: Node node1: annotation pointsman.dev/drain is '{value}', by which no node "
        'drains: write "true", or take it away.\n'
    )


def test_annotations_of_others_and_our_own_are_no_fault(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fine = service("web", notes={"eip": "public", "allocated-from": "public/198.51.100.0"})
    fine["metadata"]["annotations"]["metallb.io/address-pool"] = "x"
    drained = node("node1", "192.0.2.11")
    drained["metadata"]["annotations"] = {"pointsman.dev/drain": "true"}
    drained["metadata"]["labels"] = {"pointsman.dev/manager": ""}
    stays = node("node2", "192.0.2.12")
    stays["metadata"]["annotations"] = {"pointsman.dev/drain": "false"}
    path = write(tmp_path / "a.yaml", eip("public", "198.51.100.0/30"), fine, drained, stays)
    assert run(capsys, "plan", "--offline", "-f", path)[::2] == (0, "")


def test_what_a_newer_server_stored_is_not_judged_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stored = service("web", trafficKindness="high")
    stored["metadata"]["uid"] = "6f7d"
    path = write(tmp_path / "a.yaml", *small()[:3], stored)
    assert run(capsys, "plan", "--offline", "-f", path)[0] == 0


def test_json_documents_may_follow_each_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import json

    path = tmp_path / "a.json"
    path.write_text("\n".join(json.dumps(one) for one in small()))
    status, out, err = run(capsys, "plan", "--offline", "-f", str(path))
    assert (status, err) == (0, "")
    assert "default/web" in out


def test_every_object_of_the_readme_is_admitted(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.cli.running import OFFLINE

    assert "strict" not in run(capsys, "plan", *OFFLINE)[2]
