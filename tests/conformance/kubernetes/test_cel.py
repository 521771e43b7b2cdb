"""Rules of custom kinds: Kubernetes' own CEL functions, and names."""

import secrets

import pytest

from tests.conformance.kubernetes.client import Client, until
from tests.conformance.kubernetes.objects import DEFINITIONS, crd, pool, rule


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        pytest.param("isIP(self)", "192.0.2.1 2001:db8::1", "192.0.2.01 192.0.2.1/32 x", id="isIP"),
        pytest.param("isIP(self)", "::", "fe80::1%eth0 ::ffff:192.0.2.1", id="no zone, no mapped"),
        pytest.param(
            "isCIDR(self)",
            "192.0.2.0/24 198.51.100.7/24 2001:db8::/64",
            "192.0.2.0 192.0.2.0/33 192.0.2.0/255.255.255.0 192.0.2.0/024",
            id="isCIDR, host bits may be set",
        ),
        pytest.param("ip(self).family() == 6", "2001:db8::1", "192.0.2.1 x", id="family"),
        pytest.param("ip(self).isLoopback()", "127.0.0.1 ::1", "192.0.2.1", id="isLoopback"),
        pytest.param("ip(self).isUnspecified()", "0.0.0.0 ::", "192.0.2.1", id="isUnspecified"),
        pytest.param(
            "ip(self).isLinkLocalUnicast()", "169.254.1.1 fe80::1", "192.0.2.1", id="link-local"
        ),
        pytest.param(
            "ip(self).isGlobalUnicast()", "192.0.2.1 10.0.0.1", "224.0.0.1 127.0.0.1", id="global"
        ),
        pytest.param("cidr(self).prefixLength() == 24", "192.0.2.0/24", "192.0.0.0/16", id="size"),
        pytest.param("cidr(self).ip().family() == 4", "192.0.2.0/24", "2001:db8::/64", id="ip"),
        pytest.param(
            "cidr(self) == cidr(self).masked()", "192.0.2.0/24", "192.0.2.7/24", id="masked"
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsIP(ip(self))",
            "192.0.2.9",
            "198.51.100.1 2001:db8::1",
            id="containsIP of an address",
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsIP(self)", "192.0.2.9", "192.0.3.9", id="of a string"
        ),
        pytest.param(
            "cidr('192.0.2.0/24').containsCIDR(self)",
            "192.0.2.0/25 192.0.2.0/24",
            "192.0.0.0/16 2001:db8::/64",
            id="containsCIDR",
        ),
        pytest.param("self.split('-').size() == 2", "a-b", "a a-b-c", id="split"),
        pytest.param("self.split('-').all(p, isIP(p))", "192.0.2.1-192.0.2.9", "a-b", id="all"),
        pytest.param("self.split('-').exists_one(p, p == 'a')", "a-b", "a-a b-b", id="exists_one"),
        pytest.param("self.matches('^a+$')", "a aa", "ab", id="matches"),
        pytest.param("self.startsWith('a') && !self.contains('x')", "ab", "ax b", id="strings"),
        pytest.param("int(self) > 5", "6", "5 x", id="a conversion that fails fails the rule"),
        pytest.param("self == 'a' ? true : size(self) > 2", "a abc", "bb", id="conditional"),
        pytest.param(
            "self.lowerAscii() == self && self.substring(0, 1) == 'a'", "ab", "aB ba", id="case"
        ),
    ],
)
async def test_functions_in_rules(api: Client, expression: str, good: str, bad: str) -> None:
    group = f"g{secrets.token_hex(4)}.example.org"
    item = {
        "type": "string",
        "maxLength": 60,
        "x-kubernetes-validations": [rule(expression, "no")],
    }
    addresses = {"type": "array", "maxItems": 3, "items": item}
    spec = {"type": "object", "properties": {"addresses": addresses}}
    await api.make(DEFINITIONS, crd(group, spec))
    path = f"/apis/{group}/v1/pools"
    try:

        async def served() -> bool:
            return (await api.get(path)).code == 200

        await until(served, "the custom kind is served")
        for text in good.split():
            answer = await api.post(path, pool(path, "a", addresses=[text]), dryRun="All")
            assert answer.code == 201, (text, answer.body)
        for text in bad.split():
            answer = await api.post(path, pool(path, "a", addresses=[text]), dryRun="All")
            assert (answer.code, answer.causes) == (422, ["spec.addresses[0]"]), text
    finally:
        await api.delete(f"{DEFINITIONS}/pools.{group}")


async def test_a_reserved_word_is_a_fine_property_name_in_a_rule(api: Client) -> None:
    spec = {
        "type": "object",
        "properties": {"as": {"type": "integer"}, "my-field": {"type": "integer"}},
        "x-kubernetes-validations": [
            rule("!has(self.as) || self.as != 23456", "AS_TRANS is nobody's"),
            rule("!has(self.my__dash__field) || self.my__dash__field > 1", "too few"),
        ],
    }
    group = f"g{secrets.token_hex(4)}.example.org"
    assert (await api.post(DEFINITIONS, crd(group, spec), dryRun="All")).code == 201
