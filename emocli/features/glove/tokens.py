"""Tokens of a text as in GloVe's training text (Stanford's, that is Penn Treebank's).

Contractions fall into their parts (``don't``: ``do n't``, ``she's``: ``she 's``), punctuation
stands alone, and abbreviations, numbers and hyphenated words stay whole. Typographic quotes, dashes
and ellipses become ASCII, also where a text in Windows' code page was read as Latin-1.

A letter is one with its combining marks and joiners, in every script, so that the words of Hindi,
Thai or vowelled Arabic stay whole; so do emoji of several characters. Texts are composed (Unicode's
NFC). What is written without blanks between words, as Chinese and Thai are, is one token, which
`segments` cuts into words that have vectors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Literal

Case = Literal["both", "keep", "lower"]

ASCII = MappingProxyType(
    str.maketrans(
        {
            **dict.fromkeys("‘’‛ʼ`´׳\x91\x92", "'"),
            **dict.fromkeys("“”„«»״\x93\x94", '"'),
            **dict.fromkeys("–—―\x96\x97", " -- "),
            **dict.fromkeys("…\x85", " ... "),
            **dict.fromkeys("\u2010\u2011", "-"),
            "\u00a0": " ",
            "\u200b": " ",  # a blank without width, as between the words of Thai or Khmer
            # Marks of direction, soft hyphens and marks of byte order are no part of a word.
            **dict.fromkeys("\u00ad\u061c\u200e\u200f\u2060\ufeff"),
            **dict.fromkeys(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))),
        }
    )
)

JOINERS = "\u200c\u200d"


def _ranges(first: int, last: int, *categories: str) -> str:
    """Return the characters of some Unicode categories for a regular expression's brackets."""
    codes = [c for c in range(first, last) if unicodedata.category(chr(c)) in categories]
    starts = [c for c, before in zip(codes, [-1, *codes], strict=False) if c != before + 1]
    ends = [c for c, after in zip(codes, [*codes[1:], -1], strict=True) if c + 1 != after]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))


MARKS = _ranges(0x300, 0x20000, "Mn", "Mc", "Me")
"""Combining marks; those that choose a variant beyond these are among `MODIFIERS`."""

MODIFIERS = f"{MARKS}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef"
"""What may follow a symbol: marks, skin tones, tags and choices of a variant."""

WORD = rf"[^\W_]++ (?:[{MARKS}{JOINERS}]++ [^\W_]*+)*+"

TOKEN = re.compile(
    rf"""
      \.\.+ | --+                               # ellipsis, dash
    | (?:[a-z]\.){{2,}}                         # U.S.
    | (?:mr|mrs|ms|dr|st|jr|sr|vs|prof|etc)\.
    | \d+ (?:[.,:/٫٬]\d+)+                      # 1,000.50  8:30
    | [^\W_]+? (?=n't\b) | n't\b              # do n't
    | '(?:s|m|d|re|ve|ll|em|cause|til|tis|twas)\b
    | {WORD} (?:[-·־]{WORD} | '(?!(?:s|m|d|re|ve|ll|t)\b){WORD}   # well-known, o'clock
      | (?<=[א-ת])"(?=[א-ת]){WORD})*         # a Hebrew abbreviation
    | [\U0001f1e6-\U0001f1ff]{{2}}              # a flag
    | \S [{MODIFIERS}]* (?:\u200d \S [{MODIFIERS}]*)*
    """,
    re.VERBOSE | re.IGNORECASE,
)

ASSIMILATED = MappingProxyType(
    {
        "cannot": ("can", "not"),
        "gimme": ("gim", "me"),
        "gonna": ("gon", "na"),
        "gotta": ("got", "ta"),
        "lemme": ("lem", "me"),
        "wanna": ("wan", "na"),
    }
)
"""Words the Treebank splits although nothing in their spelling does."""

HYPHEN = re.compile(f"[-־{JOINERS}]")
JOINER = re.compile(f"[{JOINERS}]")
MODIFIER = re.compile(f"[{MODIFIERS}]")
POINT = re.compile(
    "[\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
)
"""Vowels and other points that Arabic and Hebrew are mostly written without, and long strokes."""

TURKISH = MappingProxyType({ord("I"): "ı", ord("İ"): "i"})

SCRIPTS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
"""Those that are written without blanks between words."""

UNSPACED = re.compile(f"[{SCRIPTS}]")
CASELESS = re.compile(f"[{SCRIPTS}]+")
RUN = re.compile(f"[{SCRIPTS}{JOINERS}]+|[^{SCRIPTS}{JOINERS}]+")
LETTERS = re.compile(f".[{MARKS}{JOINERS}]*", re.DOTALL)
LONGEST = 12
"""Letters of the longest word looked for in such a run."""

RUNS = MappingProxyType({"..": "...", "--": "--"})


def tokens(text: str) -> list[str]:
    """Split a text into words, parts of contractions and punctuation.

    Runs of points are ``...`` and runs of hyphens ``--``, however long.
    """
    matches: list[str] = TOKEN.findall(unicodedata.normalize("NFC", text).translate(ASCII))
    return [RUNS.get(token[:2], token) for token in matches]


def parts(token: str) -> tuple[str, ...]:
    """Take a token apart that is unknown as a whole.

    Hyphenated words, and those with a joiner between them, fall into words, ``gonna`` into ``gon
    na``, abbreviations lose their last point and symbols what only modifies them. What cannot be
    taken apart is returned as it is.
    """
    if token.lower() in ASSIMILATED:
        stem = len(ASSIMILATED[token.lower()][0])
        return token[:stem], token[stem:]
    pieces = tuple(piece for piece in HYPHEN.split(token.rstrip(".")) if piece)
    if not token.isascii() and not any(map(str.isalpha, token)):
        pieces = tuple(bare for piece in pieces if (bare := MODIFIER.sub("", piece)))
    return pieces or (token,)


def forms(word: str, case: Case) -> tuple[str, ...]:
    """Return the spellings a word is looked up in, in this order, each once.

    As it is written and in lower case, as `case` says; the same with compatible letters (full-width
    ones, ligatures) replaced, without joiners, and without the points of Arabic and Hebrew; and
    last the lower case that Turkish, and capitals without ``ß``, would have.
    """
    if not word.isascii() and CASELESS.fullmatch(word):
        return tuple(dict.fromkeys((word, unicodedata.normalize("NFKC", word))))
    written = [word]
    if not word.isascii():
        normalised = unicodedata.normalize("NFKC", word)
        bare = JOINER.sub("", normalised)
        written += [normalised, bare, unicodedata.normalize("NFC", POINT.sub("", bare))]
    lower = [form.lower() for form in written]
    lower += [] if word.isascii() else [form.casefold() for form in written]
    lower += [
        form.translate(TURKISH).lower()
        for form in written
        if not TURKISH.keys().isdisjoint(map(ord, form))
    ]
    by_case = {"keep": written, "lower": lower, "both": [written[0], lower[0], *written, *lower]}
    return tuple(dict.fromkeys(by_case[case]))


def is_spaced(token: str) -> bool:
    """Whether the token is of a script with blanks between words, so that it is one word."""
    return token.isascii() or UNSPACED.search(token) is None


def segments(token: str, is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """Cut what is written without blanks between words: the longest known word first.

    Letters in a row that begin no known word are one piece; so is any other script between.
    """
    pieces: list[str] = []
    for run in RUN.findall(token):
        letters = LETTERS.findall(run) if UNSPACED.match(run) else [run]
        start, unknown = 0, ""
        while start < len(letters):
            ends = range(min(len(letters), start + LONGEST), start, -1)
            word = next((w for end in ends if is_known(w := "".join(letters[start:end]))), "")
            if word:
                pieces += [unknown, word] if unknown else [word]
                start, unknown = start + len(LETTERS.findall(word)), ""
            else:
                start, unknown = start + 1, unknown + letters[start]
        pieces += [unknown] if unknown else []
    return tuple(pieces)


def candidates(token: str) -> Iterator[str]:
    """Iterate over all that `segments` may ask for; nothing for words between blanks."""
    if is_spaced(token):
        return
    for run in RUN.findall(token):
        letters = LETTERS.findall(run) if UNSPACED.match(run) else [run]
        for start in range(len(letters)):
            for end in range(start + 1, min(len(letters), start + LONGEST) + 1):
                yield "".join(letters[start:end])
