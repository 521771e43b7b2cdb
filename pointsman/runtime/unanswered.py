"""Why a request to an API server got no answer, in words for the end of a sentence.

An HTTP library's own words hold the addresses of its objects; nobody can act on those.
"""

import os

from pointsman.runtime.tls import distrust


def unanswered(error: BaseException) -> str:
    """Return what *error*, of a request that was sent or was to be, means for a user."""
    if why := distrust(error):
        return f"it is not trusted: {why}"
    cause, host = getattr(error, "os_error", None), getattr(error, "host", None)
    if isinstance(cause, OSError) and host:
        # A name that isn't found has a negative number, and words of its own.
        number = cause.errno or 0
        words = os.strerror(number) if number > 0 else cause.strerror or str(cause)
        place = f"[{host}]" if ":" in str(host) else host
        return f"{place}:{getattr(error, 'port', '')}: {words}"
    return " ".join(str(error).split()) or type(error).__name__
