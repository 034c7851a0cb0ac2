"""The vocabulary of docs/glossary.md: names and phrases that the field's terms have replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NAMES = (
    *("found", "given", "made", "told", "said", "beside", "blamed", "noticed"),
    *("struck", "spoilt", "spoiler", "standing", "begun", "unusual", "odd", "apart", "plain"),
    *("asked", "question", "answers?", "merit", "arithmetic", "mend", "costs"),
    *("Bench", "ClassicalBench", "Measured", "Workshop", "Remembering", "Question", "Answer"),
    *("Spoiler", "Standing", "Begun", "ALONE"),
)
"""Names of nothing, or of our own dialect: a name says what it holds, or what it does.

Some others that the field's terms have replaced are free where they are meant literally: figures
(drawings), tempo (of speech), container (of media), origin, folds, named, measured.
"""

FILES = ("_odd", "_named", "_apart", "plain", "bench", "workshop", "answers", "spoiler")
"""Names of files that have others now."""

BINDING = re.compile(
    r"^[ ]*(?:(?:def|class) _?(?:{0})\b|(?:\w+, )*(?:{0})(?:, \w+)* = |"
    r"(?:{0}): [\w\[\], |.]+(?: = .*)?$|(?:with|except)\b.*\bas (?:{0}):|import .* as (?:{0})$)|"
    r"\bfor (?:{0}) in\b".format("|".join(NAMES)),
    re.MULTILINE,
)

PHRASES = {
    r"blam(?:ed|es|ing)": "not trusted; false positive",
    r"false alarms?": "false positives",
    r"distrust(?:s|ed)": "not trusted",
    r"(?:models?|baselines?|SVM) beside": "baselines",
    r"stands? beside": "is reported, printed or compared with",
    r"(?:the|printed|validation|pooled) figures (?:flatter|below)": "results, values, metrics",
}
"""Phrases of documents, docstrings and messages, and what the field says."""

PHRASE = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b")

KEYS = re.compile(r'^ *\w+(?:, \w+)* : |``?\w+``?|"\w+"|\.\w+|\w+ ?[=:]|--\w+')
"""Keys of formats keep their names, and so do fields and styles that are called like them."""


def texts() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").glob("*.md"))
    for kind in ("py", "js", "html"):
        yield from sorted((ROOT / "emocli").rglob(f"*.{kind}"))


def replaced(line: str) -> list[str]:
    """Return the phrases of a line that have been replaced, each with its successor."""
    text = KEYS.sub(" ", line)
    return [
        f"'{match[0]}': write {term}"
        for phrase, term in PHRASES.items()
        for match in re.finditer(rf"\b{phrase}\b", text)
    ]


def test_names_say_what_they_hold() -> None:
    files = {path: path.read_text("utf-8") for path in (ROOT / "emocli").rglob("*.py")}
    bound = {path: [m[0].strip() for m in BINDING.finditer(text)] for path, text in files.items()}
    assert {path: names for path, names in bound.items() if names} == {}


def test_texts_have_the_terms_of_the_field() -> None:
    files = {path: path.read_text("utf-8") for path in texts()}
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {what}"
        for path, text in files.items()
        if PHRASE.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        for what in replaced(line)
    ]
    assert wrong == []


def test_files_are_named_after_what_they_have() -> None:
    files = {path.stem: path for path in (ROOT / "emocli").rglob("*.py")}
    assert [files[name] for name in FILES if name in files] == []


@pytest.mark.parametrize(
    "line",
    [
        "found = score(x)",
        "def _plain(x):",
        "class Question:",
        "    apart: list[int] = []",
        "for asked in all:",
        "    a, told = b",
        "def _beside(x):",
        "for made in all:",
        "with a as said:",
    ],
)
def test_a_name_of_nothing_is_detected(line: str) -> None:
    assert BINDING.search(line)


@pytest.mark.parametrize("line", ["found == 1", "call(found=1)", 'names["made"]', "as_given = 1"])
def test_a_key_is_no_name(line: str) -> None:
    assert not BINDING.search(line)


def test_phrases_are_detected_and_keys_are_not() -> None:
    assert len(replaced("how many were blamed, and the SVM beside it")) == 2
    assert replaced("the key is `distrusted`, the style --distrusted, and segment.distrusted") == []


def test_the_glossary_has_each_word_once_and_those_that_the_docs_build_on() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    cells = re.findall(r"^\| (.+?) \| ", text, re.MULTILINE)
    words = [
        word.strip("`") for cell in cells for word in re.sub(r" \(.*?\)", "", cell).split(", ")
    ]
    assert len(set(words)) == len(words)
    needed = """analysis attention calibration clip corpus corruption dataset dialogue experiment
        feature format gate hop manifest metric modality network plug-in prediction protocol proxy
        report run seed segment split store track transcript view way writer"""
    assert set(needed.split()) <= set(words)
