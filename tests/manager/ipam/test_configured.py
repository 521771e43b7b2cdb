"""Which IPAMs are asked: by what the Eips name, and whether their tokens are there."""

from typing import Any

import pytest

from manager.ipam.configured import Tokens, configured, wants_tokens
from manager.snapshot import Eip, EipName, Resource
from pointsman.api import EipSpec

NETBOX: dict[str, Any] = {
    "url": "https://netbox.example.com",
    "tokenSecretRef": {"name": "netbox"},
    "quarantineSeconds": 60,
}
FROM_NETBOX = {"source": {"netbox": {**NETBOX, "prefix": "42"}}}
PUBLISHED = {"addresses": ["192.0.2.0/24"], "publishTo": {"netbox": NETBOX}}
TOKENS = Tokens({("netbox", "token"): "t0ken\n"}, read=True)


def eips(spec: dict[str, Any] | None) -> dict[EipName, Eip]:
    parsed = None if spec is None else EipSpec.model_validate(spec)
    return {EipName("public"): Resource("public", parsed)}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param(FROM_NETBOX, True, id="addresses come from NetBox"),
        pytest.param(PUBLISHED, False, id="it could publish, and does not"),
        pytest.param({**PUBLISHED, "publish": True}, True, id="it publishes"),
        pytest.param({"addresses": ["192.0.2.0/24"]}, False, id="its own addresses"),
        pytest.param(None, False, id="an Eip that cannot be read has nothing written"),
    ],
)
def test_an_ipam_is_asked_if_an_eip_names_one(spec: dict[str, Any] | None, found: bool) -> None:
    made = configured(eips(spec), TOKENS, cluster_uid="uid")
    assert (EipName("public") in made) is found
    assert wants_tokens(eips(spec)) is found


def test_what_an_adapter_needs_is_there() -> None:
    config = configured(eips(FROM_NETBOX), TOKENS, cluster_uid="uid")[EipName("public")]
    assert (config.token, config.quarantine_s, config.cluster_uid) == ("t0ken", 60, "uid")
    assert config.unusable == ""
    assert "t0ken" not in repr(config)


def test_before_the_cluster_is_known_nobody_is_asked() -> None:
    assert not configured(eips(FROM_NETBOX), TOKENS, cluster_uid="")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        pytest.param(Tokens({}, read=False), "could not be read yet", id="not read"),
        pytest.param(Tokens({}, read=True), "does not exist", id="no such Secret"),
        pytest.param(Tokens({("netbox", "x"): "y"}, read=True), "no token under key", id="no key"),
        pytest.param(Tokens({("netbox", "token"): " "}, read=True), "no token", id="empty"),
        pytest.param(Tokens({("netbox", "token"): "s3cret\nmore"}, read=True), "one line",
                     id="two lines, which no header holds"),
        pytest.param(Tokens({("netbox", "token"): "s3cret\x00"}, read=True), "control characters",
                     id="binary"),
    ],
)  # fmt: skip
def test_a_token_that_is_not_there_or_cannot_be_sent_is_said(tokens: Tokens, words: str) -> None:
    config = configured(eips(FROM_NETBOX), tokens, cluster_uid="uid")[EipName("public")]
    assert words in config.unusable
    assert "'netbox'" in config.unusable
    assert "s3cret" not in config.unusable


def test_a_secret_that_may_not_be_read_says_what_grants_it() -> None:
    config = configured(eips(FROM_NETBOX), Tokens({}, read=False), cluster_uid="uid")
    assert "deploy/options/passwords.yaml" in config[EipName("public")].unusable


def test_a_token_that_is_exchanged_makes_no_other_ipam_of_it() -> None:
    other = Tokens({("netbox", "token"): "other"}, read=True)
    before, after = (
        configured(eips(FROM_NETBOX), one, cluster_uid="uid")[EipName("public")]
        for one in (TOKENS, other)
    )
    assert before == after
    assert before.token != after.token
