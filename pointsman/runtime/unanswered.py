"""Why a request to an API server got no answer, in words for the end of a sentence.

An HTTP library's own words hold the addresses of its objects; nobody can act on those.
"""

from pointsman.model.urls import links_shown
from pointsman.runtime.os_errors import os_error_text
from pointsman.runtime.tls import distrust


def unanswered(error: BaseException) -> str:
    """Return what *error*, of a request that was sent or was to be, means for a user."""
    if why := distrust(error):
        return f"it is not trusted: {why}"
    cause, host = getattr(error, "os_error", None), getattr(error, "host", None)
    if isinstance(cause, OSError) and host:
        place = f"[{host}]" if ":" in str(host) else host
        return f"{place}:{getattr(error, 'port', '')}: {os_error_text(cause)}"
    if isinstance(error, OSError):
        return os_error_text(error)
    text = links_shown(" ".join(str(error).split())) or type(error).__name__
    # By name: no library of HTTP is imported here.
    names = {one.__name__ for one in type(error).__mro__}
    if "TooManyRedirects" in names:
        return "it redirects without end"
    return f"it redirects to {text}" if "RedirectClientError" in names else text
