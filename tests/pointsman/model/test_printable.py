import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.printable import CLIP, MESSAGE_MAX, MORE, clipped, printable, sentence, some
from pointsman.model.verdicts.address import EipNotFound, listed
from pointsman.model.verdicts.base import Verdict

ANY = st.text(st.characters(exclude_categories=()), max_size=300)  # surrogates, too
# What moves a cursor, ends a line, turns text round, hides, stacks, or is nobody's.
EVIL = {
    "escape": "\x1b[31m",
    "C1 CSI": "\x9b31m",
    "line feed": "\n",
    "carriage return": "\r",
    "tab": "\t",
    "next line": "\x85",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "arabic letter mark": "\u061c",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\xad",
    "no-break space": "\xa0",
    "surrogate": "\ud800",
    "private use": "\ue000",
    "unassigned": "\U000e0fff",
    "tag": "\U000e0041",
    "variation selector": "\ufe0f",
    "combining mark": "\u0301",
    "blank letter": "\u3164",
    "NUL": "\0",
    "DEL": "\x7f",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in EVIL.items()])
def test_what_is_not_seen_becomes_an_escape(text: str) -> None:
    shown = printable(text)
    assert shown.startswith("\\")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape") == text


@pytest.mark.parametrize("text", ["public", "Straße 7", "日本", "привет", "a\\nb", "it's", ""])
def test_what_people_read_stays_as_it_is(text: str) -> None:
    assert clipped(text) == sentence(text) == printable(text) == text


@given(ANY)
def test_any_text_becomes_one_line_of_bounded_length(text: str) -> None:
    for shown, longest in (
        (clipped(text), CLIP + len(MORE)),
        (printable(text), 10 * len(text)),
        (sentence(text, 100), 100),
    ):
        assert shown.isprintable()
        assert len(shown.splitlines()) <= 1
        assert not any(unicodedata.category(one) in ("Mn", "Me", "Cf", "Cc") for one in shown)
        assert len(shown) <= longest
        shown.encode()  # nothing of it cannot be written


@given(ANY)
def test_each_line_of_defence_changes_nothing_that_passed_an_earlier_one(text: str) -> None:
    assert clipped(clipped(text)) == clipped(text)
    assert printable(clipped(text)) == clipped(text)
    assert sentence(sentence(text, 60), 60) == sentence(text, 60)


def test_a_clip_says_so_and_cuts_no_escape_in_two() -> None:
    assert clipped("x" * CLIP) == "x" * CLIP
    assert clipped("x" * 200_000) == "x" * CLIP + MORE
    assert clipped("x" * (CLIP - 3) + "\x1b[0m") == "x" * (CLIP - 3) + MORE


def test_a_message_too_long_keeps_what_to_do() -> None:
    text = f"Service default/web has no address: {'because ' * 90_000}. Ask for another one."
    shown = sentence(text)
    assert len(shown) <= MESSAGE_MAX
    assert shown.startswith("Service default/web has no")
    assert shown.endswith("Ask for another one.")


def test_of_very_many_clauses_the_first_are_shown() -> None:
    assert some(["a", "b"]) == ("a", "b")
    assert some(["a"] * 900, 2) == ("a", "a", "and others")
    assert listed(["a"] * 900).endswith("a, a and others")


def test_every_verdict_is_a_sentence_whatever_its_class_says() -> None:
    class Careless(Verdict):
        def __str__(self) -> str:
            return "forged\n" + "x" * 900_000

    assert str(Careless()).startswith("forged\\nx")
    assert len(str(Careless())) <= MESSAGE_MAX


def test_a_refusal_of_a_thousand_eips_keeps_its_remedy() -> None:
    clauses = tuple(f"there is no Eip 'team-{number}'" for number in range(1000))
    shown = str(EipNotFound("default/web", "IPv4 address", clauses, "\x1b[31m" + "x" * 300_000))
    assert "Create Eip '\\x1b[31mxxxx" in shown
    assert shown.endswith("pointsman.dev/eip.")
    assert len(shown) < 2000
