"""Which IPAMs there are to be asked, by the Eips and Secrets as they are now. Pure.

An Eip that cannot be read has none: nothing of it is written, and what it holds stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from manager.snapshot import Eip, EipName
from pointsman.api import EipPublishTo, EipSource, EipSpec, NetboxEntries, Webhook


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """All by which one IPAM is asked for one Eip, but the token. *unusable*: why that can't be."""

    eip: EipName
    spec: EipSource | EipPublishTo
    cluster_uid: str
    quarantine_s: float = 0.0
    unusable: str = ""
    # One that is exchanged makes no other IPAM of it.
    token: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The Secrets as they are known. *read*: so one that is not there does not exist."""

    values: Mapping[tuple[str, str], str] = field(repr=False)
    read: bool


def configured(
    eips: Mapping[EipName, Eip], tokens: Tokens, *, cluster_uid: str
) -> Mapping[EipName, SourceConfig]:
    """Return how the IPAM of each Eip that has one is asked; none before the cluster is known."""
    found = {}
    for name, eip in sorted(eips.items()):
        spec = _ipam_of(eip.spec)
        ipam = None if spec is None else _reached(spec)
        if spec is None or ipam is None or not cluster_uid:
            continue
        ref = ipam.token_secret_ref
        token = tokens.values.get((ref.name, ref.key), "").strip()
        found[name] = SourceConfig(
            name,
            spec,
            cluster_uid,
            token=token,
            quarantine_s=float(ipam.quarantine_seconds),
            unusable="" if token and token.isprintable() else _lacks(ref.name, ref.key, tokens),
        )
    return found


def abandoned(before: SourceConfig, now: SourceConfig | None) -> str:
    """Return the URL where entries of *before* are not found any more by *now*; "": they are.

    A prefix tells nothing about that: entries are found by their owner.
    """
    place = _place(before)
    return "" if now is not None and _place(now) == place else place[1]


def wants_tokens(eips: Mapping[EipName, Eip]) -> bool:
    """Return whether Secrets have to be read for any of *eips*."""
    return any(_ipam_of(eip.spec) is not None for eip in eips.values())


def _ipam_of(spec: EipSpec | None) -> EipSource | EipPublishTo | None:
    """Return the IPAM that addresses come from, or are written into; None: there is none."""
    return None if spec is None else spec.ipam


def _reached(spec: EipSource | EipPublishTo) -> NetboxEntries | Webhook | None:
    if isinstance(spec, EipSource):
        return spec.netbox or spec.webhook
    return spec.netbox


def _place(config: SourceConfig) -> tuple[str, str, str]:
    """Return what all entries have in common: cluster, URL, and the field of their owner."""
    netbox, ipam = config.spec.netbox, _reached(config.spec)
    field_name = "" if netbox is None else netbox.owner_field
    return config.cluster_uid, "" if ipam is None else ipam.url, field_name


def _lacks(name: str, key: str, tokens: Tokens) -> str:
    """Return what is wrong with a token, a clause without its value."""
    if not tokens.read:
        return (
            f"Secret '{name}' with its token could not be read yet: apply "
            "deploy/options/passwords.yaml if the manager may not read Secrets"
        )
    if tokens.values.get((name, key), "").strip():  # no header of HTTP holds it
        return (
            f"Secret '{name}' has under key '{key}' more than a token: one line of text without "
            "control characters"
        )
    if any(secret == name for secret, _ in tokens.values):
        return f"Secret '{name}' has no token under key '{key}'"
    return f"Secret '{name}' with its token does not exist in the manager's namespace"
