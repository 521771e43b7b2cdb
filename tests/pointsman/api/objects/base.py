"""What stands in the tables of good and bad custom resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.api import AnnouncerSpec, BgpConfSpec, BgpPeerSpec, EipSpec
from pointsman.api.base import ApiModel

SPECS: Mapping[str, type[ApiModel]] = {
    "Eip": EipSpec,
    "BgpConf": BgpConfSpec,
    "BgpPeer": BgpPeerSpec,
    "Announcer": AnnouncerSpec,
}


@dataclass(frozen=True, slots=True)
class Good:
    """A spec that is accepted. `stored` is what defaults make of it, where it is checked."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    stored: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A spec that is refused, with the field and the sentence."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    field: str
    sentence: str


def of_type(path: str, wanted: str, found: str) -> str:
    return f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
