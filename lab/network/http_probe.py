"""One HTTP request from inside a namespace: a new connection each time, as ECMP needs.

Instead of curl, which a machine may lack, and without a process per request.
"""

from __future__ import annotations

import http.client
import socket

from lab.errors import Broken
from lab.network import icmp_errors, netns


def ask(
    namespace: str, address: str, port: int, *, path: str = "/", timeout_s: float = 2.0
) -> tuple[int, str]:
    """Return status and body of a GET to *address*, sent from *namespace*.

    Raises:
        Broken: nobody answered in time.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with netns.entered(namespace):
        sock = socket.socket(family, socket.SOCK_STREAM)
    connection = http.client.HTTPConnection(address, port)
    try:
        sock.settimeout(timeout_s)
        sock.connect((address, port))
        connection.sock = sock
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, OSError) and error.errno in icmp_errors.UNREACHABLE:
            own_port = sock.getsockname()[1]
            sock.close()
            why += icmp_errors.answering(namespace, address, port, own_port=own_port)
        raise Broken(f"{address} port {port} did not answer {namespace}: {why}.") from error
    finally:
        sock.close()
        connection.close()
