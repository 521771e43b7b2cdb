"""A small IPAM for Eips with `source.webhook`: who has which address, in one JSON file.

    TOKEN=secret python3 server.py 127.0.0.1:8080 book.json 192.0.2.0/28 2001:db8::10-2001:db8::1f

The contract is in docs/ipam.md. Replace BOOK by the calls of your IPAM; keep the lock, or its
transactions, and put a server that does TLS before it. It needs Python 3.11 and nothing else.
"""

import hmac
import ipaddress
import json
import os
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LISTEN, FILE, *POOL = sys.argv[1:]
BOOK = json.loads(Path(FILE).read_text()) if Path(FILE).exists() else {}  # by address
TOKEN, LOCK = os.environ["TOKEN"], threading.Lock()


class Refused(Exception):
    """This request can't be met; the text says why."""


def ends(text):  # of 192.0.2.0/28, 192.0.2.1-192.0.2.9, 192.0.2.7
    first, _, last = text.partition("-")
    network = ipaddress.ip_network(first, strict=False)
    return network[0], ipaddress.ip_address(last) if last else network[-1]


def common(some, others):  # what lies in both lists of texts, as (first, last)
    pairs = [(ends(a), ends(b)) for a in some for b in others]
    pairs = [(a, b) for a, b in pairs if a[0].version == b[0].version]
    spans = [(max(a[0], b[0]), min(a[1], b[1])) for a, b in pairs]
    return sorted((span for span in spans if span[0] <= span[1]), key=lambda one: int(one[0]))


def choose(want):
    spans = common(POOL, want.get("within", POOL))
    spans = [one for one in spans if one[0].version == int(want["family"][-1])]
    mine = [one for one, entry in BOOK.items() if entry["owner"] == want["owner"]]
    numbers = (type(a)(n) for a, b in spans for n in range(int(a), int(b) + 1))
    free = (str(one) for one in numbers if str(one) not in BOOK)
    first = next((one for one in mine if common([one], [f"{a}-{b}" for a, b in spans])), None)
    return first or next(free, None)


def reserve(want):
    address = str(ipaddress.ip_address(want["address"])) if "address" in want else choose(want)
    if address is None or not common([address], POOL):
        raise Refused(f"{address} is none of mine" if address else "no address is free")
    old = BOOK.get(address, {"owner": want["owner"], "state": ""})
    if old["owner"] not in (want["owner"], want.get("from")):
        raise Refused(f"{address} belongs to {old['owner']}")
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    entry = {name: want[name] for name in ("owner", "state", "services", "dnsName")}
    since = old["since"] if old["state"] == want["state"] else now
    BOOK[address] = {"id": address, "address": address, **entry, "since": since}
    return 200, BOOK[address]


def release(address, owner):
    if BOOK.get(address, {"owner": owner})["owner"] != owner:
        raise Refused(f"it belongs to {BOOK[address]['owner']}")
    return (204, None) if BOOK.pop(address, None) else (404, {"message": "it is gone"})


def show(owner):
    ours = [one for one in BOOK.values() if f"{one['owner']}/".startswith(f"{owner}/")]
    rest = [one for one in BOOK.values() if one not in ours]
    foreign = [{"address": one["address"], "holder": one["owner"]} for one in rest]
    return 200, {"addresses": POOL, "reservations": ours, "foreign": foreign}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {TOKEN}"):
            return 401, {"message": "the token is another one"}
        url = urlsplit(self.path)
        owner = parse_qs(url.query).get("owner", [""])[0]
        if self.command == "GET":
            return show(owner)
        key = unquote(url.path.rpartition("/")[2])
        done = reserve(json.loads(body)) if self.command == "POST" else release(key, owner)
        Path(f"{FILE}.new").write_text(json.dumps(BOOK, indent=1))  # before it is promised
        Path(f"{FILE}.new").replace(FILE)
        return done

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            with LOCK:
                status, content = self.answer(body)
        except Refused as why:
            status, content = 409, {"message": str(why)}
        except (ValueError, KeyError, TypeError, AttributeError) as why:
            status, content = 400, {"message": f"this request can't be read: {why!r}"}
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_DELETE = do_GET


host, _, port = LISTEN.rpartition(":")
server = ThreadingHTTPServer((host, int(port)), Handler)
print(f"listening on {host}:{server.server_port}", flush=True)
server.serve_forever()
