"""`pointsman map`: what is on the page, and that nothing written in a cluster acts there."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.map.picture import MOST_GROUPS, MOST_NODES
from tests.cli.racks import ZONE, change, racks
from tests.cli.running import conf, eip, endpoints, node, peer, run, service, small, write

TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "div", "svg",
    "g", "rect", "text", "path", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "name", "content", "http-equiv", "class", "viewbox", "role", "xmlns", "x",
    "y", "width", "height", "rx", "d", "stroke-width", "data-of",
}  # fmt: skip
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='a()'>\u202e\x1b[31m&amp;</style>"


class Page(HTMLParser):
    """What a browser would make of it: tags, attributes, and the text of each element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def page(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    status, out, err = run(capsys, "map", "-o", "-", *words)
    assert status == 0, err
    return out


def rows(text: str) -> Iterator[str]:
    """Yield each row of the tables, its cells set apart."""
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL):
        yield " | ".join(re.sub(r"<[^>]*>", "", one) for one in re.findall(r"<td.*?</td>", row))


def test_who_carries_what_with_which_share(tmp_path: Path, capsys) -> None:
    found = list(rows(page(capsys, "-f", write(tmp_path / "a.yaml", *racks()))))
    for row in (
        "lan | default/printer | 192.0.2.64 | node3 | nobody by BGP",
        "routed | default/cni | 203.0.113.64 | node1, node2, node3, node4, 1/4 each | "
        "nobody by BGP",
        "public | default/shop, default/web | 198.51.100.2, 198.51.100.3 | "
        "node1, node2, node3, node4, 1/4 each | tor-a, tor-b",
        "public | default/local | 198.51.100.0 | node2, node4, 1/2 each | tor-a, tor-b",
        "weighted | default/api | 203.0.113.0 | node1 47%, node2 3%, node3 3%, node4 47% | "
        "tor-a, tor-b",
    ):
        assert row in found


def test_who_is_refused_and_why(tmp_path: Path, capsys) -> None:
    text = page(capsys, "-f", write(tmp_path / "a.yaml", *racks()))
    found = "\n".join(rows(text))
    assert "Service default/lost | EipNotFound | Service default/lost has no IPv4 address" in found
    assert "Service default/mail | NoServingEndpoint | " in found
    assert "BgpPeer spare | Disabled | " in found
    assert (
        "BgpPeer tor-b | IPv4 | node1, node2, node3: does not match nextHops.nodeSelector" in found
    )
    assert "Node node5 | 7 Services | node5 is drained by its annotation" in found
    titles = re.findall(r"<title>(.*?)</title>", text)
    assert "tor-b is told 4 paths by node4" in titles
    assert "node4 carries 47% of weighted" in titles
    assert any(t.startswith("Node node5, zone rack-b. node5 is drained") for t in titles)


def marked(text: str) -> set[str]:
    """Return the Services of the rows that are drawn as changed."""
    changed = re.findall(r'<tr class="changed">.*?</tr>', text, re.DOTALL)
    return {next(rows(row)).split(" | ")[1] for row in changed}


def test_before_and_after_a_change(tmp_path: Path, capsys) -> None:
    file = write(tmp_path / "a.yaml", *racks())
    text = page(capsys, "-f", file, "--change", write(tmp_path / "b.yaml", *change()))
    now, _, then = text.partition("<h2>After the change</h2>")
    assert "<h2>Now</h2>" in now
    assert marked(now) == {"default/shop, default/web"}
    assert marked(then) == {"default/new, default/shop", "default/web"}
    assert 'class="box in changed"' in then
    same = page(capsys, "-f", file, "--change", file)
    assert "Nothing would move." in same
    assert 'class="box in changed"' not in same


def test_it_needs_nothing_from_anywhere(tmp_path: Path, capsys) -> None:
    text = page(capsys, "-f", write(tmp_path / "a.yaml", *racks()))
    found = Page(text)
    assert found.tags <= TAGS
    assert found.attributes <= ATTRIBUTES
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    for medium in ("prefers-color-scheme: dark", "@media print", "max-width"):
        assert medium in text
    assert page(capsys, "-f", str(tmp_path / "a.yaml")) == text


def hostile() -> list[dict]:
    """A cluster in which everything that has a name or a text is hostile."""
    objects = small()
    for number, raw in enumerate(objects):
        raw["metadata"]["uid"] = str(number)  # from a server: shown, not refused
    for raw in objects:
        if raw["kind"] in ("Eip", "BgpPeer", "Node", "Service"):
            raw["metadata"]["name"] += HOSTILE
        if raw["kind"] == "Node":
            raw["metadata"]["labels"] = {ZONE: HOSTILE}
        if raw["kind"] == "Service":
            raw["metadata"]["namespace"] = HOSTILE.replace("/", "")
    named = service("asks", notes={"eip": HOSTILE, "addresses": HOSTILE})
    state = peer("tor-2", "192.0.2.9")
    state["metadata"]["uid"] = "99"
    state["status"] = {"speakers": [{"name": "a", "state": HOSTILE}]}
    return [*objects, named, state]


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_nothing_that_is_written_in_a_cluster_acts_on_the_page(
    kind: str, tmp_path: Path, capsys
) -> None:
    file, made = write(tmp_path / "a.yaml", *hostile()), tmp_path / f"map.{kind}"
    run(capsys, "map", "-f", file, "-o", str(made))
    text = made.read_text()
    assert "&lt;script&gt;alert(1)" in text
    assert text.replace("\n", "").isprintable()
    if kind == "svg":
        names = {one.tag.rpartition("}")[2] for one in ET.fromstring(text).iter()}
        assert names <= TAGS
        return
    found = Page(text)
    assert found.tags <= TAGS
    assert found.attributes <= ATTRIBUTES
    assert "<script>alert(1)</script>" in found.text


def test_a_large_cluster_stays_legible(tmp_path: Path, capsys) -> None:
    """Many Services are grouped, many nodes are drawn by their zones, and everyone is counted."""
    nodes = [node(f"n{number:03}", f"192.0.2.{number + 1}") for number in range(MOST_NODES + 20)]
    for number, one in enumerate(nodes):
        one["metadata"]["labels"] = {ZONE: f"zone-{number % 3}"}
    services = [service(f"s{number:03}", externalTrafficPolicy="Local") for number in range(200)]
    slices = [
        endpoints(f"s{number:03}", nodes[number % 50]["metadata"]["name"]) for number in range(200)
    ]
    cluster = [conf(), peer(), eip("public", "198.51.0.0/16"), *nodes, *services, *slices]
    text = page(capsys, "-f", write(tmp_path / "a.yaml", *cluster))
    assert "200 Services with 200 addresses, carried in 50 ways." in text
    picture = text[text.index("<svg") : text.index("</svg>")]
    assert picture.count("<rect") == 1 + 3 + MOST_GROUPS + 1
    assert f"{50 - MOST_GROUPS} more sets of nodes" in picture
    assert len(list(rows(text))) > 50


def test_the_file_is_written_where_it_is_asked_for(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.yaml", *small())
    status, out, _ = run(capsys, "map", "-f", "a.yaml")
    assert status == 0
    assert re.fullmatch(r"Wrote map.html, [\d,]+ characters: open it in a browser.\n", out)
    assert (tmp_path / "map.html").read_text().startswith("<!DOCTYPE html>")
    status, _, err = run(capsys, "map", "-f", "a.yaml", "-o", "no/where.html")
    assert status == 2
    assert "no/where.html cannot be written: No such file or directory." in err


def test_what_cannot_be_read_is_said_and_the_rest_is_shown(tmp_path: Path, capsys) -> None:
    broken = service("broken", ports="80")
    broken["metadata"]["uid"] = "1"
    file = write(tmp_path / "a.yaml", *small(), broken)
    status, out, err = run(capsys, "map", "-f", file, "-o", "-")
    assert status == 1
    assert "Service default/broken" in err
    assert "default/web" in out


@pytest.mark.usefixtures("server")
async def test_a_live_cluster_with_a_change(tmp_path: Path, ask) -> None:
    made = tmp_path / "map.html"
    file = write(tmp_path / "new.yaml", service("api"), endpoints("api", "node2"))
    status, _, err = await ask("map", "--change", file, "-o", str(made))
    assert (status, err) == (0, "")
    _, _, then = made.read_text().partition("<h2>After the change</h2>")
    assert "default/api" in then


@pytest.mark.parametrize("name", ["", "json", "yaml", "table"])
def test_what_names_no_page_is_misuse(name: str, tmp_path: Path, capsys, monkeypatch) -> None:
    cluster = write(tmp_path / "a.yaml", *small())
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "map", "-f", cluster, "-o", name)
    assert (status, out) == (2, "")
    assert f"{name!r} is no name for it: write -o map.html" in err
    assert [one.name for one in tmp_path.iterdir()] == ["a.yaml"]


def test_a_picture_may_be_called_in_capitals(tmp_path: Path, capsys) -> None:
    cluster = write(tmp_path / "a.yaml", *small())
    assert run(capsys, "map", "-f", cluster, "-o", str(tmp_path / "A.SVG"))[0] == 0
    assert (tmp_path / "A.SVG").read_text().startswith("<svg")


def test_a_change_of_nothing_is_said(tmp_path: Path, capsys) -> None:
    cluster, nothing = write(tmp_path / "a.yaml", *small()), write(tmp_path / "b.yaml")
    page = str(tmp_path / "x.html")
    status, _, err = run(capsys, "map", "-f", cluster, "--change", nothing, "-o", page)
    assert status == 1
    assert err == f"No object is in {nothing}.\n"


def test_a_cluster_and_its_change_cannot_both_be_standard_input(capsys) -> None:
    """Whichever is read second would be empty, and nobody would hear of it."""
    status, out, err = run(capsys, "map", "-f", "-", "--change", "-", "-o", "-")
    assert (status, out) == (2, "")
    assert "Standard input can be read once: give -f or --change a file" in err
