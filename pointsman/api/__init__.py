"""The custom resources as the API has them: models, their rules, and the CRDs made of them."""

from pointsman.api.announcer import (
    AnnouncerSpec,
    AnnouncerStatus,
    DefaultRouteReport,
    GatewayReport,
    InterfaceReport,
    ProxyReport,
)
from pointsman.api.bgpconf import BgpConfSpec, BgpConfStatus
from pointsman.api.bgppeer import AddPath, BgpPeerSpec, BgpPeerStatus, SpeakerStatus, Timers
from pointsman.api.condition import Condition, Count
from pointsman.api.eip import EipSpec, EipStatus, Protocol
from pointsman.api.reading import parse
from pointsman.api.selector import LabelExpression, LabelSelector, Operator

__all__ = [
    "AddPath",
    "AnnouncerSpec",
    "AnnouncerStatus",
    "BgpConfSpec",
    "BgpConfStatus",
    "BgpPeerSpec",
    "BgpPeerStatus",
    "Condition",
    "Count",
    "DefaultRouteReport",
    "EipSpec",
    "EipStatus",
    "GatewayReport",
    "InterfaceReport",
    "LabelExpression",
    "LabelSelector",
    "Operator",
    "Protocol",
    "ProxyReport",
    "SpeakerStatus",
    "Timers",
    "parse",
]
