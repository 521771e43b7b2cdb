"""Eips whose addresses an IPAM gives, or is told of."""

from typing import Any

from tests.pointsman.api.objects.base import Bad, Good, of_type
from tests.pointsman.api.objects.eips import EIP, POOL

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
REACHED = {"url": "https://netbox.example.com", "tokenSecretRef": {"name": "netbox"}}
NETBOX = {**REACHED, "prefix": "42"}
STORED = {
    "url": "https://netbox.example.com",
    "tokenSecretRef": {"name": "netbox", "key": "token"},
    "quarantineSeconds": 300,
    "role": "vip",
    "ownerField": "pointsman_owner",
    "onRelease": "Delete",
}
NO_URL = (
    "is no URL of an IPAM: write one such as https://netbox.example.com, without user, query and "
    "fragment"
)
NO_PREFIX = 'names no prefix of NetBox: write its id ("42") or the network itself (192.0.2.0/24)'
NO_RANGE = (
    'names no IP range of NetBox: write its id ("7") or its first and last address '
    "(192.0.2.10-192.0.2.20)"
)
NO_NAME = (
    "makes no DNS name: write letters, digits, dots, dashes and underscores, with {name}, "
    "{namespace} and {eip} where those of the Service and of the Eip shall stand"
)
NETBOX_AT = "spec.source.netbox"


def netbox(why: str, sentence: str, at: str = "", **fields: Any) -> Bad:
    spec = {"source": {"netbox": {**NETBOX, **fields}}}
    return Bad(why, "Eip", spec, f"{NETBOX_AT}.{at}" if at else NETBOX_AT, sentence)


def no_range(why: str, text: str) -> Bad:
    spec = {"source": {"netbox": {**REACHED, "ipRange": text}}}
    return Bad(why, "Eip", spec, f"{NETBOX_AT}.ipRange", f'"{text}" {NO_RANGE}')


def good(why: str, **fields: Any) -> Good:
    return Good(why, "Eip", {"source": {"netbox": {**REACHED, **fields}}})


GOOD = (
    Good(
        "addresses from a prefix of NetBox",
        "Eip",
        {"source": {"netbox": NETBOX}},
        {**EIP, "source": {"netbox": {**STORED, "prefix": "42"}}},
    ),
    Good(
        "everything of NetBox",
        "Eip",
        {
            "addresses": ["192.0.2.0/28"],
            "source": {
                "netbox": {
                    "url": "https://netbox.example.com:8443/netbox/",
                    "tokenSecretRef": {"name": "netbox", "key": "write"},
                    "caBundle": PEM,
                    "ipRange": "192.0.2.2-192.0.2.14",
                    "vrf": "65000:7",
                    "tenant": "web",
                    "role": "anycast",
                    "tags": ["kubernetes", "edge"],
                    "dnsName": "{name}.{namespace}.{eip}.example.com",
                    "ownerField": "k8s_owner",
                    "quarantineSeconds": 0,
                    "onRelease": "Reserve",
                }
            },
        },
    ),
    good("a prefix as a network", prefix="2001:db8::/64"),
    good("a range by its id", ipRange="7"),
    good("a range of IPv6", ipRange="2001:db8::1-2001:db8::ff"),
    good("NetBox at an address", url="http://[2001:db8::5]:8000", prefix="1"),
    Good("a webhook", "Eip", {"source": {"webhook": REACHED}}),
    Good("a source with an empty list", "Eip", {"addresses": [], "source": {"netbox": NETBOX}}),
    Good(
        "an Eip that publishes",
        "Eip",
        {**POOL, "publish": True, "publishTo": {"netbox": REACHED}},
        {**POOL, **EIP, "publish": True, "publishTo": {"netbox": STORED}},
    ),
    Good("somewhere to publish to, not yet", "Eip", {**POOL, "publishTo": {"netbox": REACHED}}),
)

BAD = (
    netbox("no URL", f'"netbox.example.com" {NO_URL}', "url", url="netbox.example.com"),
    netbox("a URL with a user", f'"https://a:b@c" {NO_URL}', "url", url="https://a:b@c"),
    netbox("a URL with a query", f'"https://c/?a=b" {NO_URL}', "url", url="https://c/?a=b"),
    netbox("a URL of files", f'"file:///etc" {NO_URL}', "url", url="file:///etc"),
    netbox(
        "no name of the Secret",
        "Required value",
        "tokenSecretRef.name",
        tokenSecretRef={"key": "token"},
    ),
    netbox(
        "no certificate",
        'caBundle holds no certificate: write PEM, which begins with "-----BEGIN CERTIFICATE-----"',
        "caBundle",
        caBundle="LS0tLS1CRUdJTg==",
    ),
    netbox(
        "a number for an id",
        of_type(f"{NETBOX_AT}.prefix", "string", "integer"),
        "prefix",
        prefix=42,
    ),
    netbox("an id of zero", f'"0" {NO_PREFIX}', "prefix", prefix="0"),
    netbox("a host for a prefix", f'"192.0.2.1" {NO_PREFIX}', "prefix", prefix="192.0.2.1"),
    no_range("a network for a range", "192.0.2.0/24"),
    no_range("a range of both families", "192.0.2.1-2001:db8::1"),
    netbox(
        "a prefix and a range",
        "set one of prefix and ipRange: where in NetBox the addresses are taken from",
        ipRange="7",
    ),
    netbox(
        "another placeholder",
        f'"{{uid}}.example.com" {NO_NAME}',
        "dnsName",
        dnsName="{uid}.example.com",
    ),
    netbox(
        "a field's label",
        '"Pointsman owner" is no name of a custom field: NetBox takes letters, digits and '
        "underscores",
        "ownerField",
        ownerField="Pointsman owner",
    ),
    netbox(
        "another role",
        'Unsupported value: "vrrp": supported values: "vip", "anycast", "secondary", "loopback"',
        "role",
        role="vrrp",
    ),
    netbox("a tag twice", 'Duplicate value: "edge"', "tags[1]", tags=["edge", "edge"]),
    Bad(
        "a source of nothing",
        "Eip",
        {"source": {}},
        "spec.source",
        "set one of netbox and webhook: an Eip has its addresses from one IPAM",
    ),
    Bad(
        "two sources",
        "Eip",
        {"source": {"netbox": NETBOX, "webhook": REACHED}},
        "spec.source",
        "set one of netbox and webhook: an Eip has its addresses from one IPAM",
    ),
    Bad(
        "a source that is published",
        "Eip",
        {"source": {"netbox": NETBOX}, "publish": True, "publishTo": {"netbox": REACHED}},
        "spec",
        "publish is for addresses of the pool's own: with source, the IPAM knows them already; "
        "remove one of the two",
    ),
    Bad(
        "published nowhere",
        "Eip",
        {**POOL, "publish": True},
        "spec",
        "publish needs to know where to: set publishTo.netbox",
    ),
)
