"""The custom resources as the API has them: models, their rules, and the CRDs made of them."""

from pointsman.api.announcer import AnnouncerSpec
from pointsman.api.announcerstatus import (
    AnnouncerStatus,
    DefaultRouteReport,
    GatewayReport,
    InterfaceReport,
    ProxyReport,
)
from pointsman.api.bgpconf import BgpConfSpec, BgpConfStatus, GracefulRestart, Offer
from pointsman.api.bgppeer import AddPath, BgpPeerSpec, ParallelSessions, Timers
from pointsman.api.bgppeerstatus import BgpPeerStatus, SpeakerStatus
from pointsman.api.condition import Condition, Count
from pointsman.api.eip import EipSpec, EipStatus, Protocol
from pointsman.api.eipbgp import EipBgp, Weighting
from pointsman.api.eiplayer2 import EipLayer2, Inspection, Responder
from pointsman.api.eipsource import (
    EipPublishTo,
    EipSource,
    NetboxEntries,
    NetboxSource,
    OnRelease,
    TokenRef,
    Webhook,
)
from pointsman.api.legible import Legible, legible
from pointsman.api.peering import Bfd, Multihop, NextHops, Scope, SecretRef
from pointsman.api.reading import parse
from pointsman.api.selector import LabelExpression, LabelSelector, Operator

__all__ = [
    "AddPath",
    "AnnouncerSpec",
    "AnnouncerStatus",
    "Bfd",
    "BgpConfSpec",
    "BgpConfStatus",
    "BgpPeerSpec",
    "BgpPeerStatus",
    "Condition",
    "Count",
    "DefaultRouteReport",
    "EipBgp",
    "EipLayer2",
    "EipPublishTo",
    "EipSource",
    "EipSpec",
    "EipStatus",
    "GatewayReport",
    "GracefulRestart",
    "Inspection",
    "InterfaceReport",
    "LabelExpression",
    "LabelSelector",
    "Legible",
    "Multihop",
    "NetboxEntries",
    "NetboxSource",
    "NextHops",
    "Offer",
    "OnRelease",
    "Operator",
    "ParallelSessions",
    "Protocol",
    "ProxyReport",
    "Responder",
    "Scope",
    "SecretRef",
    "SpeakerStatus",
    "Timers",
    "TokenRef",
    "Webhook",
    "Weighting",
    "legible",
    "parse",
]
