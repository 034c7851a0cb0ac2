"""Text of unknown origin is shown harmless, and what is read back is read exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.display import brief, csv_cell, csv_text, exact_json, markdown, number_of, printable

TEXTS = st.text(st.characters(), max_size=12)
FORMULAS = st.text("'=+-@\t\r\n 1a", max_size=8)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\x9b2J\x07", "\\x9b2J\\x07"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("invoice\u202egpj.exe", "invoice\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("pay\u200bpal\ufeff", "pay\\u200bpal\\ufeff"),
        ("half \ud880 \udcff", "half \\ud880 \\xff"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("a\u200db", "a\\u200db"),
        ("می\u200cخواهم 👩\u200d🔬 é ŝ 漢", "می\u200cخواهم 👩\u200d🔬 é ŝ 漢"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_hidden_characters_are_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(TEXTS)
def test_what_is_shown_can_be_written_and_stays(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert printable(shown) == shown


def test_long_messages_lose_their_middle() -> None:
    assert brief("ab" * 5000, 100).startswith("abab")
    assert len(brief("ab" * 5000, 100)) < 110


@pytest.mark.parametrize(
    "text", ["=1+1", "+a", "-a", "@x", "\tx", "\rx", " =1", "'=1", "-1+1", "＝1"]
)
def test_formulas_are_quoted_as_text(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-0.5, "-0.5", "+3", "a=b", "", "'tis", 7, None])
def test_numbers_and_plain_text_stay(value: object) -> None:
    assert csv_cell(value) == value


@given(TEXTS | FORMULAS)
def test_quoted_cells_are_read_exactly(text: str) -> None:
    cell = csv_cell(text)
    assert isinstance(cell, str)
    assert csv_text(cell) == text


def test_markdown_is_text() -> None:
    assert markdown("a|b <img> [x](y) $1$") == "a\\|b \\<img\\> \\[x\\](y) \\$1\\$"


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_stays_exact(value: dict[str, str]) -> None:
    text = exact_json(json.dumps(value, ensure_ascii=False, indent=2))
    text.encode()
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("things", "one"),
    [
        ("clips have no label and were left out", "1 clip has no label and was left out"),
        ("of 30 train clips lack text", "1 of 30 train clips lacks text"),
        ("files left out: their names are not those", "1 file left out: their names are not those"),
        ("people", "1 person"),
        ("classes", "1 class"),
        ("dialogues are too few to draw from", "1 dialogue is too few to draw from"),
        ("speakers (3 clips) have fewer", "1 speaker (3 clips) has fewer"),
    ],
)
def test_one_thing_is_written_in_the_singular(things: str, one: str) -> None:
    assert number_of(1, things) == one
    assert number_of(0, things) == f"0 {things}"
    assert number_of(1200, things) == f"1,200 {things}"
