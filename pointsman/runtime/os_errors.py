"""What the machine refused, in the kernel's words.

Whoever raises an OSError on the way may put a sentence of its own into it: asyncio's says which
address and loses the number, in one version of Python or the other, and what fails at several
addresses is one error with the texts of all.
"""

import os
import re
import ssl
from typing import Final

# What OpenSSL calls an answer in plain text, by its versions.
_PLAIN: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
_NUMBERED: Final = re.compile(r"\[Errno (\d+)\]")  # as str() of an OSError begins


def os_error_text(error: OSError) -> str:
    """Return why, as the end of a sentence; of several reasons each once."""
    if isinstance(error, ssl.SSLError):  # its number is OpenSSL's own, and 1 is not EPERM
        if error.reason in _PLAIN:
            return "no TLS comes about: the answer is none; does the URL begin with http?"
        what = (error.reason or "").replace("_", " ").lower() or str(error)
        return f"no TLS comes about: {what}"
    if (number := error.errno or 0) > 0:
        return os.strerror(number)
    text = " ".join((error.strerror or str(error)).split())  # a name not found: own words
    if reasons := dict.fromkeys(os.strerror(int(one)) for one in _NUMBERED.findall(text)):
        return ", ".join(reasons)
    in_time = "no answer in time" if isinstance(error, TimeoutError) else ""
    return text or in_time or type(error).__name__
