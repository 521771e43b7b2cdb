"""docs/routers: every block for FRR and for BIRD is loaded into one, and does what it says.

The pages speak of the lab's first router; BIRD is the second, so its own address and AS
are put in.
"""

import re

import pytest

from e2e.bed import Bed
from e2e.bgp import loading, routers
from e2e.bgp.test_routerconfig import both
from tests.docs import pages
from tests.docs.pages import Block

pytestmark = pytest.mark.lab

NAMED = re.compile(r"^(?: neighbor 192\.0\.2\.\S+ peer-group|protocol bgp).*\n", re.MULTILINE)
WIDE = ("198.51.100.0/24", "2001:db8:100::/64")


def blocks(page: str, title: str) -> list[Block]:
    return [one for one in pages.blocks(f"docs/routers/{page}.md") if one.title == title]


def text(page: str, title: str) -> str:
    (one,) = blocks(page, title)
    return here(one.text)


def here(text: str) -> str:
    """Return what is meant for the first router as meant for BIRD, if it is BIRD's."""
    text = re.sub(r"(local|router id) 192\.0\.2\.1\b", rf"\1 {routers.SECOND}", text)
    return re.sub(r"(local .*) as 64500;", r"\1 as 64502;", text)


@pytest.mark.parametrize("managers", ["named", "range"])
def test_frr(lab: Bed, managers: str) -> None:
    prefixes = both(lab)
    main = text("frr", "main")
    if managers == "range":
        main = NAMED.sub("", main) + text("frr", "range")
    with loading.frr(lab, main + text("frr", "discard")):
        for wide in WIDE:
            loading.discarded(lab, "router", wide)
        for prefix in prefixes:
            loading.kernel(lab, "router", prefix, "123")
        routers.up(lab, "tor-1")
        routers.reported(lab, "tor-1", "AddPathNegotiated", "True")


@pytest.mark.parametrize("option", blocks("frr", ""), ids=lambda block: block.lines[1].strip())
def test_an_option_of_frr(lab: Bed, option: Block) -> None:
    with loading.frr(lab, text("frr", "main") + option.text):
        shown = routers.vtysh(lab, "show running-config")
        wanted = option.lines[1].strip().removesuffix(" 3 300 300")  # these are its defaults
        assert wanted in shown


@pytest.mark.parametrize("managers", ["named", "range"])
def test_bird(lab: Bed, managers: str) -> None:
    prefixes = both(lab)
    routers.peer(lab, "tor-2", routers.SECOND, 64502)
    main = text("bird", "main")
    if managers == "range":
        main = NAMED.sub("", main) + text("bird", "range")
    with loading.bird(lab, main + text("bird", "discard")):
        for wide in WIDE:
            loading.discarded(lab, "router2", wide)
        for prefix in prefixes:
            loading.kernel(lab, "router2", prefix, "123")
        routers.up(lab, "tor-2")
        routers.reported(lab, "tor-2", "AddPathNegotiated", "True")


def test_the_options_of_bird(lab: Bed) -> None:
    main = text("bird", "main")
    for option in blocks("bird", "option"):
        more = "protocol bfd { }\n" if "bfd" in option.text else ""
        with loading.bird(lab, more + main.replace("  passive", f"  {option.text}  passive")):
            assert "manager" in routers.birdc(lab, "show", "protocols")
    port = re.sub(r"local .*;", text("bird", "local").strip(), main)
    assert port != main
    with loading.bird(lab, port):
        lab.wait("its port", lambda: ":1179" in lab.exec("router2", "ss", "-Hltn"))
