"""URLs of others as they are shown: where they lead, and nothing that may be a secret."""

import pytest

from pointsman.model.urls import URL_MAX, links_shown, shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://sso.example.com/login", "https://sso.example.com/login"),
        ("https://[2001:db8::1]:6443/api", "https://[2001:db8::1]:6443/api"),
        ("http://user:s3cret@sso.example.com/", "http://…@sso.example.com/"),
        ("http://s3cret@sso.example.com/", "http://…@sso.example.com/"),
        ("http://a@s3cret@sso.example.com/", "http://…@sso.example.com/"),
        ("https://sso.example.com/?token=s3cret#s3cret", "https://sso.example.com/?…"),
        ("https://sso.example.com/#s3cret", "https://sso.example.com/#…"),
        ("https://sso.example.com/x;sid=s3cret", "https://sso.example.com/x;…"),
        ("/login?next=s3cret", "/login?…"),
        ("//user:s3cret@sso.example.com/x", "//…@sso.example.com/x"),
        ("ftp://user:s3cret@sso.example.com", "ftp://…@sso.example.com"),
        ("mailto:user:s3cret@example.com", "mailto:…"),
        ("user:s3cret@example.com", "user:…"),
        # A password with what ends a host in it: nobody can say which of them it was.
        ("http://user:s3/cret@sso.example.com/", "http://…"),
        ("http://user:s3?cret@sso.example.com/", "http://…"),
        ("http://user:1/s3cret@sso.example.com/", "http://user:1…"),
        ("//[s3cret", "//…"),
        ("http://sso.example.com/\x1b[2J\u202e\n", "http://sso.example.com/\\x1b[2J\\u202e\\n"),
        ("http://sso\x1b[2J.example.com/", "http://…"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_long_one_is_cut() -> None:
    assert len(shown_url("http://sso.example.com/" + "x" * 4000)) == URL_MAX + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '<a href="http://user:s3cret@sso.example.com/?token=s3cret">Found</a>.',
            '<a href="http://…@sso.example.com/?…">Found</a>.',
        ),
        ("url='http://user:s3cret@a.example/', and //b.example?s3cret",
         "url='http://…@a.example/', and //b.example?…"),
        ("mailto:user:s3cret@example.com", "mailto:…"),
        ("Server disconnected: 5 / 7", "Server disconnected: 5 / 7"),
    ],
)  # fmt: skip
def test_what_a_text_links_to_is_shown_so_too(text: str, shown: str) -> None:
    assert links_shown(text) == shown
