"""`source` and `publishTo` of an Eip: the IPAM that its addresses come from, or are shown in.

What can be said of one object alone is refused here; whether the IPAM has such a prefix, and
whether the token may write there, only the IPAM can say, and the Eip's condition repeats it.
"""

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ListType, Rule

URL: Final = r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?"
PLACES: Final = "name|namespace|eip"
DNS_NAME: Final = f"([A-Za-z0-9_.-]|[{{]({PLACES})[}}])+"
CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
NUMBER: Final = "[1-9][0-9]{0,18}"
FIELD: Final = "[A-Za-z0-9_]+"  # the name of a custom field, as NetBox takes one


def _is_id(text: str) -> bool:
    return re.fullmatch(NUMBER, text) is not None


def _is_range(text: str) -> bool:
    ends = dialect.range_ends(text)
    if ends is None:
        return False
    first, last = map(dialect.read_ip, ends)
    return first is not None and last is not None and first.version == last.version


def _full(pattern: str) -> str:
    return f"self.matches({_quoted(f'^({pattern})$')})"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("\\", "\\\\") + "'"


IS_URL = Rule(
    cel=_full(URL),
    holds=lambda text: re.fullmatch(URL, text) is not None,
    words='"{self}" is no URL of an IPAM: write one such as https://netbox.example.com, without '
    "user, query and fragment",
)
IS_BUNDLE = Rule(
    cel=f"self.contains('{CERTIFICATE}')",
    holds=lambda text: CERTIFICATE in text,
    words=f'caBundle holds no certificate: write PEM, which begins with "{CERTIFICATE}"',
)
IS_PREFIX = Rule(
    cel=f"isCIDR(self) || {_full(NUMBER)}",
    holds=lambda text: dialect.is_cidr(text) or _is_id(text),
    words='"{self}" names no prefix of NetBox: write its id ("42") or the network itself '
    "(192.0.2.0/24)",
)
IS_IP_RANGE = Rule(
    cel=f"{_full(NUMBER)} || (self.split('-').size() == 2 && isIP(self.split('-')[0])"
    " && isIP(self.split('-')[1])"
    " && ip(self.split('-')[0]).family() == ip(self.split('-')[1]).family())",
    holds=lambda text: _is_id(text) or _is_range(text),
    words='"{self}" names no IP range of NetBox: write its id ("7") or its first and last address '
    "(192.0.2.10-192.0.2.20)",
)
IS_DNS_NAME = Rule(
    cel=_full(DNS_NAME),
    holds=lambda text: re.fullmatch(DNS_NAME, text) is not None,
    words='"{self}" makes no DNS name: write letters, digits, dots, dashes and underscores, with '
    "{name}, {namespace} and {eip} where those of the Service and of the Eip shall stand",
)
IS_FIELD = Rule(
    cel=_full(FIELD),
    holds=lambda text: re.fullmatch(FIELD, text) is not None,
    words='"{self}" is no name of a custom field: NetBox takes letters, digits and underscores',
)
PREFIX_OR_RANGE = Rule(
    cel="has(self.prefix) != has(self.ipRange)",
    holds=lambda netbox: (netbox.prefix is None) != (netbox.ip_range is None),
    words="set one of prefix and ipRange: where in NetBox the addresses are taken from",
)
ONE_SOURCE = Rule(
    cel="has(self.netbox) != has(self.webhook)",
    holds=lambda source: (source.netbox is None) != (source.webhook is None),
    words="set one of netbox and webhook: an Eip has its addresses from one IPAM",
)

Url = Annotated[str, Field(max_length=1024), IS_URL]
CaBundle = Annotated[str, Field(max_length=65_536), IS_BUNDLE]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Quarantine = Annotated[StrictInt, Field(ge=0, le=31_536_000)]


class OnRelease(StrEnum):
    """What becomes of an entry in NetBox that nobody needs any more."""

    DELETE = "Delete"
    RESERVE = "Reserve"


class NetboxRole(StrEnum):
    """The roles of an IP address that fit one of a Service."""

    VIP = "vip"
    ANYCAST = "anycast"
    SECONDARY = "secondary"
    LOOPBACK = "loopback"


class TokenRef(ApiModel):
    """One key of a Secret in the manager's namespace."""

    name: str = Field(
        min_length=1, max_length=253, description="Name of the Secret, in the manager's namespace."
    )
    key: str = Field(
        default="token",
        min_length=1,
        max_length=253,
        description="Key in the Secret's data; its value is the token.",
    )


class _Ipam(ApiModel):
    """How an IPAM is reached, and how long it keeps what we released."""

    url: Url = Field(
        description="Where it answers, such as https://netbox.example.com. With http, the token "
        "can be read on the way."
    )
    token_secret_ref: TokenRef = Field(
        description="Where the token is kept that it is asked with. While it is missing, nothing "
        "is asked."
    )
    ca_bundle: CaBundle | None = Field(
        default=None,
        description="Certificates, as PEM, that its own is verified with; absent: those that the "
        "manager's host or image trusts.",
    )
    quarantine_seconds: Quarantine = Field(
        default=300,
        description="How long an address that nobody holds any more stays taken there before it "
        "is given back; 0: it is given back at once.",
    )


class Webhook(_Ipam):
    """Whatever speaks our own small HTTP contract: a gateway to another IPAM, or a script."""

    @property
    def label(self) -> str:
        """What sentences call it."""
        return f"webhook {self.url}"


class NetboxEntries(_Ipam):
    """How addresses are written into NetBox."""

    vrf: Name | None = Field(
        default=None,
        description="The VRF of the addresses, by id, name or route distinguisher; absent: none, "
        "which is NetBox's global table.",
    )
    tenant: Name | None = Field(
        default=None, description="The tenant of the entries, by id or slug; absent: none."
    )
    role: NetboxRole = Field(
        default=NetboxRole.VIP, description="The role that the entries are given."
    )
    tags: Annotated[tuple[Name, ...], Field(max_length=16), ListType("set")] = Field(
        default=(), description="Slugs of tags that the entries are given; they must exist."
    )
    dns_name: Annotated[str, Field(max_length=255), IS_DNS_NAME] | None = Field(
        default=None,
        description="The DNS name of the entries, such as {name}.{namespace}.example.com: {name}, "
        "{namespace} and {eip} are those of the Service and the Eip. Absent: none.",
    )
    owner_field: Annotated[str, Field(max_length=50), IS_FIELD] = Field(
        default="pointsman_owner",
        description="The custom field, of type text and of IP addresses, that says whose an entry "
        "is. It must exist.",
    )
    on_release: OnRelease = Field(
        default=OnRelease.DELETE,
        description="What becomes of an entry after the quarantine. Delete: it goes. Reserve: it "
        "stays, as reserved for this Eip, which takes such entries before any other address.",
    )


class NetboxSource(NetboxEntries):
    """A prefix or a range of NetBox that addresses are taken from."""

    rules: ClassVar[tuple[Rule, ...]] = (PREFIX_OR_RANGE,)

    prefix: Annotated[str, Field(max_length=49), IS_PREFIX] | None = Field(
        default=None,
        description='The prefix, by its id in NetBox ("42") or as a network (192.0.2.0/24).',
    )
    ip_range: Annotated[str, Field(max_length=89), IS_IP_RANGE] | None = Field(
        default=None,
        description='The IP range, by its id in NetBox ("7") or by its first and last address '
        "(192.0.2.10-192.0.2.20).",
    )

    @property
    def label(self) -> str:
        """What sentences call it."""
        if self.prefix is not None:
            return f"NetBox prefix {self.prefix}"
        return f"NetBox IP range {self.ip_range}"


class EipSource(ApiModel):
    """The IPAM that the pool's addresses come from; one of the two."""

    rules: ClassVar[tuple[Rule, ...]] = (ONE_SOURCE,)

    netbox: NetboxSource | None = Field(
        default=None, description="Take the addresses from a prefix or a range of NetBox."
    )
    webhook: Webhook | None = Field(
        default=None,
        description="Take the addresses from a server that speaks Pointsman's own HTTP contract.",
    )

    @property
    def label(self) -> str:
        """What sentences call it: "NetBox prefix 42"."""
        one = self.netbox if self.netbox is not None else self.webhook
        assert one is not None, "ONE_SOURCE"
        return one.label


class EipPublishTo(ApiModel):
    """The IPAM that is told who holds the pool's addresses, and asked for nothing."""

    netbox: NetboxEntries = Field(description="Write entries into NetBox.")
