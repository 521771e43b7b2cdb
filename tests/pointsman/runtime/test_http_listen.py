"""What `--http` may be, and the sentence for what it can't be."""

import pytest

from pointsman.runtime.errors import Misuse
from pointsman.runtime.http_listen import http_listen
from pointsman.runtime.listen_address import ListenAddress


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("127.0.0.1:9472", ListenAddress("127.0.0.1", 9472), id="an IPv4 address"),
        pytest.param("[::1]:80", ListenAddress("::1", 80), id="an IPv6 address in brackets"),
        pytest.param("[2001:DB8::0]:1", ListenAddress("2001:db8::", 1), id="one spelled otherwise"),
        pytest.param(":65535", ListenAddress("", 65535), id="every address"),
    ],
)
def test_what_it_may_be(text: str, meant: ListenAddress) -> None:
    assert http_listen(text) == meant
    assert http_listen(str(meant)) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "9472", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536"),
        *("127.0.0.1:-1", "127.0.0.1:+80", "127.0.0.1: 80", "127.0.0.1:٣", "localhost:80"),
        *("::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "[fe80::1%eth0]:80", "192.0.2.300:80"),
        *("http://127.0.0.1:80", "[::1:80", "192.0.2.0/24:80"),
    ],
)
def test_what_it_cannot_be_is_a_sentence(text: str) -> None:
    with pytest.raises(Misuse, match=r"is no ADDRESS:PORT: give an address of this machine, such"):
        http_listen(text)
