"""Harmless forms of text of unknown origin, for a terminal, a page or a spreadsheet.

Ids, labels, texts and file names are shown in tables, messages, model cards, figures and CSV files.
JSON stays exact; what is read back by `emocli` is written so that it is read exactly.
"""

from __future__ import annotations

import re

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: line ends, escape sequences of terminals
    "\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width; direction
    "\u2028-\u202e"  # line and paragraph separator; direction
    "\ud800-\udfff"  # halves of characters: no encoding writes them
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # Persian, Indic scripts and emoji need joiners, between characters that are not ASCII.
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"
)
"""Characters that are not seen, or that change how their neighbours are."""

SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

FORMULA = re.compile(r"(?P<quoted>'*)\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How cells start that spreadsheets compute (also in full width)."""

MARKUP = re.compile(r"[\\`*\[\]<>|~$&]|^[#+-]|(?<!\w)_|_(?!\w)")
"""What Markdown, or HTML within it, takes for more than itself."""


LATEX_SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
}
LATEX = re.compile("|".join(map(re.escape, LATEX_SIGNS)))
"""What LaTeX takes for more than itself."""


def printable(text: str, keep: str = "") -> str:
    r"""Show hidden characters as escapes (``\x1b``, ``\u202e``); all others stay as they are.

    Parameters
    ----------
    text : str
        Anything, lone surrogates included.
    keep : str
        Characters that may stay, such as a line end.
    """
    return HIDDEN.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def brief(text: str, most: int = 2000) -> str:
    """Return `printable` text, its middle left out where it is longer than ``most``."""
    shown = printable(text)
    half = most // 2
    return shown if len(shown) <= most else f"{shown[:half]} ... {shown[-half:]}"


SINGULAR = {
    **{"have": "has", "are": "is", "were": "was", "lack": "lacks", "name": "names"},
    **{"people": "person", "classes": "class"},
}
"""What becomes of a word that goes with one thing, where it does not just lose its s."""


def number_of(count: int, things: str) -> str:
    """Write how many things there are, which ``things`` names in the plural with what they do.

    >>> number_of(2, "clips have no sound"), number_of(1, "clips have no sound")
    ('2 clips have no sound', '1 clip has no sound')
    >>> number_of(1, "of 30 clips have no sound; the others are whole")
    '1 of 30 clips has no sound; the others are whole'
    """
    if count != 1:
        return f"{count:,} {things}"
    words, mark, rest = re.split(r"([:;,]|$)", things, maxsplit=1)
    first, space, others = words.partition(" ")
    others = re.sub(r"\b(have|are|were|lack|name)\b", lambda match: SINGULAR[match[0]], others)
    one = SINGULAR.get(first) or re.sub("ies$", "ys", first).removesuffix("s")
    return f"1 {one}{space}{others}{mark}{rest}"


def markdown(text: str) -> str:
    """Write text so that Markdown shows it as it is, in a paragraph or a table's cell."""
    return MARKUP.sub(lambda match: f"\\{match[0]}", printable(text))


def latex(text: str) -> str:
    """Write text so that LaTeX sets it as it is."""
    return LATEX.sub(lambda match: LATEX_SIGNS[match[0]], printable(text))


def code(text: str) -> str:
    """Write text of one or more lines so that no line of it can end a Markdown code block."""
    return printable(text, keep="\n").replace("```", "'''")


def exact_json(text: str) -> str:
    """Write hidden characters of a JSON text as JSON's own escapes: its values stay the same."""
    return HIDDEN.sub(lambda match: match[0] if match[0] == "\n" else _json(match[0]), text)


def csv_cell(value: object) -> object:
    """Quote text that a spreadsheet would compute, by an apostrophe before it; see `csv_text`.

    Numbers, and text that is one (``-0.5``), stay as they are.
    """
    if not isinstance(value, str):
        return value
    formula = FORMULA.match(value)
    if formula is None or (not formula["quoted"] and _is_number(value)):
        return value
    return f"'{value}"


def csv_text(cell: str) -> str:
    """Return the value that `csv_cell` quoted."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _escape(character: str) -> str:
    if character in SHORT:
        return SHORT[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte of a file's name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else _unicode(code)


def _unicode(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k]:02x}{units[k + 1]:02x}" for k in range(0, len(units), 2))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
