"""A client that asks for others: `python -m e2e.containers.probe --port PORT`, in its machine.

`GET /?address=A&port=P&path=/x` makes one new connection to A and answers what came back;
504 and a sentence where nobody answered in time. A `docker exec` per request would take longer
than what is measured. `--once ADDRESS PORT PATH` is one request, printed as "STATUS BODY".
"""

from __future__ import annotations

import argparse
import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NOBODY = 504
ANSWER_S = 2.0


def ask(address: str, port: int, path: str) -> tuple[int, str]:
    """Return status and body of one GET; NOBODY and why, where no answer came."""
    connection = http.client.HTTPConnection(address, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return NOBODY, getattr(error, "strerror", None) or str(error) or type(error).__name__
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        status, body = ask(query["address"], int(query["port"]), query.get("path", "/"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the library has it
        """Say nothing of each request."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.containers.probe", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--once", nargs=3, metavar=("ADDRESS", "PORT", "PATH"))
    options = parser.parse_args()
    if options.once:
        address, port, path = options.once
        status, body = ask(address, int(port), path)
        print(status, body)
        return
    ThreadingHTTPServer(("", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
