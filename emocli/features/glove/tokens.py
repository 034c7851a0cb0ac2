"""Splitting a text the way GloVe's training text was split (Stanford's, that is Penn Treebank's).

Contractions fall into their parts (``don't``: ``do n't``, ``she's``: ``she 's``), punctuation
stands alone, and abbreviations, numbers and hyphenated words stay whole. Typographic quotes, dashes
and ellipses become ASCII, also where a text in Windows' code page was read as Latin-1.
"""

from __future__ import annotations

import re
from types import MappingProxyType

ASCII = MappingProxyType(
    str.maketrans(
        {
            **dict.fromkeys("‘’‛ʼ`´\x91\x92", "'"),
            **dict.fromkeys("“”„«»\x93\x94", '"'),
            **dict.fromkeys("–—―\x96\x97", " -- "),
            **dict.fromkeys("…\x85", " ... "),
            "\u00a0": " ",
        }
    )
)

TOKEN = re.compile(
    r"""
      \.\.+ | --+                               # ellipsis, dash
    | (?:[a-z]\.){2,}                           # U.S.
    | (?:mr|mrs|ms|dr|st|jr|sr|vs|prof|etc)\.
    | \d+ (?:[.,:/]\d+)+                        # 1,000.50  8:30
    | [^\W_]+? (?=n't\b) | n't\b                # do n't
    | '(?:s|m|d|re|ve|ll|em|cause|til|tis|twas)\b
    | [^\W_]+ (?:-[^\W_]+ | '(?!(?:s|m|d|re|ve|ll|t)\b)[^\W_]+)*    # well-known, o'clock
    | \S
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

RUNS = MappingProxyType({"..": "...", "--": "--"})


def tokens(text: str) -> list[str]:
    """Split a text into words, parts of contractions and punctuation.

    Runs of points are ``...`` and runs of hyphens ``--``, however long.
    """
    found: list[str] = TOKEN.findall(text.translate(ASCII))
    return [RUNS.get(token[:2], token) for token in found]


def parts(token: str) -> tuple[str, ...]:
    """Take a token apart that is unknown as a whole.

    Hyphenated words fall into words, ``gonna`` into ``gon na``, and abbreviations lose their last
    point. What cannot be taken apart is returned as it is.
    """
    if token.lower() in ASSIMILATED:
        stem = len(ASSIMILATED[token.lower()][0])
        return token[:stem], token[stem:]
    pieces = tuple(piece for piece in token.rstrip(".").split("-") if piece)
    return pieces or (token,)
