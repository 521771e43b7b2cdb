"""URLs that others wrote, as they may be shown: in a log, a condition, on a terminal.

The Location of a redirect may hold a user with a password, and what stands for one: the query of
a sign-in page, the parameters of a path. Who is sent astray needs none of it to see where to. It
refuses to judge whether a URL is one.
"""

import re
from typing import Final

from pointsman.model.printable import MORE, clipped

URL_MAX: Final = 256  # characters of one that are shown
# RFC 3986 section 3, and before the first thing that may be a secret.
_PARTS: Final = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?)(//[^/\\]*)?(.*)", re.DOTALL)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^\[\]:@]*)(:[0-9]*)?")
_SECRET: Final = re.compile(r"[?#;]")
_LINK: Final = re.compile(r"[^\s\'\"<>]*(?://|@)[^\s\'\"<>]*")


def shown_url(url: str) -> str:
    """Return of *url* its scheme, host and path, printable; of what may be a secret that it is."""
    before, *secret = _SECRET.split(url, maxsplit=1)
    parts = _PARTS.fullmatch(before)
    assert parts is not None, "anything is a path"
    scheme, authority, path = parts.groups(default="")
    user, at, host = authority.removeprefix("//").rpartition("@")
    if not _HOST.fullmatch(host):  # the beginning of a password with a slash in it, say
        return clipped(f"{scheme}//{MORE}", URL_MAX)
    place = f"//{MORE if user else ''}{at}{host}" if authority else ""
    path = MORE if "@" in path else path
    end = f"{url[len(before)]}{MORE}" if secret and secret[0] else ""
    return f"{clipped(f'{scheme}{place}{path}', URL_MAX)}{end}"


def links_shown(text: str) -> str:
    """Return *text*, of a library or a proxy, with each URL in it as `shown_url` has it."""
    return _LINK.sub(lambda found: shown_url(found[0]), text)
