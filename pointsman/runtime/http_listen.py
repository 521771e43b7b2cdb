"""Where a program answers HTTP: the value of `--http`, read and checked. Opens nothing."""

from pointsman.runtime.errors import Misuse
from pointsman.runtime.listen_address import ListenAddress, listen_address


def http_listen(text: str) -> ListenAddress:
    """Return what `--http` means.

    Raises:
        Misuse: it is no such thing, and the sentence says what to give.
    """
    try:
        return listen_address(text)
    except ValueError:
        raise Misuse(
            f"--http {text!r} is no ADDRESS:PORT: give an address of this machine, such as "
            "127.0.0.1:9472 or [2001:db8::1]:9472, or :9472 for all of them."
        ) from None
