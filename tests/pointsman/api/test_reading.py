from typing import Any

import pytest

from pointsman.api import AnnouncerSpec, AnnouncerStatus, BgpPeerSpec, EipSpec, parse
from tests.pointsman.api.objects import BAD, GOOD, SPECS, Bad, Good

NOWHERE = ("interface", "")  # of an Eip's layer2; labels may well be empty


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in GOOD])
def test_a_good_object_is_read(case: Good) -> None:
    spec, sentence = parse(SPECS[case.kind], case.spec)
    assert sentence == ""
    assert spec is not None
    if case.stored is not None:
        assert _without_empty(spec.model_dump(mode="json", exclude_none=True)) == case.stored


def _without_empty(value: Any) -> Any:
    # The API server stores nothing for what is empty, and nothing reads the same.
    if not isinstance(value, dict):
        return value
    return {
        k: _without_empty(v) for k, v in value.items() if v not in ([], {}) and (k, v) != NOWHERE
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{c}") for c, case in enumerate(GOOD)])
def test_what_was_read_is_read_again_the_same(case: Good) -> None:
    spec, _ = parse(SPECS[case.kind], case.spec)
    assert spec is not None
    assert parse(SPECS[case.kind], spec.model_dump(mode="json")) == (spec, "")


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.kind}: {case.id}") for case in BAD])
def test_a_bad_object_gets_its_sentence(case: Bad) -> None:
    spec, sentence = parse(SPECS[case.kind], case.spec)
    assert spec is None
    assert sentence == f"{case.field}: {case.sentence}"


def test_a_missing_spec_is_said_unless_nothing_in_it_is_required() -> None:
    assert parse(EipSpec, None) == (None, "spec: Required value")
    assert parse(AnnouncerSpec, None) == (AnnouncerSpec(), "")


def test_a_spec_that_is_no_object() -> None:
    _, sentence = parse(EipSpec, ["192.0.2.7"])
    assert sentence == 'spec: Invalid value: "array": spec in body must be of type object: "array"'


def test_unknown_fields_are_not_ours_to_refuse() -> None:
    spec, _ = parse(BgpPeerSpec, {"address": "192.0.2.1", "as": 64500, "since2030": True})
    assert spec == BgpPeerSpec.model_validate({"address": "192.0.2.1", "as": 64500})


def test_a_field_is_known_by_its_yaml_name_only() -> None:
    _, sentence = parse(BgpPeerSpec, {"address": "192.0.2.1", "asn": 64500})
    assert sentence == "spec.as: Required value"


def test_the_sentence_names_where_the_value_stands() -> None:
    report = {"interfaces": [{"name": "eth0", "up": True, "addresses": ["192.0.2.11/24"]}]}
    assert parse(AnnouncerStatus, report, at="status")[0] is not None
    report["interfaces"][0]["addresses"] = ["eth1"]
    _, sentence = parse(AnnouncerStatus, report, at="status")
    assert sentence.startswith('status.interfaces[0].addresses[0]: "eth1" is no address')
